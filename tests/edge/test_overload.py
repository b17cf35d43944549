"""G15, small: more than there is room for, by count; ``python -m bench overload`` has figures."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import asyncpg
import pytest

from conftest import DatabaseUrls
from edge.sockets import Wire, served, wire
from gateways import APPLICATION_ID, TOKEN, running_gateway, seed
from guichet.server.site import Site
from guichet.settings import Settings

SECRET = "right"
#: Of forty places four fifths are the sandbox's, and one more finds the last of them just taken.
SETTINGS = Settings(requests_at_once=40, shed_after_seconds=0, yapily_webhook_secret=SECRET)
TAKEN = 33
OFFERED = 120

BODY = json.dumps(
    {
        "serviceId": "api",
        "institutionId": 20,
        "payment": {"amount": 12.5, "currency": "GBP"},
        "customer": {"email": "payer@example.com", "name": "Jhon Doe", "country": "GB"},
    }
).encode()
CREATE = (
    b"POST /api/payments HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
    b"Authorization: %b\r\nx-app-key: %b\r\nContent-Length: %d\r\n\r\n%b"
) % (TOKEN.encode(), str(APPLICATION_ID).encode(), len(BODY), BODY)
NOTICE_BODY = b'{"id":"e0b5e3d8-0000-4000-8000-000000000001","type":"other"}'
NOTICE = b"POST /notices/yapily/sandbox/%b HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%b" % (
    SECRET.encode(),
    len(NOTICE_BODY),
    NOTICE_BODY,
)


@pytest.fixture
async def port(database_urls: DatabaseUrls) -> AsyncIterator[int]:
    await seed(database_urls.owner_url)
    async with running_gateway(database_urls.serving_url, SETTINGS) as gateway:
        site = Site()
        site.open(gateway)
        async with served(site, SETTINGS, site.judge) as listening:
            yield listening


async def call(connection: Wire, request: bytes) -> tuple[int, dict[str, str]]:
    await connection.send(request)
    status, headers, _ = await connection.answer()
    return status, headers


async def test_what_there_is_no_room_for_is_refused_at_once_and_not_stored(
    port: int, database_urls: DatabaseUrls
) -> None:
    owner = await asyncpg.connect(database_urls.owner_url)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(owner.close)
        wires = [await stack.enter_async_context(wire(port)) for _ in range(OFFERED)]
        async with owner.transaction():
            await owner.execute("LOCK TABLE payments IN EXCLUSIVE MODE")  # nothing is finished
            calls = [asyncio.create_task(call(each, CREATE)) for each in wires]
            refused: list[tuple[int, dict[str, str]]] = []
            while len(refused) < OFFERED - TAKEN:
                await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
                refused += [each.result() for each in calls if each.done()]
                calls = [each for each in calls if not each.done()]
            notice = await stack.enter_async_context(wire(port))
            assert (await call(notice, NOTICE))[0] == 204
        taken = [status for status, _ in await asyncio.gather(*calls)]

        assert taken == [200] * TAKEN
        assert {status for status, _ in refused} == {503}
        assert Counter(headers["retry-after"] for _, headers in refused).keys() == {"1", "2", "3"}
        assert await owner.fetchval("SELECT count(*) FROM payments") == TAKEN
        later = [await call(each, CREATE) for each in wires]
        assert [status for status, _ in later] == [200] * OFFERED
