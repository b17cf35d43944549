"""Notch Pay's own browser SDK (npm ``notchpay.js``), unmodified, against a running server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any
from uuid import uuid4

import pytest

from clients.packages import NodeClient, node_client
from guichet.demo import PUBLIC_KEY
from server.programs import Program

ORDER = {
    "amount": 5000,
    "currency": "XAF",
    "email": "ada@example.cm",
    "phone": "+237670000000",
    "name": "Ada Ngo",
    "description": "Facture n° 42 de l’été",
    "callback": "https://shop.example/back",
    "shipping": {"country": "CM", "city": "Douala"},
    "address": {"country": "CM", "city": "Douala"},
    "customer_meta": {"vip": True},
    "items": [{"description": "Pagne", "price": 2500, "image": "https://shop.example/pagne.png"}],
    "locked_country": "CM",
    "locked_currency": "XAF",
}
MTN = {"channel": "cm.mtn", "data": {"phone": "+237670000000"}}

NewClient = Callable[..., NodeClient]


@pytest.fixture
def new_client(program: Program) -> Iterator[NewClient]:
    """Makes the client as a shop's page does, with ``formatedResponse`` (sic) if wanted."""
    with ExitStack() as stack:

        def make(key: str = PUBLIC_KEY, **options: Any) -> NodeClient:
            client = node_client("notchpay.js", program.url, publicKey=key, **options)
            return stack.enter_context(client)

        yield make


@pytest.fixture
def client(new_client: NewClient) -> NodeClient:
    return new_client()


def initialized(client: NodeClient, **changes: Any) -> str:
    """The reference of a new payment."""
    made = client.call("payments.initializePayment", {**ORDER, **changes})
    reference: str = made["transaction"]["reference"]
    return reference


def test_payment_goes_its_whole_way(client: NodeClient) -> None:
    mine = uuid4().hex
    made = client.call("payments.initializePayment", {**ORDER, "reference": mine})
    assert (made["code"], made["status"], made["message"]) == (
        *(201, "Accepted", "Payment initialized"),
    )
    assert made["authorization_url"]
    transaction = made["transaction"]
    assert (transaction["status"], transaction["trxref"]) == ("pending", mine)

    completed = client.call("payments.completePayment", transaction["reference"], MTN)
    assert completed["code"] == 202

    found = client.call("payments.verifyAndFetchPayment", transaction["reference"])
    assert (found["code"], found["transaction"]["status"]) == (200, "complete")
    assert (found["transaction"]["amount"], found["transaction"]["channel"]) == (5000, "cm.mtn")


def test_pending_payment_is_cancelled(client: NodeClient) -> None:
    reference = initialized(client)

    cancelled = client.call("payments.cancelPayment", reference)

    assert (cancelled["code"], cancelled["message"]) == (202, "Your payment has been canceled")
    found = client.call("payments.verifyAndFetchPayment", reference)
    assert found["transaction"]["status"] == "canceled"


def test_payments_are_listed_by_pages(client: NodeClient) -> None:
    references = [initialized(client, amount=str(100 + number)) for number in range(2)]

    first = client.call("payments.listPayments", {"perpage": 1})
    second = client.call("payments.listPayments", {"perpage": 1, "page": 2})

    assert [first["items"][0]["reference"], second["items"][0]["reference"]] == references[::-1]
    assert (first["selected"], second["current_page"]) == (1, 2)
    assert len(client.call("payments.listPayments", {})["items"]) >= 2


@pytest.mark.parametrize(
    ("key", "changes", "status", "message"),
    [
        (PUBLIC_KEY, {"currency": "EURO"}, 422, "The selected currency is invalid."),
        ("pk_test.nobody", {}, 401, "Invalid API key"),
    ],
    ids=["broken field", "unknown key"],
)
def test_refusal_is_an_answer_with_its_status(
    new_client: NewClient, key: str, changes: dict[str, Any], status: int, message: str
) -> None:
    client = new_client(key, formatedResponse=True)

    refused = client.call("payments.initializePayment", {**ORDER, **changes})

    assert (refused["status"], refused["message"]) == (status, "error")
    assert (refused["data"]["code"], refused["data"]["message"]) == (status, message)


def test_formatted_answer_has_the_status_of_http(new_client: NewClient) -> None:
    made = new_client(formatedResponse=True).call("payments.initializePayment", ORDER)

    assert (made["status"], made["message"]) == (201, "success")
    assert made["data"]["transaction"]["status"] == "pending"


def test_unknown_payment_is_told_in_the_clients_own_words(client: NodeClient) -> None:
    assert client.call("payments.verifyAndFetchPayment", "nobody")["message"] == "Payment not found"
