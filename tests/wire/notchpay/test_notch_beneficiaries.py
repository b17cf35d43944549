"""Beneficiaries in Notch Pay's words (contract 8), under both of their names."""

from __future__ import annotations

from typing import Any

import pytest

from guichet.dialects.notchpay.ids import read_id
from guichet.gateway import Gateway
from guichet.web.asgi import Asgi
from names import name_of
from wire.client import Client
from wire.notchpay.requests import TIMESTAMP
from wire.notchpay.senders import BENEFICIARY, MTN, ORANGE, broken, granting, kept, put, sent
from wire.notchpay.shops import MakeShop

pytestmark = pytest.mark.asyncio(loop_scope="module")

UNKNOWN = "ben.test_0000000000000000000001"


@pytest.mark.parametrize("path", ["/beneficiaries", "/recipients", "/recipients/"])
async def test_beneficiary_is_made_under_both_names(sending: Client, path: str) -> None:
    answer = await sending.post(path, BENEFICIARY)

    body = answer.json()
    assert (answer.status, body["code"], body["status"]) == (201, 201, "Created")
    assert body["message"] == "Beneficiary created successfully"
    assert body["beneficiary"] == body["recipient"]


async def test_beneficiary_has_the_forms_that_clients_demand(sending: Client) -> None:
    beneficiary = await kept(sending, reference="amina", metadata={"a": 1}, description="Couture")

    assert beneficiary["id"].startswith("ben.test_")
    assert beneficiary["payment_method"].startswith("pm.test_")
    assert (beneficiary["type"], beneficiary["country"], beneficiary["currency"]) == (
        "mobile_money",
        "CM",
        "XAF",
    )
    assert beneficiary["account_number"] == beneficiary["phone"] == MTN
    assert (beneficiary["reference"], beneficiary["description"]) == ("amina", "Couture")
    assert (beneficiary["metadata"], beneficiary["sandbox"]) == ({"a": 1}, 1)
    assert beneficiary["bank_code"] is None
    assert TIMESTAMP.fullmatch(beneficiary["created_at"])


@pytest.mark.parametrize(
    "number",
    [
        {"account_number": "670000000"},
        {"account_number": 237670000000},
        {"number": MTN},
        {"account": f"+{MTN}"},
        {"phone": "+237 670 00 00 00", "type": "mobile_money"},
        {"phone": MTN, "country": "cm", "currency": "xaf"},
        {"account_number": MTN, "channel": "cm.mobile"},
    ],
    ids=name_of,
)
async def test_number_may_come_under_every_name(sending: Client, number: dict[str, Any]) -> None:
    beneficiary = await kept(sending, **{"account_number": None, **number})

    assert (beneficiary["account_number"], beneficiary["channel"]) == (MTN, "cm.mtn")


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        (
            {"name": None, "channel": None, "account_number": None},
            {"name", "channel", "account_number"},
        ),
        ({"channel": None, "account_number": ""}, {"channel", "account_number"}),
        ({"channel": "card"}, {"channel"}),
        ({"account_number": "123"}, {"account_number"}),
        ({"account_number": "+33612345678"}, {"account_number"}),
        ({"country": "FR"}, {"country"}),
        ({"currency": "EUR", "type": "bank_account"}, {"currency", "type"}),
        ({"type": "pigeon"}, {"type"}),
        ({"email": "nobody"}, {"email"}),
        ({"name": 5}, {"name"}),
        ({"metadata": "text"}, {"metadata"}),
    ],
    ids=name_of,
)
async def test_bad_field_is_named(
    sending: Client, changes: dict[str, Any], fields: set[str]
) -> None:
    assert broken(await sending.post("/beneficiaries", {**BENEFICIARY, **changes})) == fields
    assert (await sending.get("/beneficiaries")).json()["totals"] == 0


async def test_reference_is_free_again_once_its_beneficiary_is_deleted(sending: Client) -> None:
    first = await kept(sending, reference="amina")
    taken = await sending.post("/beneficiaries", {**BENEFICIARY, "reference": "amina"})
    assert (taken.status, set(taken.json()["errors"])) == (409, {"reference"})
    await sending.call("DELETE", f"/beneficiaries/{first['id']}")

    assert (await kept(sending, reference="amina"))["id"] != first["id"]


@pytest.mark.parametrize("path", ["/beneficiaries", "/recipients"])
async def test_beneficiary_is_shown_and_deleted(sending: Client, path: str) -> None:
    made = await kept(sending)
    shown = await sending.get(f"{path}/{made['id']}")
    assert (shown.status, shown.json()["message"]) == (200, "Beneficiary retrieved")
    assert shown.json()["beneficiary"] == shown.json()["recipient"] == made

    deleted = await sending.call("DELETE", f"{path}/{made['id']}", b"[]")
    assert (deleted.status, deleted.json()["beneficiary"]) == (202, [])
    assert deleted.json()["message"] == "Beneficiary deleted successfully"
    for method in ("GET", "DELETE"):
        gone = await sending.call(method, f"{path}/{made['id']}")
        assert (gone.status, gone.json()["message"]) == (404, "Beneficiary not found")


async def test_deleted_beneficiary_gets_no_money(sending: Client) -> None:
    made = await kept(sending)
    await sending.call("DELETE", f"/beneficiaries/{made['id']}")
    answer = await sending.post(
        "/transfers", {"amount": 500, "currency": "XAF", "beneficiary": made["id"]}
    )

    assert broken(answer) == {"beneficiary"}


async def test_update_changes_what_it_names_alone(sending: Client) -> None:
    made = await kept(sending, metadata={"a": 1})
    answer = await put(
        sending,
        f"/beneficiaries/{made['id']}",
        name="Amina K.",
        account_number="677000000",
        country="FR",
        currency="EUR",
        type="bank_account",
    )

    changed = answer.json()["beneficiary"]
    assert (answer.status, answer.json()["message"]) == (202, "Beneficiary updated successfully")
    assert (changed["name"], changed["account_number"]) == ("Amina K.", "237677000000")
    same = ("id", "country", "currency", "type", "channel", "email", "metadata", "created_at")
    assert {name: changed[name] for name in same} == {name: made[name] for name in same}


async def test_metadata_is_replaced(sending: Client) -> None:
    made = await kept(sending, metadata={"a": 1, "b": 2})
    path = f"/beneficiaries/{made['id']}"

    changed = await put(sending, path, metadata={"c": 3})
    assert changed.json()["beneficiary"]["metadata"] == {"c": 3}
    emptied = await put(sending, path, metadata=[])
    assert emptied.json()["beneficiary"]["metadata"] is None


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({}, {"name"}),
        ({"unknown": 1}, {"name"}),
        ({"country": "FR"}, {"name"}),
        ({"name": ""}, {"name"}),
        ({"account_number": None}, {"account_number"}),
        ({"account_number": "12"}, {"account_number"}),
        ({"email": "nobody", "phone": "nobody"}, {"email", "phone"}),
    ],
    ids=name_of,
)
async def test_bad_update_changes_nothing(
    sending: Client, changes: dict[str, Any], fields: set[str]
) -> None:
    made = await kept(sending)

    assert broken(await put(sending, f"/beneficiaries/{made['id']}", **changes)) == fields
    shown = await sending.get(f"/beneficiaries/{made['id']}")
    assert shown.json()["beneficiary"] == made


@pytest.mark.parametrize("key", ["nobody", UNKNOWN, "cus.test_0000000000000000000001", "%00"])
async def test_unknown_beneficiary_is_not_found(sending: Client, key: str) -> None:
    for method in ("GET", "PUT", "DELETE"):
        answer = await sending.call(method, f"/beneficiaries/{key}", b'{"name":"A"}')
        assert (answer.status, answer.json()["message"]) == (404, "Beneficiary not found")


async def test_beneficiary_of_another_merchant_is_not_found(
    app: Asgi, sending: Client, make_shop: MakeShop
) -> None:
    made = await kept(sending)
    stranger = granting(app, await make_shop())

    for method in ("GET", "PUT", "DELETE"):
        answer = await stranger.call(method, f"/beneficiaries/{made['id']}", b'{"name":"A"}')
        assert answer.status == 404


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", 2),
        ("country=cm", 2),
        ("country=FR", 0),
        ("type=mobile_money", 2),
        ("type=bank_account", 0),
        ("search=BERTHE", 1),
        (f"search={ORANGE}", 1),
        ("search=AMINA@example.cm", 1),
        ("limit=1", 1),
        ("page=5", 0),
    ],
)
async def test_list_is_narrowed_down(sending: Client, query: str, found: int) -> None:
    await kept(sending)
    await kept(sending, name="Berthe", channel="cm.orange", account_number=ORANGE, email=None)

    body = (await sending.get(f"/beneficiaries?{query}")).json()
    assert body["message"] == "Beneficiaries retrieved"
    assert body["selected"] == found
    assert body["items"] == body["data"] == body["beneficiaries"]


async def test_changes_are_events(gateway: Gateway, sending: Client) -> None:
    made = await kept(sending)
    for _ in range(2):
        await put(sending, f"/beneficiaries/{made['id']}", name="Other", metadata={})
    await sending.call("DELETE", f"/beneficiaries/{made['id']}")
    by_transfer = await sent(sending, beneficiary_data={"name": "New", "phone": MTN})

    events = []
    for key in (made["id"], by_transfer["beneficiary"]):
        async with gateway.database.connection() as connection:
            events += await connection.fetch(
                "SELECT type FROM events WHERE subject_id = $1 ORDER BY version",
                read_id("beneficiary", key),
            )
    assert [row["type"] for row in events] == [
        "beneficiary.created",
        "beneficiary.updated",
        "beneficiary.deleted",
        "beneficiary.created",
    ]
