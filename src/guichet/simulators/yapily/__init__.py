"""A simulation of Yapily's API and of the banks behind it (docs/simulators.md)."""

from __future__ import annotations

from .app import build_app

__all__ = ["build_app"]
