"""Yapily's words and numbers, read and written."""

from __future__ import annotations

import json
import logging
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from absent import spec
from guichet.domain.currencies import EXPONENTS
from guichet.domain.money import Money
from guichet.domain.outcomes import Reason
from guichet.rails.yapily import wire
from guichet.rails.yapily.statuses import (
    CONSENTS,
    DEAD_CONSENTS,
    DEAD_PAYMENTS,
    ISO_STATUSES,
    PAYMENT_STATUSES,
    Standing,
    Verdict,
    reason_code,
    reason_of,
    standing,
    verdict,
)


@pytest.fixture
def schemas() -> Any:
    return json.loads(spec("yapily.json").read_bytes())["components"]["schemas"]


def paid(**fields: Any) -> wire.Payment:
    """A payment as Yapily would write it."""
    return msgspec.json.decode(json.dumps({"id": "p", **fields}), type=wire.Payment)


def status(word: str | None, iso: str | None = None, **details: Any) -> wire.Payment:
    if iso is not None:
        details["isoStatus"] = {"code": iso}
    return paid(status=word, statusDetails={"status": word, **details})


def test_the_consent_table_is_the_files_own(schemas: Any) -> None:
    assert set(CONSENTS) == set(schemas["AuthorisationStatus"]["enum"])


def test_the_payment_table_is_the_files_own(schemas: Any) -> None:
    assert set(PAYMENT_STATUSES) == set(schemas["PaymentStatus"]["enum"])


def test_the_iso_table_has_every_word_of_the_file(schemas: Any) -> None:
    # BLCK is ISO 20022's and in the newer British standard; Yapily may add it any day.
    assert set(ISO_STATUSES) == set(schemas["PaymentIsoStatusCodeEnum"]["enum"]) | {"BLCK"}


def test_every_standing_and_every_verdict_leads_somewhere() -> None:
    alive = {Standing.AWAITING, Standing.AUTHORISED, Standing.CONSUMED}
    assert alive | set(DEAD_CONSENTS) == set(Standing)
    assert {Verdict.WAITING, Verdict.ACCEPTED, Verdict.SETTLED} | set(DEAD_PAYMENTS) == set(Verdict)


@pytest.mark.parametrize(
    ("word", "iso", "expected"),
    [
        ("COMPLETED", "ACCC", Verdict.SETTLED),
        ("COMPLETED", "ACSC", Verdict.ACCEPTED),
        ("COMPLETED", "ACWP", Verdict.ACCEPTED),
        ("COMPLETED", None, Verdict.ACCEPTED),
        ("COMPLETED", "NEW1", Verdict.ACCEPTED),
        ("COMPLETED", "ACSP", Verdict.WAITING),
        ("COMPLETED", "RJCT", Verdict.REJECTED),
        ("COMPLETED_SETTLEMENT_IN_PROCESS", None, Verdict.ACCEPTED),
        ("PENDING", "RCVD", Verdict.WAITING),
        ("PENDING", None, Verdict.WAITING),
        ("UNKNOWN", None, Verdict.WAITING),
        ("FAILED", None, Verdict.FAILED),
        ("FAILED", "RJCT", Verdict.REJECTED),
        ("FAILED", "CANC", Verdict.DECLINED),
        ("DECLINED", None, Verdict.DECLINED),
        ("INACTIVE", None, Verdict.DECLINED),
        ("EXPIRED", None, Verdict.EXPIRED),
        (None, None, Verdict.WAITING),
    ],
)
def test_what_a_payment_status_comes_to(
    word: str | None, iso: str | None, expected: Verdict
) -> None:
    assert verdict(status(word, iso)) is expected


def test_an_unknown_word_waits_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    assert verdict(status("SOMETHING_NEW")) is Verdict.WAITING
    assert standing("ANOTHER_NEW") is Standing.AWAITING
    assert "SOMETHING_NEW" in caplog.text
    assert "ANOTHER_NEW" in caplog.text


def test_an_unprintable_word_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    standing("x\nFORGED LINE")
    assert "FORGED" not in caplog.text


@pytest.mark.parametrize(
    ("details", "code"),
    [
        ({"statusReason": "AM04"}, "AM04"),
        ({"statusReason": "CUST"}, "CUST"),
        ({"statusReason": "the bank says AC04: closed"}, "AC04"),
        ({"statusReasonDescription": "Rejected (AG01)"}, "AG01"),
        ({"statusReason": "NOPE, ABCDE"}, None),
        ({}, None),
    ],
)
def test_the_reason_code_is_found(details: dict[str, Any], code: str | None) -> None:
    assert reason_code(status("FAILED", "RJCT", **details)) == code


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("AM04", Reason.INSUFFICIENT_FUNDS),
        ("AC04", Reason.REJECTED),
        ("AG01", Reason.REJECTED),
        ("CUST", Reason.DECLINED),
        ("DS02", Reason.DECLINED),
        ("XX99", Reason.REJECTED),
        (None, Reason.PROVIDER_ERROR),
    ],
)
def test_what_a_reason_code_means(code: str | None, reason: Reason) -> None:
    assert reason_of(code, Reason.PROVIDER_ERROR) is reason


# Amounts ------------------------------------------------------------------------------------------


@given(st.integers(0, 10**15 - 1), st.sampled_from(["GBP", "EUR", "JPY", "XAF", "KWD"]))
def test_amounts_survive_the_wire_exactly(minor: int, currency: str) -> None:
    money = Money(minor, currency)
    assert wire.exact_money(money.text().encode(), currency) == money


@pytest.mark.parametrize(
    ("number", "currency", "minor"),
    [
        (b"122.44", "GBP", 12_244),
        (b"122.4", "GBP", 12_240),
        (b"122", "GBP", 12_200),
        (b"122.440000", "GBP", 12_244),
        (b"90071992547409.93", "GBP", 9_007_199_254_740_993),
        (b"1.0E7", "GBP", 1_000_000_000),
        (b"1.22E+2", "GBP", 12_200),
        (b"1E-2", "GBP", 1),
        (b"5000.0", "JPY", 5000),
        (b"1.234", "KWD", 1234),
    ],
)
def test_numbers_as_other_programs_write_them(number: bytes, currency: str, minor: int) -> None:
    assert wire.exact_money(number, currency) == Money(minor, currency)


@pytest.mark.parametrize(
    "number",
    [
        b"",
        b"null",
        b'"1.00"',
        b"-1.00",
        b"1.005",
        b"1e-3",
        b"1e999999",
        b"NaN",
        b"1_0",
        b"true",
        b"1" * 10_000,
        b"{}",
    ],
)
def test_what_is_no_amount_is_unreadable(number: bytes) -> None:
    with pytest.raises(wire.Unreadable):
        wire.exact_money(number, "GBP")


def test_every_currency_has_exact_amounts() -> None:
    for currency in EXPONENTS:
        assert wire.exact_money(b"7", currency) == Money(7 * 10 ** EXPONENTS[currency], currency)


def test_two_amounts_that_disagree_are_unreadable() -> None:
    with pytest.raises(wire.Unreadable):
        wire.money(paid(amount=1, currency="GBP", amountDetails={"amount": 2, "currency": "GBP"}))


def test_one_amount_is_enough() -> None:
    assert wire.money(paid(amount=1, currency="GBP")) == Money(100, "GBP")
    assert wire.money(paid(amountDetails={"amount": 2.5, "currency": "EUR"})) == Money(250, "EUR")


@pytest.mark.parametrize("fields", [{}, {"amount": None, "currency": "GBP"}, {"amount": 1}])
def test_no_amount_is_unreadable(fields: dict[str, Any]) -> None:
    with pytest.raises(wire.Unreadable):
        wire.money(paid(**fields))


# References ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Order 42", "Order 42"),
        ("Été à la plage", "Ete a la plage"),
        ("  a   b  ", "a b"),
        ("INV/2026-11.7", "INV/2026-11.7"),
        ("order #42 & more", "order 42 more"),
        ("12345678901234567 90", "12345678901234567"),
        ("中文", ""),
    ],
)
def test_references_as_banks_take_them(text: str, expected: str) -> None:
    assert wire.reference(text) == expected


@given(st.text())
def test_no_reference_breaks_the_banks_rules(text: str) -> None:
    reference = wire.reference(text)
    assert len(reference) <= 18
    assert reference == reference.strip()
    assert all(each.isascii() and (each.isalnum() or each in " ./-") for each in reference)


def test_bodies_show_nothing_when_printed() -> None:
    consent = wire.Consent(id="c", status="AUTHORIZED", consent_token="canary")
    assert "canary" not in repr(consent)
    assert "canary" not in repr(wire.ConsentAnswer(data=consent))
