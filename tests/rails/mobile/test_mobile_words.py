"""Words of the two APIs, accounts' settings, callbacks: total tables, every wrong field named."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

import mtn
from guichet.domain.money import Money
from guichet.domain.outcomes import Notice, Reason
from guichet.rails.accounts import InvalidAccount
from guichet.rails.gsma import account as gsma_accounts
from guichet.rails.gsma import notices as gsma_notices
from guichet.rails.gsma import statuses as gsma_statuses
from guichet.rails.gsma.rail import GsmaRail
from guichet.rails.mobile_money import (
    Unreadable,
    digits_of,
    exact_money,
    key_of,
    message,
    uuid_of,
)
from guichet.rails.mtn import account as mtn_accounts
from guichet.rails.mtn import notices as mtn_notices
from guichet.rails.mtn import statuses as mtn_statuses
from guichet.rails.mtn.rail import MtnRail
from guichet.rails.port import ForgedNotice, Inbound
from judge import specification_of
from names import name_of
from rails.mobile.stage import gsma_account, mtn_account

KEY = "5f0c2b6ad9e84f2c8a6d1c7b3e9f4a21"
MTN = {
    "base_url": "https://proxy.momoapi.example",
    "target_environment": "mtncameroon",
    "collection_subscription_key": "canary-collection",
    "collection_api_user": str(uuid.uuid4()),
    "collection_api_key": "canary-key",
}
DISBURSEMENT = {
    "disbursement_subscription_key": "canary-disbursement",
    "disbursement_api_user": str(uuid.uuid4()),
    "disbursement_api_key": "canary-key",
}
GSMA = {
    "base_url": "https://operator.example/1.2.0/mm",
    "client_id": "shop",
    "client_secret": "canary-secret",
    "currency": "XAF",
}


def test_every_reason_of_mtn_has_a_meaning() -> None:
    assert set(mtn.REASONS) <= set(mtn_statuses.REASONS)
    assert set(mtn_statuses.DENIALS) <= set(mtn_statuses.REASONS)
    assert set(mtn_statuses.STATUSES) == {"CREATED", "PENDING", "SUCCESSFUL", "FAILED"}
    assert set(mtn_accounts.CURRENCIES) == set(mtn.ENVIRONMENTS)


def test_every_code_and_state_of_gsma_has_a_meaning() -> None:
    schemas = specification_of("gsma-mm.yaml")["components"]["schemas"]
    codes = schemas["errorObject"]["properties"]["errorCode"]["enum"]
    assert set(gsma_statuses.CODES) == set(codes)
    states = schemas["requestStateObject"]["properties"]["status"]["enum"]
    assert set(gsma_statuses.STATES) == set(states)


def test_an_unknown_reason_of_mtn_is_a_failure_of_theirs(caplog: pytest.LogCaptureFixture) -> None:
    assert mtn_statuses.reason_of("SOMETHING_NEW") is Reason.PROVIDER_ERROR
    assert mtn_statuses.reason_of("a\nb") is Reason.PROVIDER_ERROR
    assert "SOMETHING_NEW" in caplog.text
    assert "(unprintable)" in caplog.text


# Accounts -----------------------------------------------------------------------------------------


def test_what_is_needed_is_enough() -> None:
    account = mtn_accounts.parse_account(MTN)
    assert (account.currency, account.callbacks) == ("XAF", "on")
    assert account.credentials("collection") is not None
    assert account.credentials("disbursement") is None
    assert gsma_accounts.parse_account(GSMA).merchant_party is None


def test_everything_can_be_said() -> None:
    account = mtn_accounts.parse_account(MTN | DISBURSEMENT | {"callbacks": "off"})
    assert account.credentials("disbursement") is not None
    assert set(MTN | DISBURSEMENT | {"callbacks": ""}) == set(mtn_accounts.FIELDS)
    more = {
        "api_key": "k",
        "merchant": "organisationid@shop",
        "callbacks": "off",
        "token_url": "https://operator.example/token",
    }
    assert gsma_accounts.parse_account(GSMA | more).merchant_party == ("organisationid", "shop")
    assert set(GSMA | more) == set(gsma_accounts.FIELDS)


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"base_url": ""}, {"base_url"}),
        ({"base_url": "http://proxy.momoapi.example"}, {"base_url"}),
        ({"base_url": "https://proxy.momoapi.example/?x"}, {"base_url"}),
        ({"target_environment": "mtnmoon"}, {"target_environment"}),
        ({"collection_api_user": "a:b"}, {"collection_api_user"}),
        ({"collection_api_key": ""}, {"collection_api_key"}),
        ({"collection_subscription_key": "canary\n7"}, {"collection_subscription_key"}),
        (
            {"disbursement_api_user": "x"},
            {"disbursement_subscription_key", "disbursement_api_key"},
        ),
        ({"callbacks": "maybe"}, {"callbacks"}),
        ({"colour": "red"}, {"colour"}),
    ],
    ids=name_of,
)
def test_every_wrong_field_of_mtn_is_named(changes: dict[str, str], wrong: set[str]) -> None:
    with pytest.raises(InvalidAccount) as failure:
        mtn_accounts.parse_account(MTN | changes)
    assert set(failure.value.problems) == wrong
    assert "canary" not in str(failure.value)


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"base_url": "http://operator.example"}, {"base_url"}),
        ({"token_url": "http://operator.example/token"}, {"token_url"}),
        ({"client_id": "a:b"}, {"client_id"}),
        ({"client_secret": ""}, {"client_secret"}),
        ({"api_key": "canary\n7"}, {"api_key"}),
        ({"currency": "francs"}, {"currency"}),
        ({"merchant": "shop"}, {"merchant"}),
        ({"callbacks": "maybe"}, {"callbacks"}),
        ({"colour": "red"}, {"colour"}),
    ],
    ids=name_of,
)
def test_every_wrong_field_of_gsma_is_named(changes: dict[str, str], wrong: set[str]) -> None:
    with pytest.raises(InvalidAccount) as failure:
        gsma_accounts.parse_account(GSMA | changes)
    assert set(failure.value.problems) == wrong
    assert "canary" not in str(failure.value)


def test_sandboxes_may_be_near() -> None:
    near = {"base_url": "http://127.0.0.1:8000/simulators/operator/mtn"}
    assert mtn_accounts.parse_account(MTN | near, "sandbox").base_url == near["base_url"]
    assert gsma_accounts.parse_account(GSMA | near, "sandbox").base_url == near["base_url"]


def test_live_money_has_no_account_of_ours() -> None:
    nothing: Any = None
    with pytest.raises(ValueError, match="applications' own"):
        MtnRail(nothing, "live", 1, lambda _: None, mtn_account("x"))
    with pytest.raises(ValueError, match="applications' own"):
        GsmaRail(nothing, "live", 1, lambda _: None, gsma_account("x"))


# Callbacks ----------------------------------------------------------------------------------------


def _inbound(body: Any, **headers: str) -> Inbound:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Inbound(named, body if isinstance(body, bytes) else json.dumps(body).encode())


def test_mtns_callback_names_our_key() -> None:
    body = {"externalId": KEY, "status": "SUCCESSFUL", "amount": "5000"}
    assert mtn_notices.hear(_inbound(body)) == [Notice(attempt_key=KEY)]
    plain = {"status": "FAILED", "reason": "EXPIRED"}
    headers = {"x_reference_id": uuid_of(KEY)}
    assert mtn_notices.hear(_inbound(plain, **headers)) == [Notice(attempt_key=KEY)]


def test_gsmas_callback_names_our_key_in_a_header_or_in_its_body() -> None:
    headers = {"x_correlationid": uuid_of(KEY).upper()}
    error = {"errorCategory": "businessRule", "errorCode": "insufficientFunds"}
    assert gsma_notices.hear(_inbound(error, **headers)) == [Notice(attempt_key=KEY)]
    told = {"requestingOrganisationTransactionReference": KEY}
    assert gsma_notices.hear(_inbound(told)) == [Notice(attempt_key=KEY)]


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"\xff", {}, {"externalId": KEY}, {"externalId": 7, "status": "FAILED"}],
    ids=name_of,
)
def test_what_is_no_callback_is_forged(body: Any) -> None:
    with pytest.raises(ForgedNotice):
        mtn_notices.hear(_inbound(body))
    with pytest.raises(ForgedNotice):
        gsma_notices.hear(_inbound(body))


# Texts --------------------------------------------------------------------------------------------


def test_texts_lose_what_operators_refuse() -> None:
    assert message("Facture de l'été n° 12 — l’hôtel") == "Facture de l ete n 12 l hotel"
    assert len(message("mot " * 100)) <= 160


@pytest.mark.parametrize("text", ["5000", "5000.0", "5000.0000"])
def test_needless_zeros_are_nothing(text: str) -> None:
    assert exact_money(text, "XAF") == Money(5000, "XAF")


@pytest.mark.parametrize("text", [None, "", "5,000", "5e3", "+5", "-5", " 5", "٥", "0.5", "9" * 19])
def test_what_is_no_amount_is_unreadable(text: str | None) -> None:
    with pytest.raises(Unreadable):
        exact_money(text, "XAF")


def test_numbers_and_keys() -> None:
    assert digits_of("+237670000000") == digits_of("237670000000") == "237670000000"
    assert [digits_of(each) for each in (None, "", "+", "0670000000", "+2376 7", "٢٣٧٦٧")] == [
        None
    ] * 6
    assert key_of(uuid_of(KEY)) == KEY
    assert key_of("nothing") is None
    assert key_of(None) is None
