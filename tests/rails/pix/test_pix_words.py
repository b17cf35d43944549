"""API Pix's words and numbers, read and written."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guichet.domain.currencies import EXPONENTS
from guichet.domain.money import Money
from guichet.domain.outcomes import Reason
from guichet.rails.pix import wire
from guichet.rails.pix.account import SCOPES
from guichet.rails.pix.statuses import (
    CHARGES,
    REFUNDS,
    TAKEN,
    Progress,
    Standing,
    code_in,
    is_taken,
    progress,
    reason_of,
    standing,
)
from guichet.rails.tokens import Token
from judge import specification_of

PLAY = sorted(code for code, decimals in EXPONENTS.items() if decimals <= 2)


@pytest.fixture(scope="module")
def file() -> Any:
    return specification_of("bacen-pix.yaml")


def test_the_charge_table_is_the_files_own(file: Any) -> None:
    words = set(file["components"]["schemas"]["CobrancaStatus"]["enum"])
    in_prose = {word.replace("REMOVIDA", "REMOVIDO") for word in words if "REMOVIDA" in word}
    assert set(CHARGES) == words | in_prose
    assert set(CHARGES.values()) == set(Standing)


def test_the_refund_table_is_the_files_own(file: Any) -> None:
    schema = file["components"]["schemas"]["Devolucao"]["properties"]["status"]
    assert set(REFUNDS) == set(schema["enum"])
    assert set(REFUNDS.values()) == set(Progress)


def test_the_natures_are_the_files_own_and_ours_are_those_we_may_ask_for(file: Any) -> None:
    schemas = file["components"]["schemas"]
    assert set(TAKEN) == set(schemas["DevolucaoNatureza"]["enum"])
    ours = {word for word, taken in TAKEN.items() if not taken}
    assert ours == set(schemas["DevolucaoSolicitadaNatureza"]["enum"])


def test_the_scopes_are_the_files_own(file: Any) -> None:
    needed = set()
    for path, methods in {
        "/cob/{txid}": ["get", "put", "patch"],
        "/pix": ["get"],
        "/pix/{e2eid}/devolucao/{id}": ["get", "put"],
        "/webhook/{chave}": ["get", "put"],
    }.items():
        for method in methods:
            (security,) = file["paths"][path][method]["security"]
            needed |= set(security["OAuth2"])
    assert set(SCOPES.split()) == needed


def test_unknown_words_change_nothing_and_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    assert standing("NOVO_A") is Standing.ACTIVE
    assert progress("NOVO_B") is Progress.UNDER_WAY
    assert is_taken("NOVO_C") is False
    assert is_taken("MED_NOVO_D") is True
    for word in "ABCD":
        assert f"NOVO_{word}" in caplog.text
    standing("x\nFORGED")
    assert "FORGED" not in caplog.text


@pytest.mark.parametrize(
    ("text", "code"),
    [("AC06: conta bloqueada", "AC06"), ("rejeitada (AB09)", "AB09"), ("XAC06", None), ("", None)],
)
def test_a_code_is_found_in_a_psps_words(text: str, code: str | None) -> None:
    assert code_in(text) == code


@pytest.mark.parametrize(
    ("code", "reason"),
    [("AM04", Reason.INSUFFICIENT_FUNDS), ("AC06", Reason.REJECTED), (None, Reason.REJECTED)],
)
def test_what_a_code_means(code: str | None, reason: Reason) -> None:
    assert reason_of(code) is reason


# Amounts ------------------------------------------------------------------------------------------


@given(st.integers(1, 10**12 - 1), st.sampled_from(PLAY))
def test_amounts_survive_the_wire_exactly(minor: int, currency: str) -> None:
    money = Money(minor, currency)
    if wire.is_payable(money):
        assert wire.minor_of(wire.amount_text(money), currency) == minor
    else:
        assert EXPONENTS[currency] < 2


@pytest.mark.parametrize(
    ("money", "text"),
    [
        (Money(1, "BRL"), "0.01"),
        (Money(12_244, "GBP"), "122.44"),
        (Money(5000, "JPY"), "5000.00"),
        (Money(999_999_999_999, "BRL"), "9999999999.99"),
    ],
)
def test_amounts_as_the_wire_writes_them(money: Money, text: str) -> None:
    assert wire.amount_text(money) == text


@pytest.mark.parametrize(
    "text",
    [
        *["", "1", "1.0", "1.000", "1,00", "-1.00", "+1.00", " 1.00", "1.00\n", "1e5", "NaN"],
        *["1_0.00", "12345678901.00", "٣.00", 1.00, 100, None, True, [], {}, "1" * 10_000],
    ],
)
def test_what_is_no_amount_is_unreadable(text: object) -> None:
    with pytest.raises(wire.Unreadable):
        wire.minor_of(text, "BRL")


def test_amounts_of_other_currencies_have_their_decimals() -> None:
    assert wire.minor_of("122.00", "JPY") == 122
    for text, currency in (("122.44", "JPY"), ("1.00", "KWD")):
        with pytest.raises(wire.Unreadable):
            wire.minor_of(text, currency)


# Texts --------------------------------------------------------------------------------------------


@given(st.text(), st.integers(1, 200))
def test_a_text_is_one_line_that_fits(text: str, characters_max: int) -> None:
    line = wire.line(text, characters_max)
    assert len(line) <= characters_max
    assert line == line.strip()
    assert line.encode().decode() == line  # no half of a surrogate pair
    assert not any(each in line for each in "\r\n\t\x00\x7f\u2028")


def test_bodies_show_nothing_when_printed() -> None:
    charge = wire.Charge(
        txid="x", status="ATIVA", valor=wire.ChargeAmount(original="canary"), chave="canary"
    )
    token = Token(access_token="canary")
    assert "canary" not in repr([charge, token, charge.valor])
