"""How PostgreSQL's processes are started: out of reach of nothing they need, and never orphaned."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from guichet.embedded.identity import Identity

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class Place(NamedTuple):
    """A folder's path as a child may use it, and the descriptors that the child must inherit."""

    path: str
    descriptors: tuple[int, ...]


@contextmanager
def reachable(folder: Path, identity: Identity) -> Iterator[Place]:
    """The folder under a path that ``identity`` can open even if it may not enter its parents.

    Root's folders are often private (``/root``). An open descriptor leads past them, and no
    parent's mode needs to change.
    """
    if not identity.dropped:
        yield Place(str(folder), ())
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield Place(f"/proc/self/fd/{descriptor}", (descriptor,))
    finally:
        os.close(descriptor)


def die_with_parent() -> None:
    """Run in the child: the kernel sends it SIGINT (fast stop) when the launcher dies.

    Linux only; elsewhere, and if it were lost, the next start stops what was left running.
    """
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGINT)
