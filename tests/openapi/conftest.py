from __future__ import annotations

from wire.conftest import gateway, make_application, owner, wire_urls

__all__ = ["gateway", "make_application", "owner", "wire_urls"]
