"""Merchants beside one another: one who has everything, with canaries in it, and those who ask."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import asyncpg

from guichet.dialects.neopay.app import build_app as build_neopay
from guichet.dialects.notchpay.app import build_app as build_notchpay
from guichet.dialects.notchpay.ids import write_id
from guichet.gateway import Gateway
from guichet.server.apis import api_documents
from wire.applications import MakeApplication, TestApplication
from wire.client import Answer, Client
from wire.neopay import documents
from wire.notchpay.bulks import made as made_bulk
from wire.notchpay.bulks import row
from wire.notchpay.requests import customer, made, processed
from wire.notchpay.senders import enrich, granting, kept, sent
from wire.notchpay.shops import MakeShop

#: Stands in every text that the victims give; in nobody else's.
CANARY = "canary7"
EMAIL = f"{CANARY}@victim.example"
JSON = {"content-type": "application/json"}
_KINDS = ("payment", "customer", "transfer", "beneficiary", "refund", "bulk", "endpoint")


class Names(NamedTuple):
    """What is the victim's, by a name of ours; and what is nobody's, in the same shapes."""

    victims: dict[str, str]
    nobodys: dict[str, str]


class Tenant(NamedTuple):
    """Somebody who asks."""

    name: str
    client: Client


class Side(NamedTuple):
    """One dialect: the victim's names, their own client, and who asks for them."""

    dialect: str
    names: Names
    victim: Client
    strangers: list[Tenant]
    victim_id: UUID
    stranger_ids: list[UUID]


async def neopay_side(gateway: Gateway, make: MakeApplication) -> Side:
    """A shop with a payment, a customer and a link; strangers: another merchant, its live twin."""
    app = build_neopay(gateway)
    merchant = {"name": CANARY}
    victim = await make(**merchant)
    other = await make()
    twin = await make(merchant_id=await _merchant_of(gateway, victim.id), environment="live")
    own = _neopay_client(app, victim)
    person = {"name": CANARY, "email": EMAIL, "city": CANARY, "street": CANARY, "state": CANARY}
    payment = _made(
        "payment",
        await own.post(
            "/api/payments",
            json.loads(documents.PAYMENT)
            | {
                "customer": {**person, "country": "GB"},
                "reference": CANARY,
                "callback_url": f"https://{CANARY}.example/done",
            },
        ),
    )
    link = _made(
        "data",
        await own.post(
            "/api/links",
            json.loads(documents.LINK)
            | {"product": CANARY, "description": CANARY, "reference": CANARY},
        ),
    )
    people = (await own.get(f"/api/customers?email={EMAIL}")).json()["customers"]["data"]
    victims = {
        "payment": payment["id"],
        "customer": people[0]["id"],
        "link": link["id"],
        "slug": link["slug"],
        "email": EMAIL,
        "text": CANARY,
    }
    nobodys = {name: str(uuid4()) for name in ("payment", "customer", "link")}
    nobodys |= {"slug": "Zz0Zz0Zz0Z", "email": "nobody0@victim.example", "text": "nobody0"}
    return Side(
        "neopay",
        Names(victims, nobodys),
        own,
        [
            Tenant("another merchant", _neopay_client(app, other)),
            Tenant("the same merchant, live", _neopay_client(app, twin)),
        ],
        victim.id,
        [other.id, twin.id],
    )


async def notchpay_side(gateway: Gateway, make: MakeShop, owner: asyncpg.Connection[Any]) -> Side:
    """As ``neopay_side``, with all that Notch Pay has besides; both sides listen to every event."""
    app = build_notchpay(gateway)
    victim = await make(name=CANARY)
    other = await make()
    twin = await make(merchant_id=await _merchant_of(gateway, victim.id), environment="live")
    await enrich(owner, victim)
    own = granting(app, victim)
    strangers = [
        Tenant("another merchant", granting(app, other)),
        Tenant("the same merchant, live", granting(app, twin)),
    ]
    for client in (strangers[0].client, own):
        answer = await client.post("/webhooks", _hook(client is own))
        assert answer.status == 201, answer.body
    endpoint = answer.json()["endpoint"]["id"]
    person = await customer(own, name=CANARY, email=EMAIL, metadata={"note": CANARY})
    paid = await made(
        own, email=EMAIL, description=CANARY, reference=f"{CANARY}-order", metadata={"n": CANARY}
    )
    assert (await processed(own, paid["reference"])).status == 202
    refunded = await own.post("/refunds", {"payment": paid["reference"], "reason": CANARY})
    assert refunded.status == 201, refunded.body
    waiting = await made(own, email=EMAIL, description=CANARY, reference=f"{CANARY}-waits")
    beneficiary = await kept(
        own, name=CANARY, email=EMAIL, reference=f"{CANARY}-ben", description=CANARY
    )
    transfer = await sent(own, reference=f"{CANARY}-pay", description=CANARY)
    bulk = await made_bulk(own, row(f"{CANARY}-row"), description=CANARY)
    victims = {
        "payment": paid["id"],
        "waiting": waiting["id"],
        "payment_reference": paid["reference"],
        "merchant_reference": f"{CANARY}-order",
        "customer": person["id"],
        "refund": refunded.json()["refund"]["id"],
        "beneficiary": beneficiary["id"],
        "beneficiary_reference": f"{CANARY}-ben",
        "transfer": transfer["id"],
        "transfer_reference": f"{CANARY}-pay",
        "bulk": bulk["id"],
        "endpoint": endpoint,
        "email": EMAIL,
        "text": CANARY,
    }
    nobodys = {kind: write_id(kind, "sandbox", uuid4()) for kind in _KINDS}
    nobodys |= {
        name: text.replace(CANARY, "nobody0") for name, text in victims.items() if CANARY in text
    }
    nobodys |= {
        "waiting": write_id("payment", "sandbox", uuid4()),
        "payment_reference": write_id("payment", "sandbox", uuid4()),
    }
    return Side("notchpay", Names(victims, nobodys), own, strangers, victim.id, [other.id, twin.id])


def query_names(dialect: str) -> list[str]:
    """Every name that an operation of the dialect documents in its query."""
    document, _ = api_documents("https://pay.example")[dialect]()
    found = set()
    for operations in document["paths"].values():
        for operation in operations.values():
            asked = operation.get("parameters", ()) if isinstance(operation, Mapping) else ()
            for each in asked:
                name = each.get("$ref", "").rpartition("/")[2]
                parameter = document["components"]["parameters"][name] if name else each
                if parameter["in"] == "query":
                    found.add(parameter["name"])
    return sorted(
        found | {"id", "customer", "email", "search", "reference", "link", "application_id"}
    )


def masked(answer: Answer, name: str) -> tuple[int, str]:
    """An answer without the name that was asked for and what is new in each."""
    text = answer.body.decode().replace(name, "*")
    return answer.status, re.sub(r'"(request_id|timestamp)":\s*"[^"]*"', "", text)


def shows(answer: Answer, asked: str) -> bool:
    """Whether the answer holds a canary that was not in the question."""
    said = answer.body.decode() + json.dumps(answer.headers)
    return CANARY in said.replace(asked, "").replace(asked.replace("@", "%40"), "")


def bodies(names: Mapping[str, str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Bodies in which a name stands where a name can stand, nested ones too, whatever the call."""
    for kind, name in names.items():
        if kind == "text":
            continue
        for field in ("id", "customer_id", "link_id", "application_id", "payment", "reference"):
            yield kind, {field: name}
        person = {"id": name, "name": "Ann", "email": "ann@stranger.example"}
        yield kind, json.loads(documents.PAYMENT) | {"customer": person}
        yield kind, {"amount": 5000, "currency": "XAF", "customer": name}
        yield kind, {"amount": 5000, "currency": "XAF", "customer": {"id": name}}
        money = {"amount": 500, "currency": "XAF", "channel": "cm.mtn", "description": "x"}
        yield kind, {**money, "beneficiary": name}
        yield kind, {"currency": "XAF", "transfers": [{**money, "beneficiary": name}]}


async def digests(owner: asyncpg.Connection[Any], application_id: UUID) -> dict[str, str]:
    """A digest of an application's rows, by table."""
    tables = await owner.fetch(
        "SELECT a.attrelid::regclass::text FROM pg_attribute a"
        " JOIN pg_class c ON c.oid = a.attrelid WHERE a.attname = 'application_id'"
        " AND NOT a.attisdropped AND c.relkind = 'r'"
    )
    found = {}
    for (table,) in tables:
        rows = await owner.fetch(
            f"SELECT t::text FROM {table} t WHERE application_id = $1 ORDER BY 1", application_id
        )
        found[table] = hashlib.sha256("\n".join(row[0] for row in rows).encode()).hexdigest()
    return found


def _hook(is_victims: bool) -> dict[str, Any]:
    host = CANARY if is_victims else "stranger"
    return {"url": f"https://{host}.example/hook", "events": ["*"], "description": host}


def _neopay_client(app: Any, application: TestApplication) -> Client:
    return Client(app, {**application.headers, **JSON})


async def _merchant_of(gateway: Gateway, application_id: UUID) -> UUID:
    application = gateway.access.application(application_id)
    assert application is not None
    return application.merchant_id


def _made(name: str, answer: Answer) -> dict[str, Any]:
    assert answer.status in {200, 201}, answer.body
    data: dict[str, Any] = answer.json()[name]
    return data
