"""Every request of the connector is one that Yapily's own file allows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from urllib.parse import urlsplit

import msgspec
import pytest

from guichet.domain.money import Money
from guichet.domain.orders import CollectOrder
from guichet.domain.outcomes import Unknown, Waiting
from judge import Judge, Violation
from rails.stage import PAYEE, SECRET, Sent, Stage, after, new_order


async def every_operation(stage: Stage) -> list[Sent]:
    """Has the connector make each kind of request it knows; the requests."""
    await stage.rail.institutions()
    lost = new_order()
    await stage.fault("create_authorisation", "drop")
    assert isinstance(await stage.rail.begin(lost), Unknown)
    await stage.rail.advance(lost)  # GET /consents, DELETE /consents/{id}
    order = new_order()
    order = after(order, await stage.rail.begin(order))
    assert isinstance(await stage.rail.advance(order), Waiting)  # GET /consents/{id}
    reply = await stage.decide("accept", order, user="pending")
    order = after(order, await stage.rail.advance(order, reply))  # redeems, POST /payments
    assert isinstance(await stage.rail.advance(order), Waiting)  # GET /payments/{id}/details
    return stage.client.sent


def operation(sent: Sent) -> str:
    parts = urlsplit(sent.url).path.strip("/").split("/")
    shape = [part if index % 2 == 0 else "{id}" for index, part in enumerate(parts)]
    return f"{sent.method} /{'/'.join(shape)}"


def without(name: str) -> Callable[[Sent], Sent]:
    return lambda sent: replace(
        sent, headers={key: value for key, value in sent.headers.items() if key != name}
    )


def with_body(change: Callable[[dict], object]) -> Callable[[Sent], Sent]:  # type: ignore[type-arg]
    def changed(sent: Sent) -> Sent:
        body = msgspec.json.decode(sent.body)
        change(body)
        return replace(sent, body=msgspec.json.encode(body))

    return changed


def with_url(old: str, new: str) -> Callable[[Sent], Sent]:
    def changed(sent: Sent) -> Sent:
        return replace(sent, url=sent.url.replace(old, new))

    return changed


def with_last_part(part: str) -> Callable[[Sent], Sent]:
    return lambda sent: replace(sent, url=sent.url.rpartition("/")[0] + "/" + part)


WRONG: dict[str, Callable[[Sent], Sent]] = {
    "GET /institutions": without("authorization"),
    "POST /payment-auth-requests": with_body(
        lambda body: body["paymentRequest"]["amount"].update(amount="122.44")
    ),
    "GET /consents": with_url("?", "?limit=many&"),
    "GET /consents/{id}": with_last_part("not-a-uuid"),
    "DELETE /consents/{id}": with_last_part("not-a-uuid"),
    "POST /consent-one-time-token": with_body(lambda body: body.pop("oneTimeToken")),
    "POST /payments": without("consent"),
    "GET /payments/{id}/details": without("consent"),
}


async def test_each_operation_is_as_the_file_says_and_wrong_ones_are_caught(
    stage: Stage, judge: Judge
) -> None:
    right = {operation(sent): sent for sent in await every_operation(stage)}
    assert set(right) == set(WRONG)
    for name, spoil in WRONG.items():
        judge.request(
            right[name].method, right[name].url, headers=right[name].headers, body=right[name].body
        )
        wrong = spoil(right[name])
        with pytest.raises(Violation):
            judge.request(wrong.method, wrong.url, headers=wrong.headers, body=wrong.body)


async def test_a_misspelt_field_would_be_caught(stage: Stage, judge: Judge) -> None:
    await every_operation(stage)
    right = next(sent for sent in stage.client.sent if operation(sent) == "POST /payments")
    wrong = with_body(lambda body: body.update(refrence="x"))(right)
    with pytest.raises(Violation):
        judge.request(wrong.method, wrong.url, headers=wrong.headers, body=wrong.body)


@pytest.mark.parametrize(
    "order",
    [
        new_order(payee=replace(PAYEE, account="20201555555555")),
        new_order(
            payee=replace(PAYEE, account="FR7630006000011234567890189", country="FR"),
            money=Money(1, "EUR"),
            institution_code="cic-sandbox",
        ),
        new_order(money=Money(5000, "JPY")),
        new_order(money=Money(1, "KWD")),
        new_order(reference="Été à la plage № 12 — façade/§", payer_address=None),
        new_order(reference="\u4e2d\u6587"),
    ],
    ids=["sort code", "euro", "no decimals", "three decimals", "accents", "nothing left"],
)
async def test_odd_orders_are_as_the_file_says(stage: Stage, order: CollectOrder) -> None:
    assert isinstance(await stage.rail.begin(order), Waiting)


async def test_the_payment_is_byte_for_byte_the_one_authorised(stage: Stage) -> None:
    await every_operation(stage)
    bodies = {operation(sent): sent.body for sent in stage.client.sent}
    assert bodies["POST /payments"] in bodies["POST /payment-auth-requests"]


async def test_amounts_leave_as_exact_numbers(stage: Stage) -> None:
    await stage.rail.begin(new_order(money=Money(999_999_999_999_999, "GBP")))
    assert b'"amount":{"amount":9999999999999.99,"currency":"GBP"}' in stage.client.sent[-1].body


async def test_no_secret_is_in_an_address_or_a_body(stage: Stage) -> None:
    await every_operation(stage)
    tokens = {sent.headers["consent"] for sent in stage.client.sent if "consent" in sent.headers}
    assert tokens
    for secret in (SECRET, *tokens):
        assert not any(secret in sent.url for sent in stage.client.sent)
        assert not any(secret.encode() in sent.body for sent in stage.client.sent)
