"""The tables of the dialect are total, and its small parts do what the contract says."""

from __future__ import annotations

import json
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guichet.dialects.notchpay import auth, bodies, ids
from guichet.dialects.notchpay.envelope import encode, status_of
from guichet.dialects.notchpay.errors import error_reply
from guichet.dialects.notchpay.resources import amount
from guichet.dialects.notchpay.statuses import (
    failure_word,
    payment_states,
    payment_word,
    refund_word,
    transfer_word,
)
from guichet.domain import errors
from guichet.domain.money import parse_money
from guichet.domain.outcomes import Reason
from guichet.domain.payments import PAYMENT
from guichet.domain.refunds import REFUND
from guichet.domain.transfers import TRANSFER
from guichet.services.phones import channel_of_phone, normalise_phone
from guichet.web import asgi
from guichet.web.asgi import Request
from guichet.web.proxies import TrustedProxies
from wire.failures import kinds, one_of

REQUEST = Request(
    {"method": "GET", "path": "/payments", "query_string": b"", "headers": []}, TrustedProxies()
)

_STATUSES: dict[type[Exception], int] = {
    errors.GuichetError: 500,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.CustomerBlocked: 403,
    auth.KeyMissing: 401,
    auth.GrantMissing: 403,
    auth.GrantWrong: 403,
    errors.NotFound: 404,
    errors.Invalid: 422,
    errors.RequestKeyReused: 422,
    errors.RequestInProgress: 409,
    errors.RateLimited: 429,
    errors.Unavailable: 503,
    errors.Overloaded: 503,
    errors.Conflicted: 503,
    errors.DatabaseUnavailable: 503,
    errors.Halted: 503,
    errors.NotPayable: 422,
    errors.LinkNotPayable: 422,
    errors.DuplicateReference: 409,
    errors.NotCancellable: 422,
    errors.NotRefundable: 422,
    errors.InsufficientFunds: 422,
    errors.ForbiddenTransition: 500,
    bodies.InvalidBody: 400,
    asgi.Refusal: 400,
    asgi.RouteNotFound: 404,
    asgi.MethodNotAllowed: 405,
    asgi.BodyTooSlow: 408,
    asgi.BodyTooLarge: 413,
    asgi.EncodingNotSupported: 415,
}


@pytest.mark.parametrize("kind", [*kinds("notchpay"), bodies.InvalidBody])
def test_every_error_is_an_object_with_its_code(kind: type[Exception]) -> None:
    reply = error_reply(REQUEST, one_of(kind))
    body = json.loads(reply.body)

    assert reply.status == _STATUSES[kind]
    assert (body["code"], body["status"]) == (reply.status, status_of(reply.status))
    assert body["message"]
    assert all(isinstance(each, list) for each in body.get("errors", {}).values())


def test_defect_tells_nothing_about_itself() -> None:
    reply = error_reply(REQUEST, RuntimeError("postgresql://user:secret@host"))

    assert json.loads(reply.body) == {
        "code": 500,
        "status": "Internal Server Error",
        "message": "Server Error",
    }


@pytest.mark.parametrize(
    "error", [errors.RateLimited(60, 7), errors.Unavailable(7), errors.DatabaseUnavailable(7)]
)
def test_try_again_says_when(error: errors.GuichetError) -> None:
    assert ("Retry-After", "7") in error_reply(REQUEST, error).headers


# --- words ---------------------------------------------------------------------------------------

#: The Python client knows no others.
_PAYMENT_WORDS = {"pending", "processing", "complete", "failed", "canceled", "expired"}
_TRANSFER_WORDS = {"pending", "processing", "complete", "failed", "canceled"}
_REFUND_WORDS = {"pending", "processing", "complete", "failed"}


@pytest.mark.parametrize("reason", [None, *Reason])
@pytest.mark.parametrize("status", PAYMENT.states)
def test_every_state_of_a_payment_has_a_word_and_is_found_by_it(
    status: str, reason: str | None
) -> None:
    word = payment_word(status, reason)

    assert word in _PAYMENT_WORDS
    assert (status, str(reason or "")) in payment_states(f" {word.upper()} ")
    assert failure_word(status, reason) is None or word != "complete"


@pytest.mark.parametrize("status", TRANSFER.states)
def test_every_state_of_a_transfer_has_a_word(status: str) -> None:
    assert transfer_word(status) in _TRANSFER_WORDS


@pytest.mark.parametrize("status", REFUND.states)
def test_every_state_of_a_refund_has_a_word(status: str) -> None:
    assert refund_word(status) in _REFUND_WORDS


@pytest.mark.parametrize(
    ("word", "other"),
    [("cancelled", "canceled"), ("completed", "complete"), ("success", "complete")],
)
def test_other_spellings_mean_the_same(word: str, other: str) -> None:
    assert payment_states(word) == payment_states(other) != ()


def test_unknown_word_is_no_state() -> None:
    assert payment_states("nonsense") == ()


# --- ids -----------------------------------------------------------------------------------------


@given(identifier=st.uuids(), environment=st.sampled_from(["sandbox", "live"]))
def test_every_id_is_read_back(identifier: UUID, environment: str) -> None:
    for kind in ("payment", "customer", "transfer", "beneficiary", "refund", "endpoint", "event"):
        text = ids.write_id(kind, environment, identifier)
        assert ids.read_id(kind, text) == identifier
        assert text.startswith(("trx.", "cus.", "trf.", "ben.", "ref.", "ep.", "evt."))
        assert (".test_" in text) == (environment == "sandbox")
    assert ids.read_id("payment", ids.write_payment_id(environment, identifier)) == identifier


@given(st.text())
def test_no_text_is_too_odd_for_an_id(text: str) -> None:
    for kind in ("payment", "customer"):
        assert ids.read_id(kind, text) is None or len(text) >= 22


# --- amounts -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("currency", "decimals"), [("XAF", 0), ("EUR", 2), ("KWD", 3)])
def test_amounts_are_written_exactly(currency: str, decimals: int) -> None:
    for minor in (*range(1, 200_000, 7), 10**15 - 1, 10**14 + 1):
        written = encode(amount(minor, currency)).decode()
        assert Decimal(written) == Decimal(minor).scaleb(-decimals)
        assert "e" not in written
        assert not written.endswith(".0")
        assert parse_money(written, currency).minor == minor


# --- phones --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "channel"),
    [
        ("+237670000000", "cm.mtn"),
        ("237 67 00 00 000", "cm.mtn"),
        ("00237670000000", "cm.mtn"),
        ("670000000", "cm.mtn"),
        ("650-000-000", "cm.mtn"),
        ("654000000", "cm.mtn"),
        ("680000000", "cm.mtn"),
        ("684000000", "cm.mtn"),
        ("690000000", "cm.orange"),
        ("655000000", "cm.orange"),
        ("659000000", "cm.orange"),
        ("685000000", "cm.orange"),
        ("689000000", "cm.orange"),
        ("691622731", "cm.orange"),
        ("656019261", "cm.orange"),
    ],
)
def test_operator_is_known_by_the_number(written: str, channel: str) -> None:
    phone = normalise_phone(written, "CM")

    assert phone is not None
    assert phone.startswith("+237")
    found = channel_of_phone(phone)
    assert found is not None
    assert found.id == channel


@pytest.mark.parametrize("written", ["", "x", "123", "+237", "+23767", "+0000000000", "6" * 30])
def test_what_is_no_number_is_none(written: str) -> None:
    assert normalise_phone(written, "CM") is None
