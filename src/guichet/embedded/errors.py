from __future__ import annotations


class CannotStart(RuntimeError):
    """The embedded database cannot run here; the message says why and what to do."""


class AlreadyRunning(CannotStart):
    """Another launcher uses the data folder."""
