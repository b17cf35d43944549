"""Money out by the Python client of Notch Pay (PyPI ``notchpay``), unmodified."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import pytest
from notchpay import NotchPay
from notchpay.exceptions import NotchPayValidationError

from guichet.demo import PRIVATE_KEY, PUBLIC_KEY
from server.programs import Program

pytestmark = pytest.mark.asyncio(loop_scope="module")

PHONE = "+237670000000"


@pytest.fixture
def client(program: Program) -> Iterator[Any]:
    """The client as a merchant makes it; nothing but its base address is changed."""
    made: Any = NotchPay(PUBLIC_KEY, grant_key=PRIVATE_KEY)
    made._client.base_url = program.url
    yield made
    made._client.close()


def sends(client: Any) -> None:
    """A transfer to somebody described, then to somebody kept, out of the balance."""
    before = client.balance.retrieve().balance.available
    described = client.transfers.create(
        {
            "amount": 1500,
            "currency": "XAF",
            "channel": "cm.mtn",
            "beneficiary_data": {"name": "Amina Kamga", "phone": PHONE},
            "reference": "described",
            "metadata": {"month": 8},
        }
    )
    assert (described.code, described.transfer.status) == (201, "complete")
    body = {"amount": 500, "currency": "XAF", "channel": "cm.mtn"}
    to_kept = client.transfers.create({**body, "beneficiary": described.transfer.beneficiary})
    assert to_kept.transfer.beneficiary == described.transfer.beneficiary

    assert client.balance.retrieve().balance.available == before - 2000
    assert client.transfers.retrieve("described").transfer.id == described.transfer.id
    listed = client.transfers.list(limit=2, status="complete")
    assert [each.id for each in listed.items] == [to_kept.transfer.id, described.transfer.id]
    with pytest.raises(NotchPayValidationError):
        client.transfers.cancel(to_kept.transfer.id)


async def test_transfers(client: Any) -> None:
    await asyncio.to_thread(sends, client)


def keeps(client: Any) -> None:
    """A beneficiary's whole way."""
    new = {
        "name": "Berthe",
        "phone": PHONE,
        "country": "CM",
        "currency": "XAF",
        "type": "mobile_money",
        "channel": "cm.mtn",
    }
    made = client.beneficiaries.create(new).beneficiary
    assert (made.name, made.type, made.account_number) == ("Berthe", "mobile_money", PHONE[1:])
    changed = client.beneficiaries.update(made.id, {"name": "Berthe N."})
    assert (changed.code, changed.beneficiary.name) == (202, "Berthe N.")
    assert client.beneficiaries.retrieve(made.id).beneficiary.name == "Berthe N."
    listed = client.beneficiaries.list(country="CM", type="mobile_money", search="berthe")
    assert [each.id for each in listed.items] == [made.id]
    assert client.beneficiaries.delete(made.id).code == 202
    with pytest.raises(NotchPayValidationError) as gone:
        client.beneficiaries.retrieve(made.id)
    assert gone.value.message == "Beneficiary not found"


async def test_beneficiaries(client: Any) -> None:
    await asyncio.to_thread(keeps, client)


def sends_many(client: Any) -> None:
    """A bulk's whole way: made, sent by the worker, read until nothing is under way."""
    item = {"amount": 100, "channel": "cm.mtn", "beneficiary_data": {"name": "A", "phone": PHONE}}
    new = {"currency": "XAF", "description": "Août", "transfers": [item, {**item, "amount": 200}]}
    made = client.transfers.create_bulk(new)
    assert (made.code, made.bulk_transfer.total_amount) == (201, 300)
    assert (made.bulk_transfer.description, made.bulk_transfer.total_transfers) == ("Août", 2)

    for _ in range(200):
        found = client.transfers.retrieve_bulk(made.bulk_transfer.id).bulk_transfer
        if {each.status for each in found.transfers} == {"complete"}:
            break
        time.sleep(0.05)
    assert [each.status for each in found.transfers] == ["complete", "complete"]
    with pytest.raises(NotchPayValidationError):
        client.transfers.create_bulk({**new, "transfers": [item, {**item, "amount": 1}]})


async def test_bulk_transfers(client: Any) -> None:
    await asyncio.to_thread(sends_many, client)
