"""A simulation of mobile-money operators and of their customers' phones (docs/simulators.md)."""

from __future__ import annotations

from .app import Credentials, build_app

__all__ = ["Credentials", "build_app"]
