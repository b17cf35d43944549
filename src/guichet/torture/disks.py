"""A small disk in memory, for a folder."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class NoDisk(Exception):
    """This machine does not let us mount one; the message says how it would."""


@contextmanager
def small_disk(folder: Path, mib: int) -> Iterator[None]:
    """Mount a tmpfs of ``mib`` at ``folder``, until the end of the block; raises ``NoDisk``."""
    folder.mkdir(mode=0o700)
    options = f"size={mib}m,mode=0700"
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NoDisk(
            f"{done.stderr.strip()}; run the command as root, or behind `unshare --user "
            "--map-current-user --keep-caps --mount`"
        )
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=False)
