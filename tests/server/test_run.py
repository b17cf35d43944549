from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from guichet import demo
from guichet.embedded import running_endpoints
from server.programs import guichet, running

DEMO = {"x-app-key": str(demo.APPLICATION_ID), "authorization": demo.KEY}


@pytest.fixture
def data() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="guichet-run-"))
    yield made
    shutil.rmtree(made)


def postmaster(data: Path) -> int:
    return int((data / "postgres" / "data" / "postmaster.pid").read_text().partition("\n")[0])


async def test_everything_starts_serves_and_stops_in_order(data: Path) -> None:
    with running("run", data_dir=data) as program:
        assert await program.until_healthy() == [503, 200]

        assert (await program.get("/api/payments", **DEMO)).status_code == 200
        institutions = await program.get("/api/institutions", **DEMO)
        assert "modelo-sandbox" in institutions.text
        assert (await program.get("/simulators/yapily/bank/none")).status_code == 404
        assert 'guichet_requests_total{part="api"' in (await program.get("/metrics")).text

        assert program.stop() == 0
        said = program.output()
    assert "x-app-key: 98e2fe88-3a95-4c7c-a98f-dfa5192b85f6   Authorization: np_test.demo" in said
    assert "Authorization: pk_test.demo   X-Grant: sk_test.demo" in said
    assert "database system is shut down" in (data / "postgres" / "postgres.log").read_text()
    assert (data / "secret.key").stat().st_mode & 0o777 == 0o600


async def test_ctrl_c_stops_in_order_too(data: Path) -> None:
    with running("run", data_dir=data) as program:
        await program.until_healthy()

        assert program.stop(signal.SIGINT) == 0
    assert "database system is shut down" in (data / "postgres" / "postgres.log").read_text()


async def test_a_killed_database_is_started_again(data: Path) -> None:
    with running("run", data_dir=data) as program:
        await program.until_healthy()
        first = postmaster(data)
        os.kill(first, signal.SIGKILL)

        while not postmaster_changed(data, first):
            await asyncio.sleep(0.01)
        while (await program.get("/api/payments", **DEMO)).status_code != 200:
            await asyncio.sleep(0.01)
        await program.until_healthy()
        assert program.stop() == 0


def postmaster_changed(data: Path, first: int) -> bool:
    try:
        return postmaster(data) != first
    except (FileNotFoundError, ValueError):
        return False


async def test_after_a_kill_of_everything_it_starts_again(data: Path) -> None:
    with running("run", data_dir=data) as program:
        await program.until_healthy()
        database = postmaster(data)
        program.process.kill()
        os.kill(database, signal.SIGKILL)
        program.process.wait()
    with running("run", data_dir=data) as program:
        await program.until_healthy()

        assert program.stop() == 0


def test_a_taken_port_is_said_at_once(data: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()

        done = guichet("run", data_dir=data, port=taken.getsockname()[1])

    assert done.returncode == 1
    assert "set GUICHET_HOST or GUICHET_PORT" in done.stderr
    assert "Traceback" not in done.stderr


async def test_a_second_run_on_the_same_data_is_refused(data: Path) -> None:
    with running("run", data_dir=data) as program:
        await program.until_healthy()

        done = guichet("run", data_dir=data, port=0)

        assert done.returncode == 1
        assert f"process {program.process.pid}" in done.stderr
        assert "Traceback" not in done.stderr


async def test_commands_use_the_database_that_runs(data: Path) -> None:
    with running("run", data_dir=data) as program:
        await program.until_healthy()

        assert guichet("doctor", data_dir=data).stdout == "Nothing is wrong.\n"
        assert program.process.poll() is None
        assert running_endpoints(data / "postgres") is not None


def test_commands_start_the_database_for_the_moment(data: Path) -> None:
    done = guichet("ledger", "audit", data_dir=data)

    assert "invariants hold" in done.stdout
    assert running_endpoints(data / "postgres") is None


async def test_where_others_can_reach_it_there_is_no_demo_merchant(data: Path) -> None:
    with running("run", data_dir=data) as program:
        await program.until_healthy()
        program.stop()
    with running("run", data_dir=data, public_url="https://pay.example.com") as program:
        await program.until_healthy()

        assert (await program.get("/api/payments", **DEMO)).status_code == 401
        program.stop()
        assert "np_test.demo" not in program.output()
    with running("run", data_dir=data) as program:
        await program.until_healthy()

        assert (await program.get("/api/payments", **DEMO)).status_code == 200
