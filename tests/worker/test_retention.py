"""What is kept for a while is wiped afterwards, and what is still needed is not."""

from __future__ import annotations

from datetime import timedelta

from guichet.domain.access import Application
from guichet.domain.clock import MovableClock
from guichet.domain.outcomes import Reply
from guichet.gateway import Gateway
from guichet.services.notices import handle_notice, keep_reply
from guichet.services.retention import wipe_old
from guichet.store.queue import claim_notices
from outbound.listeners import answer
from worker.conftest import NewApplication
from worker.endpoint_parts import deliver_due, endpoint_at, told
from worker.parts import RAIL, new_attempt, new_payment, receiving, rows

_DELIVERIES = """
SELECT d.status, d.tries, d.body IS NULL AS is_wiped,
    (SELECT count(*) FROM webhook_tries t WHERE t.delivery_id = d.id) AS kept_tries
FROM webhook_deliveries d
"""
_NOTICES = "SELECT handled_at IS NOT NULL AS is_handled, octet_length(content) FROM rail_notices"


async def test_ended_delivery_is_wiped_after_its_days(
    gateway: Gateway, shop: Application, clock: MovableClock
) -> None:
    async with receiving() as receiver:
        await endpoint_at(gateway, shop, receiver.url)
        await told(gateway, shop)
        assert await deliver_due(gateway) == ["delivered"]
    clock.move(timedelta(days=29))
    assert await wipe_old(gateway) == 0
    clock.move(timedelta(days=2))

    assert await wipe_old(gateway) == 1

    assert [tuple(row.values()) for row in await rows(gateway, _DELIVERIES)] == [
        ("delivered", 1, True, 0)
    ]


async def test_delivery_that_is_still_tried_is_kept(
    gateway: Gateway, shop: Application, clock: MovableClock
) -> None:
    async with receiving(answer("500 Oops")) as receiver:
        await endpoint_at(gateway, shop, receiver.url)
        await told(gateway, shop)
        await deliver_due(gateway)
    clock.move(timedelta(days=365))

    assert await wipe_old(gateway) == 0


async def test_handled_notice_is_wiped_and_a_waiting_one_is_not(
    gateway: Gateway, new_application: NewApplication, clock: MovableClock
) -> None:
    application_id = await new_application()
    for text in ("handled", "waits"):
        attempt = await new_attempt(gateway, await new_payment(gateway, application_id))
        await keep_reply(gateway, RAIL, "sandbox", attempt.id, Reply({"consent": text}))
        if text == "handled":
            (claimed,) = await claim_notices(gateway.database, clock.now(), 1, 60)
            await handle_notice(gateway, claimed)
    clock.move(timedelta(days=31))

    assert await wipe_old(gateway) == 1

    lengths = {row["is_handled"]: row["octet_length"] for row in await rows(gateway, _NOTICES)}
    assert lengths[True] == 0
    assert lengths[False] > 0
