"""The launcher's folder: its lock, its private files, and where the socket is."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import tempfile
from pathlib import Path

from guichet.embedded.errors import AlreadyRunning, CannotStart
from guichet.embedded.identity import Identity

#: The longest path of a socket is 107 bytes; PostgreSQL adds its name to the folder's.
_SOCKET_FOLDER_MAX_BYTES = 107 - len("/.s.PGSQL.5432")
_FAR_PREFIX = "guichet-db-"


def lock(folder: Path) -> int:
    """Lock the folder, made if needed; held until the descriptor closes, so never left behind.

    Raises ``AlreadyRunning``, or ``CannotStart`` when the folder is not ours.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.stat().st_uid != os.geteuid():
            raise PermissionError(f"{folder} belongs to another user")
        folder.chmod(0o700)
        descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise CannotStart(
            f"cannot keep data in {folder} ({error}): set GUICHET_DATA_DIR"
        ) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip()
        os.close(descriptor)
        raise AlreadyRunning(
            f"another Guichet (process {holder}) uses {folder}: stop it, or set GUICHET_DATA_DIR"
        ) from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, str(os.getpid()).encode(), 0)
    return descriptor


def write_private(path: Path, content: dict[str, str]) -> None:
    """Write JSON that only its owner may read; after a crash the file is whole or not there."""
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(content, file)
        file.flush()
        os.fsync(descriptor)
    fresh.replace(path)
    parent = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(parent)
    finally:
        os.close(parent)


def socket_folder(folder: Path, identity: Identity) -> Path:
    """A new folder for the socket, that only the database's user may enter.

    In the launcher's folder, unless that is out of the user's reach or its path too long for a
    socket; then in the system's temporary folder.
    """
    forget_sockets(folder)
    near = folder / "run"
    if not identity.dropped and _fits(near):
        near.mkdir(mode=0o700)
        made = near
    else:
        base = tempfile.gettempdir()
        if not _fits(Path(base) / f"{_FAR_PREFIX}12345678"):
            base = "/tmp"  # noqa: S108 - mkdtemp makes a private folder in it
        made = Path(tempfile.mkdtemp(prefix=_FAR_PREFIX, dir=base))
        os.chown(made, identity.uid, identity.gid)
    write_private(folder / "endpoint.json", {"sockets": str(made)})
    return made


def sockets_of_running(folder: Path) -> Path | None:
    """Where the running database of the folder listens."""
    try:
        return Path(json.loads((folder / "endpoint.json").read_text())["sockets"])
    except FileNotFoundError:
        return None


def forget_sockets(folder: Path) -> None:
    """Remove the socket's folder, of this start or of one that was killed."""
    last = sockets_of_running(folder)
    if last is not None and (last == folder / "run" or last.name.startswith(_FAR_PREFIX)):
        shutil.rmtree(last, ignore_errors=True)
    (folder / "endpoint.json").unlink(missing_ok=True)


def _fits(sockets: Path) -> bool:
    return len(os.fsencode(sockets)) <= _SOCKET_FOLDER_MAX_BYTES
