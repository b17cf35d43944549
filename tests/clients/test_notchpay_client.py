"""npm's ``notchpay-client``, unmodified, against a running server: all its methods, and what its
own test suite asserts of each.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from clients.packages import ClientError, NodeClient, node_client
from guichet.demo import PRIVATE_KEY, PUBLIC_KEY
from server.programs import Program

#: The number of its suite.
PHONE = "+237656019261"
ORDER: dict[str, Any] = {
    "amount": 100,
    "currency": "XAF",
    "description": "API Integration Test Payment",
    "customer": {"email": "test@example.com", "name": "Test User"},
}
RECIPIENT = {
    "channel": "cm.mobile",
    "email": "user1@example.com",
    "name": "Test User",
    "country": "CM",
    "account_number": PHONE,
}


@pytest.fixture
def client(program: Program) -> Iterator[NodeClient]:
    keys = {"publicKey": PUBLIC_KEY, "privateKey": PRIVATE_KEY}
    with node_client("notchpay-client", program.url, **keys) as made:
        yield made


@pytest.fixture
def ungranted(program: Program) -> Iterator[NodeClient]:
    """Made without a private key: it sends ``undefined`` as the grant."""
    with node_client("notchpay-client", program.url, publicKey=PUBLIC_KEY) as made:
        yield made


def test_payment_goes_its_whole_way(client: NodeClient) -> None:
    made = client.call("payments.create", ORDER)
    assert made["code"] == 201
    reference = made["transaction"]["reference"]

    found = client.call("payments.get", reference)
    assert (found["code"], found["transaction"]["reference"]) == (200, reference)

    charge = {"channel": "cm.mobile", "data": {"phone": PHONE}}
    assert client.call("payments.directCharge", reference, charge)["code"] == 202
    assert client.call("payments.get", reference)["transaction"]["status"] == "complete"


def test_older_call_takes_an_empty_callback(client: NodeClient) -> None:
    order = {**ORDER, "customer": None, "email": "test@example.com", "callback": ""}

    made = client.call("payments.initialize", order)

    assert (made["code"], made["transaction"]["callback"]) == (201, None)


def test_payments_are_listed(client: NodeClient) -> None:
    reference = client.call("payments.create", ORDER)["transaction"]["reference"]

    listed = client.call("payments.getAll")

    assert listed["code"] == 200
    assert listed["items"][0]["reference"] == reference


def test_mobile_money_in_one_step(client: NodeClient) -> None:
    charged = client.call("payments.initializeMobileMoneyPayment", ORDER, PHONE)

    assert charged["code"] == 202
    assert charged["transaction"]["channel"] == "cm.orange"


def test_recipient_is_kept_and_sent_money(client: NodeClient) -> None:
    kept = client.call("recipients.create", RECIPIENT)
    assert kept["code"] == 201
    recipient = kept["beneficiary"]["id"]
    assert client.call("recipients.get", recipient)["beneficiary"]["id"] == recipient
    listed = client.call("recipients.getAll")
    assert listed["code"] == 200
    assert recipient in [each["id"] for each in listed["items"]]

    order = {
        "recipient": recipient,
        "currency": "XAF",
        "amount": 100,
        "description": "Create recipient Test testing ",
        "channel": "cm.mobile",
    }
    sent = client.call("transfers.initialize", order)
    assert sent["code"] == 201
    reference = sent["transfer"]["reference"]
    found = client.call("transfers.get", reference)
    assert (found["code"], found["transfer"]["reference"]) == (200, reference)
    transfers = client.call("transfers.getAll")
    assert transfers["code"] == 200
    assert transfers["items"][0]["reference"] == reference


def test_client_without_a_private_key_collects_money(ungranted: NodeClient) -> None:
    assert ungranted.call("payments.create", ORDER)["code"] == 201


@pytest.mark.parametrize("call", ["transfers.getAll", "recipients.getAll"])
def test_client_without_a_private_key_is_refused_what_needs_it(
    ungranted: NodeClient, call: str
) -> None:
    with pytest.raises(ClientError) as refused:
        ungranted.call(call)
    assert (refused.value.status, refused.value.body["code"]) == (403, 403)
    assert refused.value.body["message"] == "Invalid grant key"


def test_refusal_is_thrown_with_its_body(client: NodeClient) -> None:
    with pytest.raises(ClientError) as refused:
        client.call("payments.create", {**ORDER, "amount": 0})
    assert refused.value.status == 422
    assert refused.value.body["errors"].keys() == {"amount"}
