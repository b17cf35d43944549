"""Liveness, readiness and numbers: apart, honest, and not for everybody."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest

from conftest import DatabaseUrls
from guichet.domain.errors import DatabaseUnavailable
from guichet.gateway import Gateway
from guichet.server.health import Health
from server.programs import SECRET_KEY, free_port, running

HERE = ("127.0.0.1", 4711)


async def ask(
    health: Health,
    path: str,
    client: tuple[str, int] = HERE,
    **headers: str,
) -> tuple[int, str]:
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        raise AssertionError("there is no body to read")

    named = [(name.replace("_", "-").encode(), text.encode()) for name, text in headers.items()]
    scope = {"type": "http", "path": path, "client": client, "headers": named}
    await health(scope, receive, send)
    return sent[0]["status"], sent[1]["body"].decode()


async def test_a_process_that_starts_is_alive_and_not_ready() -> None:
    health = Health()

    assert await ask(health, "/livez") == (200, "alive\n")
    assert await ask(health, "/readyz") == (503, "not ready: starting or stopping\n")


async def test_a_process_that_serves_is_ready_until_it_stops(gateway: Gateway) -> None:
    health = Health()
    health.open(gateway)

    assert await ask(health, "/readyz") == (200, "ready\n")
    assert await ask(health, "/healthz") == (200, "ready\n")

    health.close()
    assert (await ask(health, "/readyz"))[0] == 503


async def test_a_database_that_takes_no_commit_makes_it_unready_and_leaves_it_alive(
    gateway: Gateway, database_urls: DatabaseUrls
) -> None:
    health = Health()
    health.open(gateway)
    owner = await asyncpg.connect(database_urls.owner_url)
    name = await owner.fetchval("SELECT current_database()")
    await owner.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    await owner.close()
    await gateway.database.close()  # sessions of before may still write
    gateway.database._closed = False

    assert await ask(health, "/readyz") == (503, "not ready: the database takes no commit\n")
    assert await ask(health, "/livez") == (200, "alive\n")


async def test_fifty_who_ask_at_once_cause_one_look(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = []

    async def look(_connection: object) -> None:
        looks.append(1)

    monkeypatch.setattr("guichet.server.health.prove_commit", look)
    health = Health()
    health.open(gateway)

    answers = await asyncio.gather(*(ask(health, "/readyz") for _ in range(50)))

    assert {status for status, _ in answers} == {200}
    assert len(looks) == 1


async def test_nothing_else_is_there() -> None:
    assert await ask(Health(), "/api/payments") == (404, "not found\n")


async def test_numbers_are_for_this_machine() -> None:
    health = Health()

    assert (await ask(health, "/metrics"))[0] == 200
    assert (await ask(health, "/metrics", client=("192.0.2.1", 1)))[0] == 403
    assert (await ask(health, "/metrics", x_forwarded_for="192.0.2.1"))[0] == 403


async def test_numbers_are_for_who_shows_the_token_from_anywhere() -> None:
    health = Health(metrics_token="prometheus")
    far = ("192.0.2.1", 1)

    assert (await ask(health, "/metrics", client=far, authorization="Bearer prometheus"))[0] == 200
    assert (await ask(health, "/metrics", client=far, authorization="Bearer prometheu"))[0] == 403
    assert (await ask(health, "/metrics"))[0] == 403


async def test_a_worker_answers_on_a_port_of_its_own(database_urls: DatabaseUrls) -> None:
    port = free_port()
    with running(
        "work",
        database_url=database_urls.serving_url,
        secret_keys=SECRET_KEY,
        port=port,
        worker_port=port,
    ) as program:
        await program.until_healthy()

        assert 'guichet_queue_depth{queue="deliveries"}' in (await program.get("/metrics")).text
        assert 'guichet_waiting{what="outcomes"} 0.0' in (await program.get("/metrics")).text
        assert program.stop() == 0


async def test_a_disk_that_was_full_a_moment_ago_makes_it_unready(gateway: Gateway) -> None:
    health = Health()
    health.open(gateway)

    with pytest.raises(DatabaseUnavailable):
        async with gateway.database.connection():
            raise asyncpg.DiskFullError

    assert await ask(health, "/readyz") == (503, "not ready: the database's disk is full\n")
