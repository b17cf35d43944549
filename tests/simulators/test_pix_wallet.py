"""Paying in the wallet, as a browser without script would do it."""

from __future__ import annotations

import re
from typing import Any

import httpx2
import pytest

from guichet.simulators.pix.reasons import REASONS
from simulators.pix_stage import Pix
from simulators.pix_wallet_stage import (
    ENGLISH,
    Visit,
    static_code,
    title_of,
    visit_code,
    visited_charge,
)


def test_paying_a_charge_ends_with_a_receipt(pix: Pix) -> None:
    visit, charge = visited_charge(pix)
    page = visit.pay()
    assert title_of(page) == "Pix sent"
    payment = pix.read(charge)["pix"][0]
    assert (payment["valor"], pix.read(charge)["status"]) == ("37.00", "CONCLUIDA")
    assert payment["endToEndId"] in page.text


@pytest.mark.parametrize(
    ("fields", "amounts"),
    [
        ({"outcome": "less"}, ["33.30"]),
        ({"outcome": "more"}, ["40.70"]),
        ({"outcome": "twice"}, ["37.00", "37.00"]),
        ({"amount": "12,50"}, ["12.50"]),
        ({"amount": "1.234,56"}, ["1234.56"]),
        ({"amount": "99.99"}, ["99.99"]),
    ],
)
def test_payers_pay_otherwise_than_asked(
    pix: Pix, fields: dict[str, str], amounts: list[str]
) -> None:
    visit, charge = visited_charge(pix)
    visit.pay(**fields)
    assert [each["valor"] for each in pix.read(charge)["pix"]] == amounts


def test_the_confirmation_shows_what_will_leave_the_account(pix: Pix) -> None:
    visit, _ = visited_charge(pix)
    page = visit.post("/choose", bank="caju", outcome="less")
    assert title_of(page) == "Confirm the Pix"
    assert "R$33.30" in page.text
    assert "Caju Pay" in page.text


@pytest.mark.parametrize("code", REASONS)
def test_the_network_rejects_with_its_codes(pix: Pix, code: str) -> None:
    visit, charge = visited_charge(pix)
    page = visit.pay(outcome=code)
    assert title_of(page) == "The Pix was not made"
    assert code in page.text
    assert REASONS[code][0] in page.text.replace("&#39;", "'")
    assert "pix" not in pix.read(charge)
    assert pix.state()["rejections"][0]["code"] == code


def test_after_a_rejection_the_payer_can_try_again(pix: Pix) -> None:
    visit, charge = visited_charge(pix)
    page = visit.pay(outcome="AB03")
    again = re.search(r'href="([^"]*code=[^"]*)"', page.text)
    assert again is not None
    answer = pix.browser.get(httpx2.URL(pix.served.site).join(again[1]))
    Visit(pix, str(httpx2.URL(pix.served.site).join(answer.headers["location"]))).pay()
    assert pix.read(charge)["status"] == "CONCLUIDA"


@pytest.mark.parametrize(("step", "fields"), [("/choose", {}), ("/pay", {"bank": "ipe"})])
def test_a_refused_payment_moves_nothing(pix: Pix, step: str, fields: dict[str, str]) -> None:
    visit, charge = visited_charge(pix)
    if fields:
        visit.post("/choose", **fields)
    assert title_of(visit.post(step, decision="refuse")) == "You refused this payment"
    assert title_of(visit.pay()) == "You refused this payment"
    assert pix.read(charge)["status"] == "ATIVA"


def test_pressing_pay_twice_pays_once(pix: Pix) -> None:
    visit, charge = visited_charge(pix)
    visit.pay()
    assert title_of(visit.post("/pay", pin="1234")) == "Pix sent"
    assert len(pix.read(charge)["pix"]) == 1


@pytest.mark.parametrize("pin", ["", "12", "0000", "abcd", "1234567"])
def test_a_wrong_pin_is_said_and_the_third_blocks(pix: Pix, pin: str) -> None:
    visit, charge = visited_charge(pix)
    visit.post("/choose", bank="ipe")
    page = visit.post("/pay", pin=pin)
    assert page.status_code == 422
    assert "Tries left: 2" in page.text
    visit.post("/pay", pin=pin)
    assert title_of(visit.post("/pay", pin=pin)) == "Your PIN is blocked"
    assert title_of(visit.pay()) == "Your PIN is blocked"
    assert pix.read(charge)["status"] == "ATIVA"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"bank": "nowhere"}, "Choose a bank."),
        ({"bank": "ipe", "amount": "much"}, "Type an amount"),
        ({"bank": "ipe", "amount": "0"}, "Type an amount"),
        ({"bank": "ipe", "amount": "-1"}, "Type an amount"),
        ({"bank": "ipe", "amount": "1,234"}, "Type an amount"),
    ],
)
def test_a_wrong_choice_is_explained(pix: Pix, fields: dict[str, str], message: str) -> None:
    visit, _ = visited_charge(pix)
    page = visit.post("/choose", **fields)
    assert page.status_code == 422
    assert message in page.text


def test_a_charge_that_lets_the_payer_choose_has_a_field_for_the_amount(pix: Pix) -> None:
    visit, charge = visited_charge(pix, valor={"original": "37.00", "modalidadeAlteracao": 1})
    assert visit.get().text.index('id="amount"') < visit.get().text.index("<fieldset>")
    visit.pay(amount="50")
    assert pix.read(charge)["pix"][0]["valor"] == "50.00"


def test_a_static_code_without_an_amount_needs_one(pix: Pix) -> None:
    visit = visit_code(pix, static_code(txid="MESA4"))
    assert visit.post("/choose", bank="ipe").status_code == 422
    visit.pay(amount="5,00")
    payment = pix.state()["payments"][0]
    assert (payment["amount"], payment["txid"]) == ("5.00", "MESA4")
    assert pix.api.get(f"/pix/{payment['endToEndId']}").json()["txid"] == "MESA4"


def test_slow_money_arrives_later(pix: Pix) -> None:
    visit, charge = visited_charge(pix)
    page = visit.pay(outcome="slow")
    assert title_of(page) == "Your Pix is under review"
    assert '<meta http-equiv="refresh"' in page.text
    assert pix.read(charge)["status"] == "ATIVA"
    pix.control("clock", advance_seconds=31)
    assert title_of(visit.get()) == "Pix sent"
    assert pix.read(charge)["status"] == "CONCLUIDA"


# Obstacles ----------------------------------------------------------------------------------------


def _expire(pix: Pix, _charge: dict[str, Any]) -> None:
    pix.control("clock", advance_seconds=3600)


def _pay_elsewhere(pix: Pix, charge: dict[str, Any]) -> None:
    pix.control("pay", txid=charge["txid"])


def _remove(pix: Pix, charge: dict[str, Any]) -> None:
    pix.control("remove", txid=charge["txid"])


_OBSTACLES = {
    "This code has expired": (_expire, "CONCLUIDA", 1),
    "This charge is already paid": (_pay_elsewhere, "CONCLUIDA", 2),
    "This charge was withdrawn": (_remove, "REMOVIDA_PELO_PSP", 1),
}


@pytest.mark.parametrize("title", _OBSTACLES)
def test_what_cannot_be_paid_says_so_and_can_be_paid_as_a_test(pix: Pix, title: str) -> None:
    hinder, status, count = _OBSTACLES[title]
    visit, charge = visited_charge(pix)
    hinder(pix, charge)
    page = visit.get()
    assert (page.status_code, title_of(page)) == (410, title)
    visit.post("/anyway")
    assert title_of(visit.pay()) == "Pix sent"
    found = pix.browser.get(f"{pix.served.site}/_control/state").json()["charges"][0]
    assert (found["status"], len(found["payments"])) == (status, count)


def test_a_charge_that_ends_while_the_pin_is_typed_is_not_paid(pix: Pix) -> None:
    visit, charge = visited_charge(pix)
    visit.post("/choose", bank="ipe")
    _remove(pix, charge)
    assert title_of(visit.post("/pay", pin="1234")) == "This charge was withdrawn"
    assert pix.state()["payments"] == []


# Money back ---------------------------------------------------------------------------------------


def test_the_receipt_shows_what_came_back(pix: Pix) -> None:
    visit, charge = visited_charge(pix)
    visit.pay()
    pix.give_back(pix.read(charge)["pix"][0], "7.00")
    page = visit.get().text
    assert "Returned by the shop" in page
    assert "R$7.00" in page


@pytest.mark.parametrize(
    ("kind", "nature"), [("fraud", "MED_FRAUDE"), ("operational", "MED_OPERACIONAL")]
)
def test_a_claim_takes_the_money_back(pix: Pix, kind: str, nature: str) -> None:
    visit, charge = visited_charge(pix)
    visit.pay()
    payment = pix.read(charge)["pix"][0]["endToEndId"]
    page = visit.post("/claim", payment=payment, kind=kind, amount="10,00")
    assert "Returned after a claim" in page.text
    found = pix.read(charge)["pix"][0]["devolucoes"][0]
    assert (found["natureza"], found["valor"]) == (nature, "10.00")
    assert 'value="27,00"' in page.text


@pytest.mark.parametrize("amount", ["37,01", "0", "", "much"])
def test_no_more_is_claimed_than_was_paid(pix: Pix, amount: str) -> None:
    visit, charge = visited_charge(pix)
    visit.pay()
    payment = pix.read(charge)["pix"][0]["endToEndId"]
    page = visit.post("/claim", payment=payment, kind="fraud", amount=amount)
    assert page.status_code == 422
    assert "So much is not left" in page.text
    assert "devolucoes" not in pix.read(charge)["pix"][0]


def test_a_claim_after_eighty_days_is_too_late(pix: Pix) -> None:
    visit, charge = visited_charge(pix)
    visit.pay()
    payment = pix.read(charge)["pix"][0]["endToEndId"]
    pix.control("clock", advance_seconds=81 * 86400)
    page = visit.post("/claim", payment=payment, kind="fraud", amount="1,00")
    assert "within 80 days" in page.text


def test_the_activity_lists_this_wallets_payments_only(pix: Pix) -> None:
    address = f"{pix.served.site}/wallet/activity"
    visit, charge = visited_charge(pix)
    visit.pay()
    pix.give_back(pix.read(charge)["pix"][0], "7.00")
    mine = pix.browser.get(address, headers=ENGLISH).text
    assert "−R$37.00" in mine
    assert "+R$7.00" in mine
    with httpx2.Client(verify=pix.served.context(), trust_env=False) as stranger:
        assert "Nothing yet." in stranger.get(address, headers=ENGLISH).text
