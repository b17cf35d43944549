from __future__ import annotations


class CannotServe(RuntimeError):
    """A process must not or cannot start; the message says why and what to do."""
