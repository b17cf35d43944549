"""The OpenAPI documents of the APIs that this server speaks, for its pages.

What they are made of is imported when one is first asked for: a start should not wait for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from guichet.pages.api_pages import MakeDocument

if TYPE_CHECKING:
    from guichet.dialects.openapi.documents import Dialect


def api_documents(base_url: str) -> dict[str, MakeDocument]:
    """Their makers by name; ``base_url`` is where clients reach the server."""

    @cache
    def neopay() -> tuple[Mapping[str, Any], bytes]:
        from guichet.dialects.neopay.openapi import NEOPAY

        return _made(NEOPAY, base_url)

    @cache
    def notchpay() -> tuple[Mapping[str, Any], bytes]:
        from guichet.dialects.notchpay.openapi import NOTCHPAY

        return _made(NOTCHPAY, base_url)

    return {"neopay": neopay, "notchpay": notchpay}


def _made(dialect: Dialect, base_url: str) -> tuple[Mapping[str, Any], bytes]:
    from guichet.dialects.openapi.documents import document, encoded

    made = document(dialect, base_url)
    return made, encoded(made)
