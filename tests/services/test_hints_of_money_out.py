"""Notices about transfers and refunds: believed never, they make the worker ask sooner."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from guichet.domain.outcomes import Notice, TakenBack, Waiting
from guichet.domain.refunds import Refund
from guichet.gateway import Gateway
from guichet.services.notices import handle_notice, keep_hints
from guichet.services.refunds import create_refund, list_refunds
from guichet.store.queue import claim_notices, claim_refunds
from guichet.worker.tasks import check_refund
from psp import Psp, connect
from services.charging import move
from services.conftest import NewMerchant
from services.sending import Sender, sender, sending_psp

pytestmark = pytest.mark.asyncio(loop_scope="module")

LATER = Waiting(provider_reference="theirs", look_again_seconds=86_400)
SOON = timedelta(seconds=3)


@pytest.fixture
def psp(shop: Gateway) -> Psp:
    made = sending_psp()
    connect(shop, made)
    return made


@pytest_asyncio.fixture(loop_scope="module")
async def merchant(shop: Gateway, psp: Psp, new_merchant: NewMerchant) -> Sender:
    """A merchant with 100.50 available."""
    return await sender(shop, psp, await new_merchant())


async def hint(
    gateway: Gateway,
    key: str | None,
    reference: str | None = None,
    account_id: UUID | None = None,
    rail: str = "pix",
) -> str:
    """A notice comes, and the inbox is worked off; what became of it."""
    named = [Notice(key, reference)]
    evidence = hashlib.sha256(uuid4().bytes).digest()
    await keep_hints(gateway, rail, "sandbox", account_id, named, evidence)
    claimed = await claim_notices(gateway.database, gateway.clock.now(), 100, 60)
    outcomes = {each.received_at: await handle_notice(gateway, each) for each in claimed}
    return outcomes[max(outcomes)]


async def test_worker_asks_about_a_transfer_soon_after_a_notice(merchant: Sender, psp: Psp) -> None:
    psp.sends = [Waiting(look_again_seconds=86_400)] * 2
    made = await merchant.send()
    await merchant.check_due(SOON)
    assert len(psp.send_orders) == 2  # not due before tomorrow

    assert await hint(merchant.gateway, made.key) == "passed_on"
    await merchant.check_due(SOON)
    assert (await merchant.now_is(made)).status == "completed"


async def test_transfer_is_known_by_the_providers_reference(merchant: Sender, psp: Psp) -> None:
    psp.sends = [LATER, LATER]
    made = await merchant.send()
    assert await hint(merchant.gateway, None, "theirs") == "passed_on"
    await merchant.check_due(SOON)

    assert (await merchant.now_is(made)).status == "completed"


async def test_many_notices_are_one_question(merchant: Sender, psp: Psp) -> None:
    psp.sends = [Waiting(look_again_seconds=86_400)] * 3
    made = await merchant.send()
    for _ in range(20):
        assert await hint(merchant.gateway, made.key) == "passed_on"
    await merchant.check_due(SOON)
    await merchant.check_due(SOON)

    assert len(psp.send_orders) == 3


async def test_transfer_that_arrived_may_turn_out_to_have_come_back(
    merchant: Sender, psp: Psp
) -> None:
    made = await merchant.send()
    psp.sends = [TakenBack()]
    await hint(merchant.gateway, made.key)
    await merchant.check_due(SOON)

    assert (await merchant.now_is(made)).status == "returned"


async def test_transfer_that_waits_for_its_checker_is_never_sent_by_a_notice(
    shop: Gateway, psp: Psp, new_merchant: NewMerchant
) -> None:
    merchant = await sender(shop, psp, await new_merchant(), approves_transfers=True)
    made = await merchant.send()
    assert await hint(shop, made.key) == "passed_on"
    await merchant.check_due(SOON)

    assert not psp.send_orders
    assert (await merchant.now_is(made)).status == "initiated"


@pytest.mark.parametrize("stranger", [{"account_id": UUID(int=7)}, {"rail": "gsma"}], ids=str)
async def test_notice_of_another_account_or_rail_says_nothing(
    merchant: Sender, psp: Psp, stranger: dict[str, UUID]
) -> None:
    psp.sends = [Waiting(look_again_seconds=86_400)] * 2
    made = await merchant.send()

    assert await hint(merchant.gateway, made.key, **stranger) == "parked"  # type: ignore[arg-type]
    await merchant.check_due(SOON)
    assert len(psp.send_orders) == 2


async def test_worker_asks_about_a_refund_soon_after_a_notice(merchant: Sender, psp: Psp) -> None:
    gateway, payment = merchant.gateway, merchant.payment
    psp.refunds = [Waiting(look_again_seconds=86_400)]
    made = await create_refund(gateway, merchant.application.id, payment.id, 1_000)
    assert await due(merchant) == []
    assert await hint(gateway, made.key) == "passed_on"
    for refund in await due(merchant):
        await check_refund(gateway, refund)

    (found,) = await list_refunds(gateway, merchant.application.id, payment.id)
    assert found.status == "completed"


async def due(merchant: Sender) -> list[Refund]:
    gateway = merchant.gateway
    move(gateway, SOON)
    found = await claim_refunds(gateway.database, gateway.clock.now(), 100, 60)
    return [refund for refund in found if refund.payment_id == merchant.payment.id]
