from __future__ import annotations

import json
from collections.abc import AsyncIterator

import asyncpg
import httpx2
import pytest

from conftest import DatabaseUrls
from gateways import running_gateway, seed
from guichet.server.site import Site
from guichet.settings import Settings

NOTICE = {
    "id": "e0b5e3d8-0000-4000-8000-000000000001",
    "type": "single_payment.status.completed",
    "event": {"id": "pv3-1", "paymentIdempotencyId": "0" * 32},
}
ADDRESS = "/notices/yapily/sandbox/{}"


@pytest.fixture
async def client(database_urls: DatabaseUrls) -> AsyncIterator[httpx2.AsyncClient]:
    await seed(database_urls.owner_url)
    settings = Settings(yapily_webhook_secret="right")
    async with running_gateway(database_urls.serving_url, settings) as gateway:
        site = Site()
        site.open(gateway)
        transport = httpx2.ASGITransport(site)
        async with httpx2.AsyncClient(transport=transport, base_url="http://guichet") as made:
            yield made


async def stored(urls: DatabaseUrls) -> int:
    connection = await asyncpg.connect(urls.owner_url)
    try:
        count: int = await connection.fetchval("SELECT count(*) FROM rail_notices")
        return count
    finally:
        await connection.close()


async def test_a_notice_is_stored_once_however_often_it_comes(
    client: httpx2.AsyncClient, database_urls: DatabaseUrls
) -> None:
    for _ in range(2):
        answer = await client.post(ADDRESS.format("right"), json=NOTICE)
        assert answer.status_code == 204, answer.text

    assert await stored(database_urls) == 1


@pytest.mark.parametrize("secret", ["wrong", "righ", "rightt", "%C3%A9"])
async def test_a_notice_without_the_secret_is_refused(
    client: httpx2.AsyncClient, database_urls: DatabaseUrls, secret: str
) -> None:
    answer = await client.post(ADDRESS.format(secret), json=NOTICE)

    assert answer.status_code == 401
    assert await stored(database_urls) == 0


async def test_what_is_no_notice_is_refused(
    client: httpx2.AsyncClient, database_urls: DatabaseUrls
) -> None:
    answer = await client.post(ADDRESS.format("right"), content=json.dumps([1]))

    assert answer.status_code == 401
    assert await stored(database_urls) == 0


async def test_a_rail_that_is_not_connected_hears_nothing(client: httpx2.AsyncClient) -> None:
    assert (await client.post("/notices/yapily/live/right", json=NOTICE)).status_code == 404
    assert (await client.post("/notices/other/sandbox/right")).status_code == 404


async def test_a_notice_is_posted(client: httpx2.AsyncClient) -> None:
    answer = await client.get(ADDRESS.format("right"))

    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


async def test_without_a_secret_set_every_notice_is_refused(database_urls: DatabaseUrls) -> None:
    async with running_gateway(database_urls.serving_url) as gateway:
        site = Site()
        site.open(gateway)
        transport = httpx2.ASGITransport(site)
        async with httpx2.AsyncClient(transport=transport, base_url="http://guichet") as client:
            answer = await client.post(ADDRESS.format("x"), json=NOTICE)

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "300")
