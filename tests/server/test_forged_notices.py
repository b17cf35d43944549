"""Forged callbacks (G10): every connector of the registry × its event types × eight forgeries.

All are refused and change no row of any table. What is authentic is only a hint, however often and
about whatever it comes: it says nothing of amounts that anybody would read.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import asyncpg
import httpx2
import pytest
import pytest_asyncio
from prometheus_client import REGISTRY

from conftest import DatabaseUrls, fresh_database
from gateways import running_gateway, seed
from guichet.domain.outcomes import Notice
from guichet.embedded import Endpoints
from guichet.gateway import Gateway
from guichet.rails.port import Inbound, Rail
from guichet.server.site import Site
from guichet.settings import Settings
from server.forging import (
    AUTHENTIC,
    FORGERIES,
    HASH_KEY,
    SECRET,
    SIGNATURE,
    SUBJECT,
    SUBJECT_HEADER,
    Message,
    signed,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

PROXY = "10.0.0.7"
SETTINGS = Settings(
    trusted_proxies=f"{PROXY}/32",
    client_subject_header=SUBJECT_HEADER,
    yapily_webhook_secret=SECRET,
    yapily_live_id="live",
    yapily_live_secret="live",
    notchpay_sandbox_hash_key=HASH_KEY,
    pix_sandbox_url="http://127.0.0.1:9/api",
    pix_sandbox_token_url="http://127.0.0.1:9/token",
    pix_sandbox_client_id="client",
    pix_sandbox_client_secret="client",
    pix_sandbox_pix_key="11222333000181",
    pix_sandbox_city="Recife",
    pix_sandbox_webhook_subject=SUBJECT,
)
REPLAYS, _AT_ONCE = 1000, 50
#: Live, nobody has given these anything to check by.
NOTHING_TO_PROVE_BY = frozenset({"pix", "notchpay"})
#: A type that no provider has.
UNKNOWN = "single_payment.status.invented"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def urls(cluster_endpoints: Endpoints) -> AsyncIterator[DatabaseUrls]:
    async with fresh_database(cluster_endpoints) as made:
        await seed(made.owner_url)
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(urls: DatabaseUrls) -> AsyncIterator[Gateway]:
    async with running_gateway(urls.serving_url, SETTINGS) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(gateway: Gateway) -> AsyncIterator[httpx2.AsyncClient]:
    site = Site()
    site.open(gateway)
    transport = httpx2.ASGITransport(site, client=(PROXY, 1))
    async with httpx2.AsyncClient(transport=transport, base_url="http://guichet") as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def owner(urls: DatabaseUrls) -> AsyncIterator[asyncpg.Connection[Any]]:
    connection = await asyncpg.connect(urls.owner_url)
    yield connection
    await connection.close()


async def state(owner: asyncpg.Connection[Any]) -> str:
    """A digest of every row of every table."""
    tables = await owner.fetch(
        "SELECT oid::regclass::text AS name FROM pg_class"
        " WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY 1"
    )
    digest = hashlib.sha256()
    for table in tables:
        rows = await owner.fetch(f"SELECT t::text FROM {table['name']} t ORDER BY 1")
        digest.update(repr([row[0] for row in rows]).encode())
    return digest.hexdigest()


def connectors(gateway: Gateway) -> Iterator[tuple[str, str, Rail]]:
    """Every connector, and each rail in both environments where one is connected at all."""
    for (rail, environment), connector in gateway.rails.items():
        yield rail, environment, connector


def messages(gateway: Gateway, environments: tuple[str, ...]) -> Iterator[tuple[str, str, Message]]:
    """An authentic message of each type of each connector: (rail, environment, message)."""
    for rail, environment, connector in connectors(gateway):
        for type_ in sorted(connector.card.event_types):
            if environment in environments:
                made = AUTHENTIC[rail](gateway, environment, type_, uuid4().hex)
                yield rail, environment, made


async def post(client: httpx2.AsyncClient, message: Message) -> httpx2.Response:
    return await client.request(
        message.method,
        message.path,
        content=message.body,
        headers=[(name.encode(), text.encode()) for name, text in message.headers.items()],
    )


async def test_every_connector_has_messages_here(gateway: Gateway) -> None:
    assert {rail for rail, _, _ in connectors(gateway)} == set(AUTHENTIC)


async def test_what_the_forgeries_are_made_of_is_believed(
    client: httpx2.AsyncClient, gateway: Gateway, owner: asyncpg.Connection[Any]
) -> None:
    before = await owner.fetchval("SELECT count(*) FROM rail_notices")
    sent = list(messages(gateway, ("sandbox",)))
    for rail, _, message in sent:
        assert (await post(client, message)).status_code in {200, 204}, (rail, message)

    assert await owner.fetchval("SELECT count(*) FROM rail_notices") == before + len(sent)


async def believed(
    client: httpx2.AsyncClient, gateway: Gateway, forgery: str
) -> list[tuple[str, str, Message, int]]:
    """Every forged message of this kind that is not refused as it should be."""
    wrong, sent = [], 0
    for rail, environment, message in messages(gateway, ("sandbox", "live")):
        for forged in FORGERIES[forgery](gateway, message, rail, environment):
            answer = await post(client, forged)
            sent += 1
            unprovable = environment == "live" and rail in NOTHING_TO_PROVE_BY
            expected = {401, 404, 405, 503} if unprovable else {401, 404, 405}
            if answer.status_code not in expected or answer.content:
                wrong.append((rail, environment, forged, answer.status_code))
    assert sent > 20
    return wrong


@pytest.mark.parametrize("forgery", FORGERIES)
async def test_a_forgery_is_refused_and_changes_nothing(
    client: httpx2.AsyncClient, gateway: Gateway, owner: asyncpg.Connection[Any], forgery: str
) -> None:
    before = await state(owner)

    assert await believed(client, gateway, forgery) == []
    assert await state(owner) == before


@pytest.mark.parametrize("forgery", FORGERIES)
async def test_a_check_that_says_yes_is_found(
    client: httpx2.AsyncClient,
    gateway: Gateway,
    monkeypatch: pytest.MonkeyPatch,
    forgery: str,
) -> None:
    """The matrix can go red (G25)."""
    monkeypatch.setattr(type(gateway.vault), "check", lambda *_: True)
    monkeypatch.setattr("hmac.compare_digest", lambda *_: True)

    assert await believed(client, gateway, forgery) != []


async def test_a_connector_without_a_secret_believes_nobody(
    client: httpx2.AsyncClient, gateway: Gateway, owner: asyncpg.Connection[Any]
) -> None:
    """No default says yes."""
    before, wrong = await state(owner), []
    for rail, _, message in messages(gateway, ("live",)):
        if rail not in NOTHING_TO_PROVE_BY:
            continue
        for name in (SUBJECT_HEADER, SIGNATURE):
            for value in ("", "wrong", signed(message.body, ""), message.headers.get(name, "")):
                answer = await post(client, replace(message, headers={name: value}))
                if answer.status_code != 503:
                    wrong.append((rail, name, value, answer.status_code))

    assert wrong == []
    assert await state(owner) == before


async def test_a_thousand_recorded_callbacks_played_again_change_nothing(
    client: httpx2.AsyncClient, gateway: Gateway, owner: asyncpg.Connection[Any]
) -> None:
    recorded = [message for _, _, message in messages(gateway, ("sandbox",))]
    for message in recorded:
        await post(client, message)
    before = await state(owner)
    for _ in range(REPLAYS // _AT_ONCE):
        again = [post(client, recorded[n % len(recorded)]) for n in range(_AT_ONCE)]
        assert {answer.status_code for answer in await asyncio.gather(*again)} <= {200, 204}

    assert await state(owner) == before


@pytest.mark.parametrize("rail", ["open_banking", "notchpay"])
async def test_a_type_that_nobody_knows_is_kept_as_it_came_and_nothing_follows(
    client: httpx2.AsyncClient, gateway: Gateway, owner: asyncpg.Connection[Any], rail: str
) -> None:
    """Where types are names; an operator's callback of no known shape names no order at all."""
    message = AUTHENTIC[rail](gateway, "sandbox", UNKNOWN, uuid4().hex)
    for _ in range(2):
        assert (await post(client, message)).status_code in {200, 204}

    rows = await owner.fetch(
        "SELECT content, handled_at, next_try_at FROM rail_notices WHERE error = 'unknown event'"
        " AND rail = $1",
        rail,
    )
    assert [gateway.vault.open(row["content"]) for row in rows] == [message.body]
    assert rows[0]["handled_at"] is not None
    assert rows[0]["next_try_at"] is None


async def test_who_is_not_believed_is_counted(client: httpx2.AsyncClient, gateway: Gateway) -> None:
    def counted(rail: str, outcome: str) -> float:
        labels = {"rail": rail, "outcome": outcome}
        return REGISTRY.get_sample_value("guichet_notices_total", labels) or 0

    message = AUTHENTIC["pix"](gateway, "sandbox", "pix", uuid4().hex)
    before = counted("pix", "forged"), counted("none", "forged")
    await post(client, replace(message, headers={}))
    await post(client, replace(message, before="/notices/invented/sandbox/default/"))

    assert (counted("pix", "forged"), counted("none", "forged")) == (before[0] + 1, before[1] + 1)


#: What a message could lie about, beside its order.
LIES = {"amount": "5e9", "valor": "0.01", "currency": "EUR", "account": "somebody's"}


async def test_an_authentic_message_is_read_for_its_order_alone(gateway: Gateway) -> None:
    """Whatever it says of money, it names the same operation: the provider is asked about that."""
    for rail, environment, connector in connectors(gateway):
        if environment == "live" and rail in NOTHING_TO_PROVE_BY:
            continue  # nobody is believed there
        for type_ in sorted(connector.card.event_types):
            key = uuid4().hex
            message = AUTHENTIC[rail](gateway, environment, type_, key)
            truth = _heard(connector, message)
            body = json.dumps(lying(json.loads(message.body))).encode()
            headers = {**message.headers, SIGNATURE: signed(body, HASH_KEY)}

            assert truth, (rail, type_)
            assert {each.attempt_key for each in truth} <= {key, None}
            assert _heard(connector, replace(message, headers=headers, body=body)) == truth


def lying(value: Any) -> Any:
    """The same with everything it says of money changed, and more of it said."""
    if isinstance(value, list):
        return [lying(each) for each in value]
    if isinstance(value, dict):
        return {name: lying(each) for name, each in value.items()} | LIES
    return value


def _heard(connector: Rail, message: Message) -> list[Notice]:
    subject = message.headers.get(SUBJECT_HEADER)
    inbound = Inbound(message.headers, message.body, None, subject)
    return list(connector.hear(inbound))
