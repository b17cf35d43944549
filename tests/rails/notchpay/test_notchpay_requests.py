"""What the connector sends: our key, exact amounts, keys where they belong; and its settings."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any
from urllib.parse import urlsplit

import pytest

from guichet.domain.money import Money
from guichet.domain.outcomes import Waiting
from guichet.outbound.client import GuardedClient
from guichet.rails.accounts import InvalidAccount
from guichet.rails.notchpay.account import FIELDS, LIVE_URL, parse_account
from guichet.rails.notchpay.rail import NotchpayRail
from rails.notchpay.stage import CREDENTIALS, Stage, account_at

LIVE = {"public_key": "pk.canary", "private_key": "sk.canary", "hash_key": "hsk.canary"}


async def test_a_payment_is_made_under_our_key_and_processed(stage: Stage) -> None:
    order, _ = await stage.begun(reference="L'été — n° 42", money=Money(999_999_999_999, "XAF"))
    made, processed = stage.client.sent
    assert (made.method, urlsplit(made.url).path) == ("POST", "/payments")
    assert json.loads(made.body) == {
        "amount": 999_999_999_999,
        "currency": "XAF",
        "phone": "+237690000000",
        "reference": order.key,
        "locked_channel": "cm.orange",
        "description": "L'été — n° 42",
    }
    assert (processed.method, urlsplit(processed.url).path) == (
        "PUT",
        f"/payments/{order.provider_reference}",
    )
    assert json.loads(processed.body) == {
        "channel": "cm.orange",
        "data": {"phone": "+237690000000"},
    }


async def test_a_transfer_tells_who_is_paid(stage: Stage) -> None:
    order = stage.transfer()
    await stage.rail.send(order)
    assert json.loads(stage.client.sent[-1].body) == {
        "amount": 5000,
        "currency": "XAF",
        "channel": "cm.orange",
        "beneficiary_data": {
            "name": "Amina Kamga",
            "phone": "+237690000000",
            "account_number": "+237690000000",
            "country": "CM",
        },
        "reference": order.key,
        "description": "Salaire d'août",
    }


async def test_the_private_key_goes_where_it_is_asked_for_alone(stage: Stage) -> None:
    paid = await stage.paid()
    await stage.rail.send(stage.transfer())
    await stage.rail.refund(stage.refund(paid))
    await stage.rail.check(None, "http://127.0.0.1:9/x")
    with_grant = {
        urlsplit(sent.url).path.split("/")[1]
        for sent in stage.client.sent
        if "x-grant" in sent.headers
    }
    assert with_grant == {"transfers", "refunds", "balance", "webhooks"}
    assert {sent.headers["authorization"] for sent in stage.client.sent} == {CREDENTIALS.public_key}
    for secret in asdict(CREDENTIALS).values():
        assert not any(secret in sent.url for sent in stage.client.sent)
        assert not any(secret.encode() in sent.body for sent in stage.client.sent)


@pytest.mark.parametrize("text", ["", "  ", "x" * 500, "\u4e2d\u6587 \U0001f600"], ids=ascii)
async def test_odd_texts_are_made_fit(stage: Stage, text: str) -> None:
    _, outcome = await stage.begun(reference=text)
    assert isinstance(outcome, Waiting)
    outcome = await stage.rail.send(stage.transfer(description=text, reference=text))
    assert isinstance(outcome, Waiting)


async def test_a_webhook_is_registered_once(stage: Stage) -> None:
    for _ in range(2):
        await stage.rail.register_webhook(None, "http://127.0.0.1:9/notices")
    state = await stage.control("state")
    assert state["endpoints"].count("http://127.0.0.1:9/notices") == 1


# Accounts -----------------------------------------------------------------------------------------


def test_a_public_key_is_enough() -> None:
    account = parse_account({"public_key": "pk.x"})
    assert (account.base_url, account.private_key, account.hash_key) == (LIVE_URL, "", "")
    assert parse_account(LIVE | {"base_url": "https://pay.example"}, "live").hash_key
    assert {*LIVE, "base_url"} == {*FIELDS}
    assert "canary" not in repr(parse_account(LIVE))


@pytest.mark.parametrize(
    ("settings", "environment", "wrong"),
    [
        ({}, "live", {"public_key"}),
        (LIVE | {"base_url": "http://pay.example"}, "live", {"base_url"}),
        (LIVE | {"base_url": "https://pay.example?x=1"}, "live", {"base_url"}),
        (LIVE | {"private_key": "a\nb", "other": "x"}, "live", {"private_key", "other"}),
        (
            {"public_key": "pk_test.x", "private_key": "sk_test.x"},
            "live",
            {"public_key", "private_key"},
        ),
        ({"public_key": "sb.x"}, "live", {"public_key"}),
        (LIVE, "sandbox", {"public_key", "private_key", "hash_key"}),
    ],
    ids=range(7),
)
def test_every_wrong_setting_is_named(
    settings: dict[str, str], environment: str, wrong: set[str]
) -> None:
    with pytest.raises(InvalidAccount) as refused:
        parse_account(settings, environment)
    assert set(refused.value.problems) == wrong
    assert "canary" not in str(refused.value)


def test_live_money_has_no_default_account() -> None:
    account: Any = account_at("https://pay.example")
    with pytest.raises(ValueError, match="live"):
        NotchpayRail(GuardedClient(), "live", 1, account)
