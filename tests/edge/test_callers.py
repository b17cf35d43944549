"""Limits over the wire of each part: refused in its own words, and nothing stored."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import asyncpg
import pytest
import pytest_asyncio

from conftest import DatabaseUrls, fresh_database
from gateways import APPLICATION_ID, TOKEN, running_gateway, seed
from guichet.embedded import Endpoints
from guichet.gateway import Gateway
from guichet.server.site import Site
from guichet.services.limits import CallerLimits
from guichet.settings import LimitsMode, Settings
from wire.client import Client

pytestmark = pytest.mark.asyncio(loop_scope="module")

KEYS = {"authorization": TOKEN, "x-app-key": str(APPLICATION_ID)}
PAYMENT = {
    "serviceId": "api",
    "institutionId": 20,
    "payment": {"amount": 12.5, "currency": "GBP"},
    "customer": {"email": "payer@example.com", "name": "Jhon Doe", "country": "GB"},
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def urls(cluster_endpoints: Endpoints) -> AsyncIterator[DatabaseUrls]:
    async with fresh_database(cluster_endpoints) as made:
        await seed(made.owner_url)
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(urls: DatabaseUrls) -> AsyncIterator[Gateway]:
    async with running_gateway(urls.serving_url) as gateway:
        yield gateway


@pytest.fixture
def gateway(running: Gateway) -> Gateway:
    """With limits of the test's own."""
    return limit(running)


def limit(gateway: Gateway, **settings: float) -> Gateway:
    limits = replace(Settings(limits=LimitsMode.ON), **settings)  # type: ignore[arg-type]
    gateway.limits = CallerLimits(limits)
    return gateway


def site(gateway: Gateway) -> Site:
    made = Site()
    made.open(gateway)
    return made


async def stored(urls: DatabaseUrls) -> int:
    connection = await asyncpg.connect(urls.owner_url)
    try:
        count: int = await connection.fetchval("SELECT count(*) FROM payments")
        return count
    finally:
        await connection.close()


async def test_a_bucket_that_is_empty_stores_nothing(gateway: Gateway, urls: DatabaseUrls) -> None:
    limit(gateway, sandbox_requests_per_second=0.5)
    client = Client(site(gateway), KEYS | {"content-type": "application/json"})
    before = await stored(urls)
    answers = [await client.post("/api/payments", PAYMENT) for _ in range(2)]
    assert [answer.status for answer in answers] == [200, 429]
    assert answers[1].json() == {"message": "Too Many Attempts."}
    assert answers[1].headers["retry-after"] in ("1", "2")
    assert answers[1].headers["x-ratelimit-remaining"] == "0"
    assert await stored(urls) == before + 1


async def test_too_many_lists_at_once_leave_room_for_other_requests(gateway: Gateway) -> None:
    limit(gateway, application_lists_at_once=2)
    client = Client(site(gateway), KEYS)
    answers = await asyncio.gather(
        *(client.get("/api/payments") for _ in range(4)),
        *(client.get("/api/payments/1") for _ in range(4)),
    )
    assert [answer.status for answer in answers] == [200, 200, 429, 429, 404, 404, 404, 404]


async def test_what_is_under_way_is_counted_out_however_it_ends(gateway: Gateway) -> None:
    limit(gateway, application_requests_at_once=1)
    client = Client(site(gateway), KEYS)
    for _ in range(3):
        assert (await client.get("/api/payments/1")).status == 404


async def test_wrong_keys_of_one_address_do_not_stand_in_the_way_of_right_ones(
    gateway: Gateway,
) -> None:
    limit(gateway, guesses_per_minute=2)
    served = site(gateway)
    wrong = Client(served, KEYS | {"authorization": "np_test.guessed"})
    answers = [await wrong.get("/api/payments") for _ in range(3)]
    assert [answer.status for answer in answers] == [401, 401, 429]
    assert int(answers[2].headers["retry-after"]) >= 1
    assert (await Client(served, KEYS).get("/api/payments")).status == 200


async def test_notch_pays_callers_without_a_key_have_to_wait(gateway: Gateway) -> None:
    limit(gateway, keyless_requests_per_second=1)
    client = Client(site(gateway))
    answers = [await client.get("/payments") for _ in range(3)]
    assert [answer.status for answer in answers] == [401, 401, 429]
    assert answers[2].json()["code"] == 429
    assert "x-ratelimit-reset" in answers[2].headers


async def test_a_page_looked_at_too_often_is_a_page_of_kind_words(gateway: Gateway) -> None:
    limit(gateway, page_requests_per_second=1, guesses_per_minute=0)
    client = Client(site(gateway), {"accept": "text/html"})
    answers = [await client.get("/links/bbbbbbbbbb") for _ in range(5)]
    assert [answer.status for answer in answers] == [404] * 4 + [429]
    assert answers[4].headers["content-type"].startswith("text/html")
    assert answers[4].headers["retry-after"] == "1"
