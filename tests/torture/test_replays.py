"""A repeated request is answered as the first one was, to the byte, whatever happened since."""

from __future__ import annotations

import asyncio
from uuid import UUID

from guichet.domain.outcomes import Done, Reason, Refused
from guichet.gateway import Gateway
from guichet.services.checkout import reserve_attempt
from guichet.services.settlement import record_outcome
from torture.calls import Merchant
from torture.serving import Served

_PAYMENTS = 20
_REPLAYS_EACH = 50


async def test_a_thousand_replays_have_the_same_status_and_the_same_bytes(served: Served) -> None:
    keys = [f"replayed {number}" for number in range(_PAYMENTS)]
    async with Merchant(served.url) as merchant:

        async def create(key: str) -> tuple[int, bytes]:
            amount, email = f"{350 + keys.index(key)}.41", f"{key[9:]}@example.com"
            answer = await merchant.create(amount, key=key, email=email)
            return answer.status, answer.body

        first = dict(zip(keys, await asyncio.gather(*map(create, keys)), strict=True))
        for number, key in enumerate(keys):
            status, body = first[key]
            assert status == 200, body
            await _happen(served.gateway, number, UUID(_member(body, b'"id":"')))
        replays = 0
        for _ in range(_REPLAYS_EACH):
            answers = await asyncio.gather(*map(create, keys))
            assert dict(zip(keys, answers, strict=True)) == first
            replays += len(answers)
    assert replays == 1000
    async with served.gateway.database.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM payments") == _PAYMENTS


async def _happen(gateway: Gateway, number: int, payment_id: UUID) -> None:
    """What may become of a payment between a request and its repetition; nothing of every third."""
    if number % 3 == 0:
        return
    reserved = await reserve_attempt(gateway, payment_id)
    assert reserved is not None
    money = reserved[0].money
    done, refused = Done(received=money), Refused(reason=Reason.DECLINED)
    await record_outcome(gateway, reserved[1].id, done if number % 3 == 1 else refused)


def _member(body: bytes, start: bytes) -> str:
    """The text that follows ``start`` for the first time."""
    return body.partition(start)[2].partition(b'"')[0].decode()
