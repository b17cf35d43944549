"""What a request costs, in counts that no noise of the machine can move (design/performance.md
section 11). Clients wait for each answer before they ask again.
"""

from __future__ import annotations

import asyncio
import itertools
import uuid
from typing import Any

import pytest

from counts.conftest import Meter
from gateways import APPLICATION_ID, OTHER_APPLICATION_ID, OTHER_TOKEN, TOKEN
from guichet.dialects.neopay.app import build_app
from wire.client import Answer, Client

_ROUNDS = 20
_new_payers = itertools.count()


@pytest.fixture
def clients(meter: Meter) -> list[Client]:
    app = build_app(meter.gateway)
    return [
        Client(app, {"authorization": token, "x-app-key": str(application_id)})
        for application_id, token in ((APPLICATION_ID, TOKEN), (OTHER_APPLICATION_ID, OTHER_TOKEN))
    ]


def _payment(payer: int) -> dict[str, Any]:
    return {
        "serviceId": "api",
        "institutionId": 20,
        "payment": {"amount": 122.44, "currency": "GBP"},
        "customer": {"email": f"payer{payer}@example.com", "name": "Jhon Doe", "country": "GB"},
        "reference": "reference",
        "callback_url": "https://merchant.example/callback",
    }


async def _create(client: Client, count: int, payer: int | None = None) -> list[str]:
    """Create payments one after the other, of one payer or each of a new one; their ids."""
    ids = []
    for _ in range(count):
        body = _payment(next(_new_payers) if payer is None else payer)
        answer = await client.post("/api/payments", body, idempotency_key=str(uuid.uuid4()))
        assert answer.status == 200, answer.body
        ids.append(answer.json()["payment"]["id"])
    return ids


async def _create_at_once(
    clients: list[Client], at_once: int, each: int, *, known_payers: bool = False
) -> list[str]:
    made = await asyncio.gather(
        *(
            _create(clients[number % len(clients)], each, -1 - number if known_payers else None)
            for number in range(at_once)
        )
    )
    return [id_ for ids in made for id_ in ids]


async def test_a_payment_created_alone_costs_one_round_trip_and_one_commit(
    meter: Meter, clients: list[Client]
) -> None:
    await _create(clients[0], 1)
    await meter.start()
    await _create(clients[0], 50)
    counts = await meter.stop()
    assert (counts.statements, counts.write_transactions) == (50, 50)


async def test_sixty_four_clients_share_commits_syncs_and_round_trips(
    meter: Meter, clients: list[Client]
) -> None:
    await _create_at_once(clients, 64, 1)
    await meter.start()
    made = len(await _create_at_once(clients, 64, _ROUNDS))
    counts = await meter.stop()
    assert counts.write_transactions / made <= 0.06
    assert counts.wal_syncs / made <= 0.06
    assert counts.statements / made <= 0.06


@pytest.mark.parametrize(("known_payers", "bar_bytes"), [(True, 1600), (False, 2000)])
async def test_a_payment_writes_little_log(
    meter: Meter, clients: list[Client], *, known_payers: bool, bar_bytes: int
) -> None:
    await _create_at_once(clients, 64, 1, known_payers=known_payers)
    await meter.start()
    made = len(await _create_at_once(clients, 64, _ROUNDS, known_payers=known_payers))
    counts = await meter.stop()
    assert counts.wal_bytes / made <= bar_bytes


async def test_thirty_two_readers_share_queries(meter: Meter, clients: list[Client]) -> None:
    ids = await _create_at_once(clients[:1], 32, 1)

    async def read(payment_id: str) -> list[Answer]:
        return [await clients[0].get(f"/api/payments/{payment_id}") for _ in range(_ROUNDS)]

    await meter.start()
    answers = [
        answer for some in await asyncio.gather(*(read(id_) for id_ in ids)) for answer in some
    ]
    counts = await meter.stop()
    assert {answer.status for answer in answers} == {200}
    assert counts.statements / len(answers) <= 0.2
    assert counts.write_transactions == 0
