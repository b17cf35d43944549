from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import asyncpg
import psutil
import pytest

from embedded.conftest import SMALL, query, recall, remember
from guichet.embedded import EmbeddedPostgres

SOURCES = Path(__file__).parents[2] / "src"

LAUNCH = """
import asyncio, sys
from pathlib import Path
from guichet.embedded import EmbeddedPostgres

async def main():
    launcher = EmbeddedPostgres(Path(sys.argv[1]), {"shared_buffers": "32MB"})
    await launcher.start()
    print(launcher.pid, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


def launch_elsewhere(folder: Path) -> tuple[subprocess.Popen[str], int]:
    """A launcher in a process of its own, and the postmaster's pid."""
    process = subprocess.Popen(
        [sys.executable, "-c", LAUNCH, str(folder)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(SOURCES)},
    )
    assert process.stdout is not None
    return process, int(process.stdout.readline())


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


async def until_gone(pid: int) -> None:
    """Wait for a process to end; the test's time limit is the limit."""
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        await asyncio.sleep(0.01)


async def test_a_killed_postmaster_loses_nothing(postgres: EmbeddedPostgres) -> None:
    await remember(await postgres.start())
    postgres.kill()

    assert await recall(await postgres.start()) == 42


async def test_the_addresses_stay_the_same_over_a_crash(postgres: EmbeddedPostgres) -> None:
    before = await postgres.start()
    postgres.kill()

    assert await postgres.start() == before


async def test_the_end_of_the_postmaster_is_noticed(postgres: EmbeddedPostgres) -> None:
    await postgres.start()
    watch = asyncio.create_task(postgres.wait())
    assert postgres.pid is not None
    os.kill(postgres.pid, signal.SIGKILL)

    await watch
    assert postgres.pid is None


async def test_killing_everything_at_once_loses_nothing(postgres: EmbeddedPostgres) -> None:
    await remember(await postgres.start())
    assert postgres.pid is not None
    family = psutil.Process(postgres.pid).children(recursive=True)
    postgres.kill()
    for process in family:
        if process.is_running():
            process.kill()

    assert await recall(await postgres.start()) == 42


async def test_a_backend_that_outlives_its_postmaster_is_ended(
    postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("guichet.embedded.leftovers._NOTICE_SECONDS", 0.1)
    monkeypatch.setattr("guichet.embedded.leftovers._KILL_SECONDS", 0.5)
    endpoints = await postgres.start()
    connection = await asyncpg.connect(endpoints.superuser_dsn)
    backend = connection.get_server_pid()
    # A stopped process notices nothing, like one in the middle of a long computation.
    os.kill(backend, signal.SIGSTOP)
    postgres.kill()

    assert await query((await postgres.start()).serving_dsn, "SELECT 1") == 1
    assert not psutil.pid_exists(backend) or (
        psutil.Process(backend).status() == psutil.STATUS_ZOMBIE
    )
    connection.terminate()


async def test_a_pid_file_that_names_somebody_else_is_no_obstacle(
    postgres: EmbeddedPostgres, folder: Path
) -> None:
    await remember(await postgres.start())
    postgres.kill()
    bystander = subprocess.Popen(["sleep", "600"])
    pid_file = folder / "data" / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    pid_file.write_text("\n".join([str(bystander.pid), *lines[1:]]) + "\n")
    try:
        assert await recall(await postgres.start()) == 42
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


async def test_a_pid_file_that_names_a_zombie_is_no_obstacle(
    postgres: EmbeddedPostgres, folder: Path
) -> None:
    await remember(await postgres.start())
    postgres.kill()
    zombie = subprocess.Popen(["true"])
    os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)  # it has ended, and is not reaped
    pid_file = folder / "data" / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    pid_file.write_text("\n".join([str(zombie.pid), *lines[1:]]) + "\n")
    try:
        assert await recall(await postgres.start()) == 42
    finally:
        zombie.wait()


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's help is Linux's")
async def test_a_killed_launcher_takes_its_database_along(folder: Path) -> None:
    launcher, postmaster = launch_elsewhere(folder)
    end(launcher)

    await until_gone(postmaster)
    assert "received fast shutdown request" in (folder / "postgres.log").read_text()


async def test_a_database_that_outlived_its_launcher_is_taken_over(
    postgres: EmbeddedPostgres, folder: Path
) -> None:
    launcher, postmaster = launch_elsewhere(folder)
    # Stopped, it cannot follow its launcher into death: as where the kernel does not help.
    os.kill(postmaster, signal.SIGSTOP)
    end(launcher)
    start = asyncio.create_task(postgres.start())
    await asyncio.sleep(0)
    os.kill(postmaster, signal.SIGCONT)

    assert await query((await start).serving_dsn, "SELECT 1") == 1
    assert postgres.pid != postmaster
    await until_gone(postmaster)


async def test_a_recovery_that_takes_long_is_waited_for(
    postgres: EmbeddedPostgres, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # With the patience of a moment, only the growing log can carry the start over the recovery.
    endpoints = await postgres.start()
    await query(endpoints.owner_dsn, "CREATE TABLE big AS SELECT generate_series(1, 300000) AS n")
    postgres.kill()
    slow = EmbeddedPostgres(folder, {**SMALL, "log_startup_progress_interval": "1ms"})
    await postgres.stop()
    monkeypatch.setattr("guichet.embedded.postgres._PATIENCE_SECONDS", 0.5)
    try:
        again = await slow.start()
        assert await query(again.owner_dsn, "SELECT count(*) FROM big") == 300_000
    finally:
        await slow.stop()
    assert "redo in progress" in (folder / "postgres.log").read_text()
