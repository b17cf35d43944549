"""Parser bombs (G17) and odd bytes (G11) against a server that runs as its users run it."""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import psutil
import pytest
import pytest_asyncio

from conftest import fresh_database
from edge.bombs import BOMBS, QUERIES, Bomb
from edge.sockets import statuses, wire
from gateways import APPLICATION_ID, SECRET_KEY, TOKEN, seed
from guichet.embedded import Endpoints
from server.programs import Program, running

pytestmark = pytest.mark.asyncio(loop_scope="module")

GROWTH_BYTES_MAX = 50 * 1024 * 1024
NOTCH_KEY = "sk_test.bombs"
KEYS = {
    "/api/": f"Authorization: {TOKEN}\r\nx-app-key: {APPLICATION_ID}\r\n",
    "/": f"Authorization: {NOTCH_KEY}\r\n",
}
TARGETS = ("/api/payments", "/api/customers", "/payments", "/customers")
#: What may be said to a request that cannot be understood; never 5xx. A customer has no amount:
#: what stands in a field that is nobody's is not looked at.
REFUSALS = {
    "payments": {400, 413, 415, 422},
    "customers": {200, 201, 400, 413, 415, 422},
}


async def add_notch_pay(owner_url: str) -> None:
    connection = await asyncpg.connect(owner_url)
    try:
        application_id = UUID("99639000-0000-4000-8000-0000000000ff")
        await connection.execute(
            "INSERT INTO applications (id, merchant_id, name, dialect, environment, payee_id,"
            " currency, requests_per_minute, lenient_json, webhook_secret, created_at)"
            " SELECT $1, merchant_id, name, 'notchpay', environment, payee_id, 'XAF', 0, true,"
            " webhook_secret, created_at FROM applications LIMIT 1",
            application_id,
        )
        await connection.execute(
            "INSERT INTO api_keys (digest, application_id, role, prefix, created_at)"
            " VALUES ($1, $2, 'secret', 'sk_test.', $3)",
            hashlib.sha256(NOTCH_KEY.encode()).digest(),
            application_id,
            datetime.now(UTC),
        )
    finally:
        await connection.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def program(cluster_endpoints: Endpoints) -> AsyncIterator[Program]:
    async with fresh_database(cluster_endpoints) as urls:
        await seed(urls.owner_url)
        await add_notch_pay(urls.owner_url)
        settings = {"database_url": urls.serving_url, "secret_keys": SECRET_KEY}
        with running("serve", log_level="error", **settings) as started:
            await started.until_healthy()
            yield started
            assert started.stop() == 0
            assert "Traceback" not in started.output()


def port_of(program: Program) -> int:
    return int(program.url.rpartition(":")[2])


def keys_for(target: str) -> str:
    return KEYS["/api/" if target.startswith("/api/") else "/"]


def encoded(target: str, bomb: Bomb) -> bytes:
    head = f"POST {target} HTTP/1.1\r\nHost: a\r\n{keys_for(target)}Connection: close\r\n"
    head += f"Content-Type: {bomb.content_type}\r\n"
    if bomb.encoding:
        head += f"Content-Encoding: {bomb.encoding}\r\n"
    if bomb.is_chunked:
        chunks = b"%x\r\n%b\r\n0\r\n\r\n" % (len(bomb.body), bomb.body)
        return f"{head}Transfer-Encoding: chunked\r\n\r\n".encode() + chunks
    return f"{head}Content-Length: {len(bomb.body)}\r\n\r\n".encode() + bomb.body


async def asked(program: Program, request: bytes) -> list[int]:
    """The statuses that ``request`` is answered with; generous, for the machine may be busy."""
    async with asyncio.timeout(30), wire(port_of(program)) as connection:
        return statuses(await connection.say(request))


async def test_every_bomb_is_refused_and_memory_stays(program: Program) -> None:
    process = psutil.Process(program.process.pid)
    for target in TARGETS:
        await asked(program, encoded(target, Bomb(b"{}")))
    before = process.memory_info().rss

    odd = {}
    for name, bomb in BOMBS.items():
        for target in TARGETS:
            answers = await asked(program, encoded(target, bomb))
            if len(answers) != 1 or answers[0] not in REFUSALS[target.rpartition("/")[2]]:
                odd[name, target] = answers

    assert not odd, odd
    assert process.memory_info().rss - before <= GROWTH_BYTES_MAX


async def test_a_bomb_without_a_key_is_not_even_read(program: Program) -> None:
    request = encoded("/api/payments", BOMBS["deep lists"]).replace(TOKEN.encode(), b"nobody")
    assert await asked(program, request) == [401]


async def test_every_odd_question_has_an_answer(program: Program) -> None:
    odd = {}
    for name, query in QUERIES.items():
        for target in TARGETS:
            head = f"GET {target}?{query} HTTP/1.1\r\nHost: a\r\n{keys_for(target)}"
            answers = await asked(program, f"{head}Connection: close\r\n\r\n".encode())
            if len(answers) != 1 or answers[0] not in (200, 400, 422):
                odd[name, target] = answers
    assert odd == {}


async def test_five_hundred_mangled_requests_are_no_defect(program: Program) -> None:
    """G11: whole requests with bytes turned, lost, doubled and put in; the seed is in the name."""
    seed_number = 20_261_126
    dice = random.Random(seed_number)
    whole = [encoded(target, Bomb(b'{"amount":12.5,"currency":"GBP"}')) for target in TARGETS]
    whole += [request.replace(b"POST", b"GET") for request in whole]
    whole += [encoded(target, Bomb(b"a=1&b[c]=2", "application/x-www-form-urlencoded"))
              for target in TARGETS]  # fmt: skip
    defects = {}
    for number in range(500):
        request = bytearray(dice.choice(whole))
        for _ in range(dice.randint(1, 4)):
            at = dice.randrange(len(request))
            match dice.randrange(4):
                case 0:
                    request[at] = dice.randrange(256)
                case 1:
                    del request[at : at + dice.randint(1, 8)]
                case 2:
                    request[at:at] = request[at : at + dice.randint(1, 20)]
                case _:
                    request[at:at] = dice.choice(
                        [b"\r\n", b"\x00", b"\xff", b"%00", b"%ff", b"..", b"{", b"\\ud800", b" "]
                    )
        async with wire(port_of(program)) as connection:
            await connection.send(bytes(request))
            await connection.finish()
            answers = statuses(await connection.rest())
        if any(status >= 500 for status in answers):
            defects[number] = bytes(request), answers
    assert defects == {}, seed_number
