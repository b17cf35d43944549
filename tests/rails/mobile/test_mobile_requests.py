"""Every request of both connectors is one that the operator's rules allow, and wrong ones are seen.

GSMA's API is judged by GSMA's own file, MTN's by the document that ``mtn.py`` puts together.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest

import absent
from guichet.domain.money import Money
from guichet.domain.orders import ProviderAccount
from guichet.domain.outcomes import Waiting
from judge import Judge, Violation
from rails.mobile.conftest import CALLBACK_URL
from rails.mobile.stage import SECRETS, Stage, gsma_account, mtn_account
from rails.stage import Sent

Change = Callable[[Sent], Sent]


async def every_operation(stage: Stage) -> dict[str, Sent]:
    """Has the connector make each kind of request it knows; one of each."""
    paid = await stage.paid()
    await stage.rail.advance(replace(paid, memory={}))
    transfer = stage.transfer()
    await stage.rail.send(transfer)
    await stage.rail.send(transfer)
    refund = stage.refund(paid, 1000)
    await stage.rail.refund(refund)
    await stage.rail.refund(refund)
    return {operation(stage, sent): sent for sent in stage.client.sent}


def operation(stage: Stage, sent: Sent) -> str:
    path = urlsplit(sent.url).path.removeprefix(f"/{stage.provider.name}").strip("/").split("/")
    if stage.provider.name == "gsma":
        path = path[1:]
    is_id = [any(each.isdigit() for each in part) and "v" not in part for part in path]
    shape = ["{id}" if each else part for part, each in zip(path, is_id, strict=True)]
    return f"{sent.method} /{'/'.join(shape)}"


def without(name: str) -> Change:
    return lambda sent: replace(
        sent, headers={key: value for key, value in sent.headers.items() if key != name}
    )


def with_header(name: str, value: str) -> Change:
    return lambda sent: replace(sent, headers={**sent.headers, name: value})


def with_body(**fields: Any) -> Change:
    def changed(sent: Sent) -> Sent:
        body = msgspec.json.decode(sent.body) | fields
        return replace(sent, body=msgspec.json.encode(body))

    return changed


def with_last_part(part: str) -> Change:
    return lambda sent: replace(sent, url=sent.url.rpartition("/")[0] + "/" + part)


WRONG: dict[str, dict[str, Change]] = {
    "mtn": {
        "POST /collection/token": without("authorization"),
        "POST /disbursement/token": without("ocp-apim-subscription-key"),
        "POST /collection/v1_0/requesttopay": with_body(payerMessage="L'addition"),
        "GET /collection/v1_0/requesttopay/{id}": with_last_part(uuid.UUID(int=7).hex),
        "POST /disbursement/v1_0/transfer": with_header("x-reference-id", str(uuid.uuid1())),
        "GET /disbursement/v1_0/transfer/{id}": without("x-target-environment"),
        "POST /disbursement/v2_0/refund": with_body(referenceToRefund="x"),
        "GET /disbursement/v1_0/refund/{id}": without("authorization"),
    },
    "gsma": {
        "POST /transactions/type/merchantpay": with_body(amount=5000),
        "POST /transactions/type/disbursement": with_body(descriptionTxt="x"),
        "POST /transactions/{id}/reversals": with_body(type="refund"),
        "GET /requeststates/{id}": with_last_part("not-a-uuid"),
        "GET /responses/{id}": with_last_part("not-a-uuid"),
        "GET /transactions/{id}": without("authorization"),
    },
}


async def test_each_operation_is_as_the_rules_say_and_wrong_ones_are_caught(
    stage: Stage, judges: dict[str, Judge | None]
) -> None:
    name = stage.provider.name
    right = await every_operation(stage)
    assert set(right) == set(WRONG[name])
    judge = judges[name]
    if judge is None:
        absent.missing("nothing was judged by GSMA's file")
    for each, spoil in WRONG[name].items():
        sent = right[each]
        judge.request(sent.method, sent.url, headers=sent.headers, body=sent.body)
        wrong = spoil(sent)
        with pytest.raises(Violation):
            judge.request(wrong.method, wrong.url, headers=wrong.headers, body=wrong.body)


@pytest.mark.parametrize(
    "text",
    ["L'été à l’hôtel « Azur » n° 12 <b>", "'" * 200, "\u4e2d\u6587", "x" * 500, "a\nb\x00c", ""],
    ids=["French", "apostrophes", "Chinese", "long", "controls", "empty"],
)
async def test_odd_texts_are_made_fit(stage: Stage, text: str) -> None:
    _, outcome = await stage.begun(reference=text)
    assert isinstance(outcome, Waiting)
    outcome = await stage.rail.send(stage.transfer(description=text, reference=text))
    assert isinstance(outcome, Waiting)


async def test_the_payer_reads_what_it_is_for(stage: Stage) -> None:
    await stage.begun()
    assert b"Facture n 42 de l ete" in stage.client.sent[-1].body


@pytest.mark.parametrize(
    ("minor", "text"), [(1, b'"1"'), (5000, b'"5000"'), (999_999_999_999, b'"999999999999"')]
)
async def test_amounts_leave_as_exact_text(stage: Stage, minor: int, text: bytes) -> None:
    _, outcome = await stage.begun(100, money=Money(minor, "XAF"))
    assert isinstance(outcome, Waiting)
    assert b'"amount":' + text in stage.client.sent[-1].body


async def test_our_key_is_the_operators_id_of_every_order(stage: Stage) -> None:
    order, transfer = stage.order(), stage.transfer()
    await stage.rail.begin(order)
    await stage.rail.send(transfer)
    name = {"mtn": "x-reference-id", "gsma": "x-correlationid"}[stage.provider.name]
    posted = [sent.headers[name] for sent in stage.client.sent if name in sent.headers]
    assert posted == [str(uuid.UUID(order.key)), str(uuid.UUID(transfer.key))]
    assert {uuid.UUID(each).version for each in posted} == {4}


async def test_callbacks_go_where_we_say_or_nowhere(stage: Stage) -> None:
    await stage.begun()
    name = "x-callback-url"
    assert stage.client.sent[-1].headers[name] == CALLBACK_URL


async def test_an_account_may_want_no_callbacks(stage: Stage, operator_url: str) -> None:
    is_mtn = stage.provider.name == "mtn"
    made = mtn_account(operator_url) if is_mtn else gsma_account(operator_url)
    settings = asdict(replace(made, callbacks="off"))
    await stage.begun(account=ProviderAccount(uuid.uuid4(), settings))
    assert "x-callback-url" not in stage.client.sent[-1].headers


async def test_no_secret_is_in_an_address_or_a_body(stage: Stage) -> None:
    await every_operation(stage)
    for secret in SECRETS:
        assert not any(secret in sent.url for sent in stage.client.sent)
        assert not any(secret.encode() in sent.body for sent in stage.client.sent)
        assert secret not in repr(mtn_account("x")) + repr(gsma_account("x"))
