from __future__ import annotations

import asyncio
from uuid import UUID

from guichet.domain.access import Caller
from guichet.domain.money import Money
from guichet.domain.outcomes import Done, Unknown
from guichet.domain.payments import CustomerDetails, NewPayment
from guichet.gateway import Gateway
from guichet.services.charges import create_charge
from guichet.services.refunds import create_refund
from guichet.services.settlement import record_outcome
from guichet.worker.loop import Worker
from psp import Psp, connect
from worker.parts import Receiver, rows


async def test_worker_asks_what_became_of_a_refund_and_tells_the_merchant(
    gateway: Gateway, application_id: UUID, receiver: Receiver
) -> None:
    psp = Psp(refunds=[Unknown(detail="no answer")])
    connect(gateway, psp)
    application = gateway.access.application(application_id)
    assert application is not None
    fields = {"email": "payer@example.com", "tax_number": "06372771390"}
    customer = CustomerDetails(None, fields["email"], fields)
    new = NewPayment("pix", None, Money(500, "BRL"), customer, None, receiver.url, None, None)
    made = await create_charge(gateway, Caller(application, None), new)
    await record_outcome(gateway, UUID(psp.orders[0].key), Done(received=Money(500, "BRL")))
    refund = await create_refund(gateway, application_id, made.payment.id, 200)
    await rows(gateway, "UPDATE refunds SET next_check_at = created_at WHERE id = $1", refund.id)

    worker = Worker(gateway)
    working = asyncio.create_task(worker.run())
    await receiver.has(2)
    await worker.stop()
    await working

    (found,) = await rows(gateway, "SELECT status FROM refunds WHERE id = $1", refund.id)
    assert found["status"] == "completed"
    assert [each.payment["status"] for each in receiver.received] == ["completed"] * 2
