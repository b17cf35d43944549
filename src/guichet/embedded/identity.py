"""Who runs PostgreSQL, which refuses root: ourselves, or as root a user of its own."""

from __future__ import annotations

import os
import pwd
import subprocess
from typing import NamedTuple, TypedDict

from guichet.embedded.errors import CannotStart

_USER = "guichet-db"


class SpawnOptions(TypedDict, total=False):
    """The arguments of ``subprocess.Popen`` that change the user."""

    user: int
    group: int
    extra_groups: list[int]


class Identity(NamedTuple):
    """The user of the database's processes; ``dropped`` when it is another one than ours."""

    uid: int
    gid: int
    dropped: bool

    def spawn_options(self) -> SpawnOptions:
        if not self.dropped:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


def choose() -> Identity:
    """Ourselves, unless we are root; raises ``CannotStart`` if root has no user to become."""
    if os.geteuid() != 0:
        return Identity(os.geteuid(), os.getegid(), dropped=False)
    entry = _find() or _create()
    return Identity(entry.pw_uid, entry.pw_gid, dropped=True)


def _find() -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(_USER)
    except KeyError:
        return None


def _create() -> pwd.struct_passwd:
    command = ["useradd", "--system", "--user-group", "--no-create-home"]
    command += ["--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin", _USER]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        problem = done.stderr.strip()
    except OSError as error:
        problem = str(error)
    entry = _find()
    if entry is None:
        raise CannotStart(
            f"PostgreSQL does not run as root, and the user {_USER} could not be made ({problem}): "
            "run Guichet as an ordinary user, or make that user"
        )
    return entry
