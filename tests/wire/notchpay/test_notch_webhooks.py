"""Webhook endpoints in Notch Pay's words (contract 10)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from guichet.dialects.notchpay.app import build_app
from guichet.dialects.notchpay.event_names import NAMES
from guichet.gateway import Gateway
from guichet.services.deliveries import deliver
from guichet.store.queue import claim_deliveries
from wire.client import Answer, Client, encoded
from wire.notchpay.requests import PAYMENT_KEYS, TIMESTAMP, made, processed
from wire.notchpay.shops import MakeShop
from worker.parts import receiving

pytestmark = pytest.mark.asyncio(loop_scope="module")

ENDPOINT: dict[str, Any] = {
    "url": "https://shop.example/hooks",
    "events": ["payment.complete", "payment.failed"],
    "description": "main",
}
CALLS = [
    ("GET", "/webhooks"),
    ("POST", "/webhooks"),
    ("GET", "/webhooks/ep.test_0000000000000000000000"),
    ("PUT", "/webhooks/ep.test_0000000000000000000000"),
    ("DELETE", "/webhooks/ep.test_0000000000000000000000"),
]


async def kept(client: Client, **fields: Any) -> dict[str, Any]:
    """A new endpoint."""
    answer = await client.post("/webhooks", {**ENDPOINT, **fields})
    assert answer.status == 201, answer.body
    endpoint: dict[str, Any] = answer.json()["endpoint"]
    return endpoint


async def put(client: Client, endpoint_id: str, content: Any) -> Answer:
    return await client.call("PUT", f"/webhooks/{endpoint_id}", encoded(content))


async def test_an_endpoint_is_created_under_both_names_with_its_secret(notch: Client) -> None:
    answer = await notch.post("/webhooks", ENDPOINT)

    body = answer.json()
    assert (answer.status, body["code"], body["status"]) == (201, 201, "Created")
    assert body["message"] == "Webhook endpoint created successfully"
    endpoint = body["endpoint"]
    assert body["webhook"] == endpoint
    assert endpoint["id"].startswith("ep.test_")
    assert endpoint["secret"].startswith("whsec_")
    assert {name: endpoint[name] for name in ENDPOINT} == ENDPOINT
    assert (endpoint["status"], endpoint["active"], endpoint["sandbox"]) == ("active", True, 1)
    assert TIMESTAMP.fullmatch(endpoint["created_at"])
    assert TIMESTAMP.fullmatch(endpoint["updated_at"])


async def test_an_endpoint_is_shown_without_its_secret(notch: Client) -> None:
    endpoint = await kept(notch)

    answer = await notch.get(f"/webhooks/{endpoint['id']}")

    assert answer.status == 200
    assert answer.json()["message"] == "Webhook endpoint retrieved"
    shown = answer.json()["endpoint"]
    assert answer.json()["webhook"] == shown
    assert shown == {name: value for name, value in endpoint.items() if name != "secret"}


async def test_endpoints_are_listed_newest_first_under_every_name(notch: Client) -> None:
    first, second = await kept(notch), await kept(notch, description=None)

    body = (await notch.get("/webhooks")).json()

    assert [item["id"] for item in body["endpoints"]] == [second["id"], first["id"]]
    assert body["items"] == body["data"] == body["endpoints"]
    assert (body["totals"], body["last_page"], body["selected"]) == (2, 1, 2)
    assert "secret" not in body["endpoints"][0]


async def test_an_update_replaces_what_it_names_and_nothing_else(notch: Client) -> None:
    endpoint = await kept(notch)

    answer = await put(notch, endpoint["id"], {"events": ["transfer.sent"], "active": False})

    body = answer.json()
    assert (answer.status, body["message"]) == (202, "Webhook endpoint updated successfully")
    changed = body["endpoint"]
    assert body["webhook"] == changed
    assert changed["events"] == ["transfer.sent"]
    assert (changed["status"], changed["active"]) == ("inactive", False)
    assert (changed["url"], changed["description"]) == (ENDPOINT["url"], "main")
    assert (await notch.get(f"/webhooks/{endpoint['id']}")).json()["endpoint"] == changed


async def test_a_deleted_endpoint_is_gone(notch: Client) -> None:
    endpoint = await kept(notch)

    answer = await notch.call("DELETE", f"/webhooks/{endpoint['id']}", b"[]")

    assert (answer.status, answer.json()["endpoint"]) == (202, [])
    assert answer.json()["message"] == "Webhook endpoint deleted successfully"
    for method in ("GET", "DELETE"):
        again = await notch.call(method, f"/webhooks/{endpoint['id']}")
        assert (again.status, again.json()["message"]) == (404, "Webhook endpoint not found")
    assert (await notch.get("/webhooks")).json()["totals"] == 0


@pytest.mark.parametrize("name", sorted(NAMES - {"payment.cancelled"}))
async def test_every_documented_event_is_taken_and_echoed(notch: Client, name: str) -> None:
    assert (await kept(notch, events=[name]))["events"] == [name]


async def test_the_dashboards_spelling_is_normalised_and_nothing_stands_twice(
    notch: Client,
) -> None:
    endpoint = await kept(
        notch, events=["payment.failed", "payment.cancelled", "payment.canceled", "payment.failed"]
    )

    assert endpoint["events"] == ["payment.failed", "payment.canceled"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"url": None}, "url"),
        ({"url": "shop.example"}, "url"),
        ({"url": "ftp://shop.example/"}, "url"),
        ({"url": ["https://shop.example"]}, "url"),
        ({"url": 5}, "url"),
        ({"events": None}, "events"),
        ({"events": []}, "events"),
        ({"events": ["payment.paid"]}, "events"),
        ({"events": [["*"]]}, "events"),
        ({"events": [7]}, "events"),
        ({"events": 7}, "events"),
        ({"description": "x" * 256}, "description"),
        ({"active": "perhaps"}, "active"),
        ({"active": []}, "active"),
        ({"status": "asleep"}, "status"),
        ({"signature_profile": "md5"}, "signature_profile"),
    ],
)
async def test_a_broken_field_is_named(notch: Client, changes: dict[str, Any], field: str) -> None:
    answer = await notch.post("/webhooks", {**ENDPOINT, **changes})

    assert answer.status == 422, answer.body
    assert list(answer.json()["errors"]) == [field]


async def test_all_broken_fields_are_named_at_once(notch: Client) -> None:
    answer = await notch.post("/webhooks", {})

    assert answer.json()["message"] == "The url field is required. (and 1 more error)"


@pytest.mark.parametrize("content", [{}, [], b"", {"colour": "red"}])
async def test_an_update_without_a_field_is_refused(notch: Client, content: Any) -> None:
    endpoint = await kept(notch)

    answer = await put(notch, endpoint["id"], content)

    assert answer.status == 422


@pytest.mark.parametrize("content", [{"url": ""}, {"events": []}, {"events": ["x"]}])
async def test_an_update_to_nothing_changes_nothing(notch: Client, content: dict[str, Any]) -> None:
    endpoint = await kept(notch)

    answer = await put(notch, endpoint["id"], {**content, "description": "other"})

    assert answer.status == 422
    shown = (await notch.get(f"/webhooks/{endpoint['id']}")).json()["endpoint"]
    assert shown["description"] == "main"


async def test_a_form_is_as_good(notch: Client) -> None:
    body = (
        b"url=https%3A%2F%2Fshop.example%2Fh&events[0]=payment.complete&events[1]=refund.failed"
        b"&active=0"
    )
    answer = await notch.call(
        "POST", "/webhooks/", body, headers={"content-type": "application/x-www-form-urlencoded"}
    )

    assert answer.status == 201, answer.body
    endpoint = answer.json()["endpoint"]
    assert endpoint["events"] == ["payment.complete", "refund.failed"]
    assert endpoint["active"] is False


async def test_sandbox_endpoints_may_be_on_the_developers_own_machine(notch: Client) -> None:
    assert (await kept(notch, url="http://localhost:4000/hook"))["url"].startswith("http:")


@pytest.mark.parametrize(
    "url", ["http://shop.example/", "https://127.0.0.1/", "https://localhost/"]
)
async def test_live_endpoints_are_public_and_encrypted(
    gateway: Gateway, make_shop: MakeShop, url: str
) -> None:
    shop = await make_shop(environment="live")
    client = Client(build_app(gateway), {"authorization": shop.private_key})

    answer = await client.post("/webhooks", {**ENDPOINT, "url": url})

    assert answer.status == 422
    assert list(answer.json()["errors"]) == ["url"]
    assert (await kept(client))["id"].startswith("ep.")


@pytest.mark.parametrize(("method", "path"), CALLS)
async def test_live_endpoints_ask_for_the_private_key(
    gateway: Gateway, make_shop: MakeShop, method: str, path: str
) -> None:
    shop = await make_shop(environment="live")
    client = Client(build_app(gateway), {"authorization": shop.public_key})

    assert (await client.call(method, path, b"{}")).status == 403
    granted = client.with_headers(x_grant=shop.private_key)
    assert (await granted.call(method, path, b"{}")).status != 403


async def test_an_application_may_open_them_to_the_public_key(
    gateway: Gateway, make_shop: MakeShop
) -> None:
    shop = await make_shop(environment="live", public_key_reads=True)
    client = Client(build_app(gateway), {"authorization": shop.public_key})

    assert (await client.get("/webhooks")).status == 200


@pytest.mark.parametrize(("method", "path"), CALLS)
async def test_nobody_is_let_in_without_a_key(notch: Client, method: str, path: str) -> None:
    assert (await notch.with_headers(authorization=None).call(method, path)).status == 401


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_anothers_endpoint_does_not_exist(
    gateway: Gateway, make_shop: MakeShop, notch: Client, method: str
) -> None:
    endpoint = await kept(notch)
    other = Client(build_app(gateway), {"authorization": (await make_shop()).public_key})

    answer = await other.call(method, f"/webhooks/{endpoint['id']}", b'{"active": false}')

    assert answer.status == 404
    assert (await notch.get(f"/webhooks/{endpoint['id']}")).json()["endpoint"]["active"] is True


@pytest.mark.parametrize("key", ["ep.test_x", "wh_1", "%00", "cus.test_0000000000000000000000"])
async def test_what_is_no_endpoint_is_not_found(notch: Client, key: str) -> None:
    assert (await notch.get(f"/webhooks/{key}")).status == 404


async def test_every_step_of_a_payment_is_told_as_it_was(gateway: Gateway, notch: Client) -> None:
    async with receiving() as receiver:
        await kept(notch, url=receiver.url, events=["*"])
        made_payment = await made(notch, reference="order-77")
        await processed(notch, made_payment["reference"])
        due = await claim_deliveries(gateway.database, gateway.clock.now(), 100, 60)
        for claimed in due:
            await deliver(gateway, claimed)
        bodies = [json.loads(received.body) for received in receiver.received]

    told = [body for body in bodies if body["event"].startswith("payment.")]
    assert [(body["event"], body["data"]["status"]) for body in told] == [
        ("payment.created", "pending"),
        ("payment.processing", "processing"),
        ("payment.complete", "complete"),
    ]
    for body in told:
        assert list(body["data"]) == PAYMENT_KEYS
        assert body["data"]["reference"] == made_payment["reference"]
        assert body["data"]["trxref"] == body["data"]["merchant_reference"] == "order-77"
    assert "customer.created" in [body["event"] for body in bodies]
