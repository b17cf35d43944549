from __future__ import annotations

import asyncio
import re
from pathlib import Path

import asyncpg
import psutil
import pytest

from conftest import DatabaseUrls
from gateways import seed
from server.programs import SECRET_KEY, free_port, guichet, running


def settings(urls: DatabaseUrls) -> dict[str, object]:
    return {"database_url": urls.serving_url, "secret_keys": SECRET_KEY}


@pytest.mark.parametrize("workers", [1, 2])
async def test_a_server_starts_serves_and_stops(database_urls: DatabaseUrls, workers: int) -> None:
    with running("serve", "--workers", str(workers), **settings(database_urls)) as program:
        await program.until_healthy()

        assert (await program.get("/api/payments")).status_code == 401
        assert 'status="401"' in (await program.get("/metrics")).text
        assert (await program.get("/simulators/yapily/bank/none")).status_code == 404

        assert program.stop() == 0
        assert program.output() == ""


async def test_a_serving_process_that_is_killed_is_replaced(database_urls: DatabaseUrls) -> None:
    with running("serve", "--workers", "2", **settings(database_urls)) as program:
        await program.until_healthy()
        victim = serving_processes(program.process.pid)[0]
        victim.kill()
        victim.wait()

        while len(serving_processes(program.process.pid)) < 2:
            await asyncio.sleep(0.01)
        await program.until_healthy()
        assert program.stop() == 0


async def test_serving_processes_do_not_outlive_their_supervisor(
    database_urls: DatabaseUrls,
) -> None:
    with running("serve", "--workers", "2", **settings(database_urls)) as program:
        await program.until_healthy()
        serving = serving_processes(program.process.pid)
        program.process.kill()
        program.process.wait()

        psutil.wait_procs(serving)


def serving_processes(supervisor: int) -> list[psutil.Process]:
    return [
        child
        for child in psutil.Process(supervisor).children()
        if any("spawn_main" in argument for argument in child.cmdline())
    ]


async def test_the_simulators_are_served_when_told(
    database_urls: DatabaseUrls, tmp_path: Path
) -> None:
    more = settings(database_urls) | {"data_dir": tmp_path}
    with running("serve", "--simulators", **more) as program:
        await program.until_healthy()

        page = await program.get("/simulators/yapily/bank/none")
        assert "simulat" in page.text.lower()
        state = (await program.get("/simulators/pix/_control/state")).json()
        assert state["receivers"][0]["webhookUrl"].startswith("https://127.0.0.1:")
        assert program.stop() == 0


@pytest.mark.parametrize("command", ["serve", "work"])
def test_a_role_that_owns_the_tables_is_refused(database_urls: DatabaseUrls, command: str) -> None:
    done = guichet(command, port=0, database_url=database_urls.owner_url, secret_keys=SECRET_KEY)

    assert done.returncode == 1
    assert "the serving role owns the tables" in done.stderr


@pytest.mark.parametrize("command", ["serve", "work"])
def test_production_brings_no_database(command: str) -> None:
    done = guichet(command, port=0)

    assert done.returncode == 1
    assert "GUICHET_DATABASE_URL is not set" in done.stderr


def test_production_invents_no_secret_key(database_urls: DatabaseUrls) -> None:
    done = guichet("serve", port=0, database_url=database_urls.serving_url)

    assert done.returncode == 1
    assert "GUICHET_SECRET_KEYS is not set" in done.stderr


def test_a_database_that_is_away_is_a_sentence() -> None:
    url = "postgresql://guichet:secretword@127.0.0.1:1/guichet"
    done = guichet("serve", port=0, database_url=url, secret_keys=SECRET_KEY)

    assert done.returncode == 1
    assert "the database cannot be used" in done.stderr
    assert not re.search("secretword|Traceback", done.stderr)


def test_simulators_and_many_processes_do_not_go_together(database_urls: DatabaseUrls) -> None:
    done = guichet("serve", "--workers", "2", "--simulators", **settings(database_urls))

    assert done.returncode == 1
    assert "--workers 1" in done.stderr


async def test_simulators_and_live_applications_do_not_go_together(
    database_urls: DatabaseUrls,
) -> None:
    await seed(database_urls.owner_url)
    owner = await asyncpg.connect(database_urls.owner_url)
    await owner.execute("UPDATE applications SET environment = 'live'")
    await owner.close()

    done = guichet("serve", "--simulators", port=free_port(), **settings(database_urls))

    assert done.returncode == 1
    assert "there are live applications" in done.stderr


@pytest.mark.parametrize("command", ["serve", "work"])
def test_a_live_connector_without_its_secret_is_refused(
    database_urls: DatabaseUrls, command: str
) -> None:
    done = guichet(command, port=0, yapily_live_id="live", **settings(database_urls))

    assert done.returncode == 1
    assert "GUICHET_YAPILY_LIVE_SECRET go together" in done.stderr


def test_the_doctor_names_what_is_wrong(database_urls: DatabaseUrls) -> None:
    done = guichet("doctor", database_url=database_urls.superuser_url, secret_keys=SECRET_KEY)

    assert done.returncode == 1
    assert "wrong: the serving role is a superuser" in done.stdout


def test_migrations_run_as_the_owner(database_urls: DatabaseUrls) -> None:
    done = guichet(
        "migrate",
        database_url=database_urls.serving_url,
        owner_database_url=database_urls.owner_url,
    )

    assert done.stdout == "0 migrations applied.\n"
    assert guichet("migrate", database_url=database_urls.serving_url).returncode == 1


def test_a_setting_that_is_none_is_named() -> None:
    done = guichet("doctor", porrt=1)

    assert done.stderr == "guichet: GUICHET_PORRT is not a setting\n"
