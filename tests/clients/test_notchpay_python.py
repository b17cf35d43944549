"""The Python client of Notch Pay (PyPI ``notchpay``), unmodified, against a running server."""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from notchpay import AsyncNotchPay, NotchPay
from notchpay.exceptions import NotchPayAuthenticationError, NotchPayValidationError

from guichet.demo import PRIVATE_KEY, PUBLIC_KEY
from server.programs import Program

pytestmark = pytest.mark.asyncio(loop_scope="module")

COMPLETES, FAILS, EXPIRES = "+237670000000", "+237670000001", "+237690000003"
CANCELS, NEVER_ENDS = "+237690000004", "+237670000005"

_PATIENCE_SECONDS = 20.0

#: One of the client's methods by its dotted name, with its arguments.
Call = Callable[..., Awaitable[Any]]


def client_of(kind: type[Any], program: Program, key: str = PUBLIC_KEY) -> Any:
    """The client as a merchant makes it; nothing but its base address is changed."""
    client = kind(key, grant_key=PRIVATE_KEY)
    client._client.base_url = program.url
    return client


@pytest_asyncio.fixture(params=[NotchPay, AsyncNotchPay], loop_scope="module")
async def call(request: pytest.FixtureRequest, program: Program) -> AsyncIterator[Call]:
    client = client_of(request.param, program)

    async def made(name: str, *arguments: Any, **named: Any) -> Any:
        resource, _, method = name.partition(".")
        function = getattr(getattr(client, resource), method)
        if inspect.iscoroutinefunction(function):
            return await function(*arguments, **named)
        return await asyncio.to_thread(function, *arguments, **named)

    yield made
    closed = client._client.aclose() if request.param is AsyncNotchPay else client._client.close()
    if closed is not None:
        await closed


async def test_payment_goes_its_whole_way(call: Call) -> None:
    created = await call(
        "payments.create",
        {
            "amount": 5000,
            "currency": "XAF",
            "email": "ada@example.cm",
            "description": "Facture n° 42 de l’été",
            "callback": "https://shop.example/back?order=42",
            "items": [{"name": "Pagne", "quantity": 2, "amount": 2500}],
            "customer_meta": {"vip": True},
        },
    )
    assert (created.code, created.status, created.transaction.status) == (
        201,
        "Accepted",
        "pending",
    )
    assert created.authorization_url
    reference = created.transaction.reference

    body = {"channel": "cm.mtn", "data": {"phone": COMPLETES}}
    processed = await call("payments.process", reference, body)
    assert processed.code == 202

    found = (await call("payments.retrieve", reference)).transaction
    assert (found.status, found.amount, found.sandbox) == ("complete", 5000, True)
    assert found.amounts.total == 5000
    assert found.payment_method
    assert found.completed_at >= found.created_at


@pytest.mark.parametrize(
    ("phone", "status"),
    [
        (COMPLETES, "complete"),
        (FAILS, "failed"),
        (EXPIRES, "expired"),
        (CANCELS, "canceled"),
        (NEVER_ENDS, "processing"),
    ],
)
async def test_direct_charge_ends_as_the_number_says(call: Call, phone: str, status: str) -> None:
    charged = await call(
        "payments.direct_charge",
        {"amount": 500, "currency": "XAF", "phone": phone},
        "cm.mobile",
        phone,
    )

    found = await call("payments.retrieve", charged.transaction.reference)
    assert found.transaction.status == status


async def test_payer_confirms_on_the_phone_behind_the_aggregator(
    call: Call, program: Program
) -> None:
    phone = "+237690000100"
    charged = await call(
        "payments.direct_charge",
        {"amount": 500, "currency": "XAF", "phone": phone},
        "cm.orange",
        phone,
    )
    reference = charged.transaction.reference
    assert (await call("payments.retrieve", reference)).transaction.status == "processing"

    async with httpx2.AsyncClient(base_url=program.url, trust_env=False) as browser:
        page = f"/simulators/notchpay/phone/{phone[1:]}"
        prompt = re.findall(r'name="prompt" value="([^"]+)"', (await browser.get(page)).text)[0]
        answer = {"prompt": prompt, "pin": "1234", "decision": "pay"}
        await browser.post(f"{page}/answer", data=answer)
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while (await call("payments.retrieve", reference)).transaction.status != "complete":
                await asyncio.sleep(0.1)
        state = (await browser.get("/simulators/notchpay/_control/state")).json()
    assert state["webhooks"][-1]["answer"] == 200


async def test_payments_are_listed_and_filtered(call: Call) -> None:
    created = await call(
        "payments.create", {"amount": 700, "currency": "XAF", "phone": "237670000000"}
    )
    today = datetime.now(UTC)

    listed = await call(
        "payments.list",
        limit=5,
        status="pending",
        channels=None,
        date_start=today - timedelta(days=1),
        date_end=today,
    )

    assert listed.items[0].reference == created.transaction.reference
    assert listed.selected == len(listed.items) <= 5
    assert (await call("payments.list", search=created.transaction.reference)).code == 200


async def test_pending_payment_is_canceled(call: Call) -> None:
    created = await call("payments.create", {"amount": 100, "currency": "XAF", "phone": COMPLETES})
    reference = created.transaction.reference

    assert (await call("payments.cancel", reference)).code == 202
    assert (await call("payments.retrieve", reference)).transaction.status == "canceled"
    with pytest.raises(NotchPayValidationError):
        await call("payments.cancel", reference)


async def test_customer_goes_their_whole_way(call: Call) -> None:
    created = await call(
        "customers.create",
        {
            "name": "John Doe",
            "email": "john@example.com",
            "phone": "+237680000000",
            "company_name": "ACME Inc",
            "metadata": {"plan": "gold"},
        },
    )
    customer = created.customer
    assert customer.metadata == {"plan": "gold"}

    changed = await call("customers.update", customer.id, {"name": "Jane Doe"})
    assert (changed.code, changed.customer.name) == (202, "Jane Doe")
    assert (await call("customers.retrieve", customer.id)).customer.company_name == "ACME Inc"
    assert customer.id in [each.id for each in (await call("customers.list")).items]

    charged = await call(
        "payments.direct_charge",
        {"amount": 900, "currency": "XAF", "customer": customer.id},
        "cm.orange",
        "+237690000000",
    )
    payments = (await call("customers.payments", customer.id, limit=10)).payments
    assert [each.reference for each in payments] == [charged.transaction.reference]
    methods = (await call("customers.payment_methods", customer.id)).items
    assert [(each.channel.value, each.phone) for each in methods] == [("cm.orange", "237690000000")]

    assert (await call("customers.delete", customer.id)).code == 202
    with pytest.raises(NotchPayValidationError) as gone:
        await call("customers.retrieve", customer.id)
    assert gone.value.message == "Customer not found"


async def test_channels_are_listed(call: Call) -> None:
    listed = await call("channels.list", country="CM", amount=1000)

    assert [each.id for each in listed.items] == ["cm.mtn", "cm.orange", "cm.mobile"]


async def test_errors_reach_the_client_as_its_own(call: Call) -> None:
    with pytest.raises(NotchPayValidationError) as broken:
        await call("payments.create", {"amount": 0, "currency": "EURO", "phone": COMPLETES})
    assert broken.value.code == 422
    assert broken.value.errors.keys() == {"amount", "currency"}

    with pytest.raises(NotchPayValidationError) as unknown:
        await call("payments.retrieve", "nobody")
    assert unknown.value.message == "Payment not found"


@pytest.mark.parametrize("times", [range(20)], ids=["twenty times"])
async def test_small_errors_reach_the_async_client_in_one_piece(
    program: Program, times: range
) -> None:
    """It reads the body in another thread, which fails when that comes after the head."""
    client = client_of(AsyncNotchPay, program, "pk_test.nobody")
    for _ in times:
        with pytest.raises(NotchPayAuthenticationError) as refused:
            await client.payments.list()
        assert refused.value.message == "Invalid API key"
    await client._client.aclose()


async def test_every_method_for_payments_and_customers_is_tried() -> None:
    tried = Path(__file__).read_text()

    for resource in ("payments", "customers", "channels"):
        methods = dir(getattr(NotchPay("pk_test.x"), resource))
        for method in methods:
            if not method.startswith("_") and method != "client":
                assert f'"{resource}.{method}"' in tried
