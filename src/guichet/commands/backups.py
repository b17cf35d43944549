"""``guichet backup`` and ``guichet restore``."""

from __future__ import annotations

import asyncio
from pathlib import Path

from guichet.commands.common import read_settings
from guichet.server import backups


def backup(file: Path) -> None:
    """Write the whole database to FILE, as of one moment, while everything runs.

    The secret keys are not in it: keep them elsewhere, for without them what is sealed is lost.

    Parameters
    ----------
    file
        Replaced if it exists. Only its owner may read it: it holds people's data.
    """
    size_bytes = asyncio.run(backups.back_up(read_settings(), file))
    print(f"{file}: {size_bytes} bytes")


def restore(file: Path) -> None:
    """Fill an empty database from FILE and bring it to this version; start everything afterwards.

    Parameters
    ----------
    file
        Made by `guichet backup`, by this version or an older one.
    """
    applied = asyncio.run(backups.restore(read_settings(), file))
    print(f"Restored; {len(applied)} migrations applied. Check it: guichet ledger audit")
