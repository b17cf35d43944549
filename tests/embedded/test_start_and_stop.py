from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import asyncpg
import pytest

from embedded.conftest import SMALL, query, recall, remember
from guichet.embedded import AlreadyRunning, CannotStart, EmbeddedPostgres, running_endpoints


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_a_first_start_makes_a_database_and_two_roles(postgres: EmbeddedPostgres) -> None:
    endpoints = await postgres.start()

    assert await query(endpoints.serving_dsn, "SELECT current_user") == "guichet"
    assert await query(endpoints.owner_dsn, "SELECT current_user") == "guichet_owner"
    owner = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'guichet'"
    assert await query(endpoints.owner_dsn, owner) == "guichet_owner"
    superusers = "SELECT array_agg(rolname) FROM pg_roles WHERE rolsuper"
    assert await query(endpoints.superuser_dsn, superusers) == ["postgres"]


async def test_the_serving_role_can_make_nothing(postgres: EmbeddedPostgres) -> None:
    endpoints = await postgres.start()

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await query(endpoints.serving_dsn, "CREATE TABLE mine ()")


async def test_a_wrong_password_opens_nothing(postgres: EmbeddedPostgres) -> None:
    endpoints = await postgres.start()
    password = endpoints.serving_dsn.partition("guichet:")[2].partition("@")[0]

    with pytest.raises(asyncpg.InvalidPasswordError):
        await query(endpoints.serving_dsn.replace(password, "guess"), "SELECT 1")


async def test_nothing_listens_but_a_socket_in_a_private_folder(
    postgres: EmbeddedPostgres, folder: Path
) -> None:
    endpoints = await postgres.start()

    assert await query(endpoints.superuser_dsn, "SHOW listen_addresses") == ""
    sockets = Path(json.loads((folder / "endpoint.json").read_text())["sockets"])
    assert (sockets / ".s.PGSQL.5432").is_socket()
    assert mode(sockets) == 0o700
    assert mode(folder) == 0o700
    assert mode(folder / "data") == 0o700
    assert mode(folder / "passwords.json") == 0o600


@pytest.mark.parametrize("name", ["fsync", "synchronous_commit", "full_page_writes"])
async def test_what_is_acknowledged_is_on_disk(postgres: EmbeddedPostgres, name: str) -> None:
    endpoints = await postgres.start()

    assert await query(endpoints.superuser_dsn, f"SHOW {name}") == "on"


async def test_our_environment_is_not_the_databases(
    postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GUICHET_SECRET_KEYS", "secret")
    await postgres.start()

    environment = Path(f"/proc/{postgres.pid}/environ").read_bytes()
    assert b"LC_ALL=C" in environment
    assert b"GUICHET" not in environment


async def test_a_second_start_finds_what_was_kept(postgres: EmbeddedPostgres) -> None:
    await remember(await postgres.start())
    await postgres.stop()

    assert await recall(await postgres.start()) == 42


async def test_a_stop_leaves_nothing_to_recover_and_nothing_behind(
    postgres: EmbeddedPostgres, folder: Path
) -> None:
    await postgres.start()
    sockets = Path(json.loads((folder / "endpoint.json").read_text())["sockets"])
    await postgres.stop()

    assert postgres.pid is None
    assert "database system is shut down" in (folder / "postgres.log").read_text()
    assert not (folder / "data" / "postmaster.pid").exists()
    assert not sockets.exists()
    assert running_endpoints(folder) is None


async def test_a_second_launcher_is_refused_until_the_first_stops(
    postgres: EmbeddedPostgres, folder: Path
) -> None:
    endpoints = await postgres.start()
    second = EmbeddedPostgres(folder, SMALL)

    with pytest.raises(AlreadyRunning, match=str(os.getpid())):
        await second.start()
    assert await query(endpoints.serving_dsn, "SELECT 1") == 1
    assert running_endpoints(folder) == endpoints

    await postgres.stop()
    await second.start()
    await second.stop()


async def test_a_path_too_long_for_a_socket_is_no_obstacle(folder: Path) -> None:
    deep = folder / ("long" * 20) / ("path" * 20)
    launcher = EmbeddedPostgres(deep, SMALL)
    try:
        endpoints = await launcher.start()
        assert await query(endpoints.serving_dsn, "SELECT 1") == 1
    finally:
        await launcher.stop()


async def test_a_long_temporary_folder_is_no_obstacle(
    postgres: EmbeddedPostgres, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(folder / ("long" * 25)))

    assert await query((await postgres.start()).serving_dsn, "SELECT 1") == 1


async def test_data_of_another_version_is_refused(postgres: EmbeddedPostgres, folder: Path) -> None:
    await postgres.start()
    await postgres.stop()
    (folder / "data" / "PG_VERSION").write_text("17\n")

    with pytest.raises(CannotStart, match="made by PostgreSQL 17"):
        await postgres.start()


async def test_data_without_its_passwords_is_refused(
    postgres: EmbeddedPostgres, folder: Path
) -> None:
    await postgres.start()
    await postgres.stop()
    (folder / "passwords.json").unlink()

    with pytest.raises(CannotStart, match=r"passwords\.json is missing"):
        await postgres.start()
    assert not (folder / "passwords.json").exists()


async def test_a_server_that_cannot_start_says_why(folder: Path) -> None:
    launcher = EmbeddedPostgres(folder, {"shared_buffers": "many"})

    with pytest.raises(CannotStart, match='invalid value for parameter "shared_buffers"'):
        await launcher.start()
    assert launcher.pid is None


async def test_a_start_after_a_killed_first_start_begins_afresh(
    postgres: EmbeddedPostgres, folder: Path
) -> None:
    half_made = folder / "data.new"
    half_made.mkdir()
    (half_made / "PG_VERSION").write_text("18\n")

    assert await query((await postgres.start()).serving_dsn, "SELECT 1") == 1
    assert not half_made.exists()
