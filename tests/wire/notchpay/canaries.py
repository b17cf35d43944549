"""A person who pays and is paid in every way there is, and a search for what is left of them.

The search is a superuser's with every key: each cell of each table as text, as bytes, and opened
with whatever opens it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg

from gateways import SECRET_KEY
from guichet.dialects.neopay.app import build_app as build_neopay
from guichet.dialects.notchpay.ids import read_id
from guichet.domain.access import Caller, KeyRole
from guichet.domain.money import Money
from guichet.domain.outcomes import Done
from guichet.gateway import Gateway
from guichet.people import People
from guichet.rails.registry import Registry
from guichet.services.checkout import receive_return, start_attempt
from guichet.services.closing import release_payment
from guichet.services.customers import read_customer
from guichet.services.people import Kind
from guichet.services.refunds import refresh_refund
from guichet.services.settlement import record_outcome
from guichet.services.transfers import refresh_transfer
from guichet.store import attempts
from guichet.store.queue import claim_refunds, claim_transfers
from guichet.vault import SealBroken, Vault
from pages.scripted import scripted_bank, scripted_pix
from wire.applications import TestApplication
from wire.client import Client
from wire.notchpay.requests import COMPLETES, made, processed
from wire.notchpay.senders import kept, sent
from worker.endpoint_parts import deliver_due, endpoint_at

WORD = "zanzicanary"
#: Every text in which something of the person may be left, in lower case.
CANARIES = (WORD, "52998224725", "529.982.247-25", "670000000")
EMAIL = f"{WORD}@example.cm"
PERSON = {
    "email": EMAIL, "name": f"{WORD} Ndongo", "phone": COMPLETES, "city": f"{WORD} city",
    "state": f"{WORD} state", "country": "CM", "zip_code": f"{WORD} zip",
    "street": f"{WORD} street", "house_number": f"{WORD} 1", "tax_number": "529.982.247-25",
    "company_number": f"{WORD} company",
}  # fmt: skip
_FREE = {"note": f"{WORD} free"}
_PURPOSES = (
    b"customer", b"phone", b"payment", b"note", b"beneficiary", b"transfer", b"body", b"bulk",
)  # fmt: skip


@dataclass(frozen=True)
class Traces:
    """Who the person is to each application."""

    notch_id: UUID
    neopay_id: UUID
    beneficiary_id: UUID

    @property
    def erasures(self) -> list[tuple[Kind, UUID]]:
        return [
            ("customer", self.notch_id),
            ("customer", self.neopay_id),
            ("beneficiary", self.beneficiary_id),
        ]


async def leave_traces(
    gateway: Gateway, notch: Client, shop_id: UUID, neopay: TestApplication, receiver_url: str
) -> Traces:
    """Let the person pay by handset, bank and PIX, be refunded, be sent money, and be told of."""
    shop = gateway.access.application(shop_id)
    assert shop is not None
    await endpoint_at(gateway, shop, receiver_url)
    notch_id = await _pay_by_handset(gateway, notch)
    beneficiary_id = await _be_sent_money(notch)
    await _settle(gateway)
    scripted = {("open_banking", "sandbox"): scripted_bank(), ("pix", "sandbox"): scripted_pix()}
    gateway.rails = Registry({**dict(gateway.rails.items()), **scripted})
    neopay_id = await _pay_at_neopay(gateway, neopay, receiver_url)
    while await deliver_due(gateway):
        pass
    return Traces(notch_id, neopay_id, beneficiary_id)


async def _pay_by_handset(gateway: Gateway, notch: Client) -> UUID:
    fields = {"name": PERSON["name"], "email": EMAIL, "phone": PERSON["phone"]}
    free = {"metadata": _FREE, "address": _FREE, "billing": _FREE, "shipping": _FREE}
    customer = (
        await notch.post(
            "/customers",
            {**fields, **free, "company_name": WORD, "tax_number": WORD, "description": WORD},
        )
    ).json()["customer"]
    payment = await made(
        notch, customer=customer["id"], description=f"For {WORD}", metadata=_FREE,
        customer_meta=[WORD], items=[WORD], shipping=[WORD], address=[WORD],
    )  # fmt: skip
    assert (await processed(notch, payment["reference"])).status == 202
    refund = {"payment": payment["reference"], "amount": 10, "reason": f"{WORD} asked for it"}
    payment_id = read_id("payment", payment["reference"])
    assert payment_id is not None
    await release_payment(gateway, payment_id)
    answer = await notch.post("/refunds", refund)
    assert answer.status == 201, answer.body
    customer_id = read_id("customer", customer["id"])
    assert customer_id is not None
    return customer_id


async def _settle(gateway: Gateway) -> None:
    """Ask the operator about what it was asked to send."""
    later = gateway.clock.now() + timedelta(days=1)
    for refund in await claim_refunds(gateway.database, later, 100, 60):
        await refresh_refund(gateway, refund)
    for transfer in await claim_transfers(gateway.database, later, 100, 60):
        await refresh_transfer(gateway, await refresh_transfer(gateway, transfer))


async def _be_sent_money(notch: Client) -> UUID:
    beneficiary = await kept(
        notch, name=PERSON["name"], email=EMAIL, account_number=COMPLETES, phone=COMPLETES,
        description=WORD, metadata=_FREE, bank_code=WORD,
    )  # fmt: skip
    await sent(
        notch, beneficiary=beneficiary["id"], beneficiary_data=None, description=f"Pay {WORD}",
        statement=WORD, metadata=_FREE,
    )  # fmt: skip
    bad = {"amount": 1, "channel": "cm.nobody", "beneficiary_data": {"name": PERSON["name"]}}
    good = {"amount": 1500, "channel": "cm.mtn", "beneficiary": beneficiary["id"]}
    bulk = {"currency": "XAF", "mode": "continue", "description": f"{PERSON['name']} and others"}
    answer = await notch.post("/transfers/bulk", {**bulk, "transfers": [good, bad]})
    assert answer.status == 201, answer.body
    beneficiary_id = read_id("beneficiary", beneficiary["id"])
    assert beneficiary_id is not None
    return beneficiary_id


async def _pay_at_neopay(gateway: Gateway, neopay: TestApplication, receiver_url: str) -> UUID:
    client = Client(build_neopay(gateway), neopay.headers)
    body = {
        "payment": {"amount": 122.44, "currency": "GBP"}, "customer": PERSON,
        "reference": "reference", "callback_url": receiver_url,
    }  # fmt: skip
    ids = []
    for service in ({"serviceId": "api", "institutionId": 20}, {"serviceId": "pix"}):
        headers = {"idempotency_key": f"{service['serviceId']}-{neopay.id}"}
        answer = await client.post("/api/payments", json.dumps({**service, **body}), **headers)
        assert answer.status == 200, answer.body
        ids.append(UUID(answer.json()["payment"]["id"]))
    token = gateway.vault.token("checkout", ids[0].bytes)
    view = await start_attempt(gateway, ids[0], token, None)
    assert view.attempt is not None
    token = gateway.vault.token("return", view.attempt.id.bytes)
    await receive_return(gateway, view.attempt.id, token, {"consent": WORD})
    for payment_id in ids:
        async with gateway.database.connection() as connection:
            attempt = await attempts.latest(connection, payment_id)
        assert attempt is not None
        await record_outcome(gateway, attempt.id, Done(received=Money(12244, "GBP")))
    application = gateway.access.application(neopay.id)
    assert application is not None
    caller = Caller(application, KeyRole.SECRET)
    return (await read_customer(gateway, caller, EMAIL)).id


async def cells(superuser: asyncpg.Connection[Any]) -> list[tuple[str, Any]]:
    """Every cell of every table as (``table.column``, value), nulls aside."""
    tables = await superuser.fetch(
        "SELECT c.oid::regclass::text FROM pg_class c WHERE c.relkind IN ('r', 'p', 'm')"
        " AND c.relnamespace = 'public'::regnamespace"
    )
    found = []
    for (table,) in tables:
        for row in await superuser.fetch(f"SELECT * FROM {table}"):
            found += [(f"{table}.{name}", cell) for name, cell in row.items() if cell is not None]
    return found


async def remains(superuser: asyncpg.Connection[Any], *, opened: bool) -> set[str]:
    """The columns in which a canary can be read: as they are or, ``opened``, with every key."""
    everything = await cells(superuser)
    vault = Vault([SECRET_KEY])
    people = People(vault, await superuser.fetchval("SELECT index_key FROM seals"))
    keys = [
        (row["id"], row["data_key"])
        for table in ("customers", "beneficiaries")
        for row in await superuser.fetch(f"SELECT id, data_key FROM {table}")
        if row["data_key"] is not None
    ]
    return {
        column
        for column, cell in everything
        for text in (_readable(cell), *(_opened(vault, people, keys, cell) if opened else ()))
        if any(canary in text for canary in CANARIES)
    }


def _readable(cell: Any) -> str:
    text = cell.decode("utf-8", "replace") if isinstance(cell, bytes) else str(cell)
    return text.casefold()


def _opened(
    vault: Vault, people: People, keys: list[tuple[UUID, bytes]], cell: Any
) -> Iterator[str]:
    if not isinstance(cell, bytes):
        return
    with suppress(SealBroken):
        yield _readable(vault.open(cell))
    for purpose in _PURPOSES:
        for person_id, data_key in ((None, None), *keys):
            try:
                yield _readable(people.open(person_id, data_key, purpose, cell) or b"")
            except SealBroken:
                continue
