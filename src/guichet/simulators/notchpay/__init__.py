"""A simulation of Notch Pay, with the operators and phones behind it (docs/simulators.md)."""

from __future__ import annotations

from .app import Credentials, build_app

__all__ = ["Credentials", "build_app"]
