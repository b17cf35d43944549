"""A customer's phone in a browser without scripts: prompts, PIN, history, two languages."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest

from guichet.simulators.operator.operators import OPERATORS
from guichet.simulators.operator.words import FRENCH, chosen, grouped, money
from simulators.operator_stage import MTN, ORANGE, Operators, value_of

PHONE = "237670000100"
ORANGE_PHONE = "237690000199"


def test_a_prompt_shows_who_is_paid_what_and_for_what(operators: Operators) -> None:
    operators.collected(PHONE)
    page = operators.phone(PHONE).text
    for text in ("Simulation", "Café Ondine", "XAF\u00a05,000", "Commande 42", "Waits until"):
        assert text in page


@pytest.mark.parametrize("number", [PHONE, ORANGE_PHONE])
def test_the_right_pin_pays(operators: Operators, number: str) -> None:
    if number == PHONE:
        key, _ = operators.collected(number)
    else:
        key, _ = operators.asked("merchantpay", number)
    page = operators.press(number)
    assert "The payment was made." in page
    assert "−XAF\u00a05,000" in page
    assert "XAF\u00a0995,000" in page
    assert operators.request_of(key)["status"] == "completed"


def test_refusing_needs_no_pin_and_pays_nothing(operators: Operators) -> None:
    key, _ = operators.collected(PHONE)
    assert "You refused the payment." in operators.press(PHONE, "refuse", "")
    assert operators.result("requesttopay", key)["reason"]["code"] == "APPROVAL_REJECTED"
    assert operators.request_of(key)["movements"] == []


def test_three_wrong_pins_block_the_wallet_and_end_its_prompts(operators: Operators) -> None:
    keys = [operators.collected(PHONE)[0] for _ in range(2)]
    assert "2 tries left" in operators.press(PHONE, pin="0000")
    assert "1 try left" in operators.press(PHONE, pin="12345")
    page = operators.press(PHONE, pin="4321")
    assert "Three wrong PINs: your wallet is blocked." in page
    reasons = [operators.result("requesttopay", key)["reason"]["code"] for key in keys]
    assert reasons == ["PAYMENT_NOT_APPROVED"] * 2
    assert operators.collected(PHONE)[1]["reason"]["code"] == "NOT_ALLOWED"


def test_customer_care_unblocks_a_wallet(operators: Operators) -> None:
    operators.control("wallet", operator="cm.mtn", number=PHONE, blocked=True)
    page = operators.browser.post(
        f"{operators.url}/phone/{PHONE}/care", data={"operator": "cm.mtn"}, follow_redirects=True
    )
    assert "Your wallet works again." in page.text
    operators.collected(PHONE)
    assert "The payment was made." in operators.press(PHONE)


def test_a_right_pin_forgets_wrong_ones(operators: Operators) -> None:
    for _ in range(2):
        operators.collected(PHONE)
        operators.press(PHONE, pin="0000")
        operators.press(PHONE, pin="0000")
        assert "The payment was made." in operators.press(PHONE)


def test_an_empty_pin_is_no_try(operators: Operators) -> None:
    operators.collected(PHONE)
    assert "Type the PIN." in operators.press(PHONE, pin="  ")
    assert "2 tries left" in operators.press(PHONE, pin="0000")


def test_too_little_money_pays_nothing_until_more_is_put_in(operators: Operators) -> None:
    operators.control("wallet", operator="cm.mtn", number=PHONE, balance=0)
    key, _ = operators.collected(PHONE)
    assert "There is not enough money in your wallet." in operators.press(PHONE)
    assert operators.result("requesttopay", key)["reason"]["code"] == "NOT_ENOUGH_FUNDS"
    page = operators.browser.post(
        f"{operators.url}/phone/{PHONE}/cash", data={"operator": "cm.mtn"}, follow_redirects=True
    )
    assert "Cash deposit" in page.text
    operators.collected(PHONE)
    assert "The payment was made." in operators.press(PHONE)


def test_a_prompt_that_ran_out_cannot_be_paid(operators: Operators) -> None:
    key, _ = operators.collected(PHONE)
    prompt = value_of(operators.phone(PHONE).text, "prompt")
    operators.control("clock", advance_seconds=300)
    page = operators.browser.post(
        f"{operators.url}/phone/{PHONE}/answer",
        data={"prompt": prompt, "pin": "1234", "decision": "pay"},
        follow_redirects=True,
    )
    assert "Too late" in page.text
    assert operators.request_of(key)["movements"] == []


def test_a_prompt_is_answered_only_with_its_own_secret(operators: Operators) -> None:
    key, _ = operators.collected(PHONE)
    other = "237670000101"
    operators.collected(other)
    prompt = value_of(operators.phone(other).text, "prompt")
    for secret in (prompt, "", "forged"):
        operators.browser.post(
            f"{operators.url}/phone/{PHONE}/answer",
            data={"prompt": secret, "pin": "1234", "decision": "pay"},
        )
    assert operators.request_of(key)["status"] == "pending"


def test_another_site_cannot_press_buttons(operators: Operators) -> None:
    key, _ = operators.collected(PHONE)
    prompt = value_of(operators.phone(PHONE).text, "prompt")
    answer = operators.browser.post(
        f"{operators.url}/phone/{PHONE}/answer",
        data={"prompt": prompt, "pin": "1234", "decision": "refuse"},
        headers={"Sec-Fetch-Site": "cross-site"},
    )
    assert answer.status_code == 403
    assert operators.request_of(key)["status"] == "pending"


def test_several_prompts_wait_for_each_other(operators: Operators) -> None:
    first, _ = operators.collected(PHONE, payerMessage="One")
    operators.collected(PHONE, payerMessage="Two")
    page = operators.phone(PHONE).text
    assert "One" in page
    assert "1 more request is waiting." in page
    assert "Two" in operators.press(PHONE)
    assert operators.request_of(first)["status"] == "completed"


def test_the_history_tells_all_kinds_of_money(operators: Operators) -> None:
    paid, _ = operators.collected(MTN)
    operators.order("refund", paid, amount="2000")
    operators.order("transfer", MTN, amount="700")
    page = operators.phone(MTN).text
    for text in (
        "Payment to Café Ondine",
        "Refund from Café Ondine",
        "Money received from Café Ondine",
    ):
        assert text in page
    assert "XAF\u00a0997,700" in page


def test_a_sandbox_payment_shows_on_the_same_phone(operators: Operators) -> None:
    sandbox = {"X-Target-Environment": "sandbox"}
    operators.order("requesttopay", PHONE, amount="12.50", currency="EUR", headers=sandbox)
    assert "EUR\u00a012.50" in operators.phone(PHONE).text
    assert "EUR\u00a04,987.50" in operators.press(PHONE)


def test_a_phone_is_in_french(operators: Operators) -> None:
    operators.collected(PHONE)
    page = operators.phone(PHONE, headers={"Accept-Language": "fr-CM,en;q=0.5"}).text
    assert '<html lang="fr">' in page
    for text in ("vous demande de payer", "5\u202f000\u00a0FCFA", "Référence"):
        assert text in page
    english = operators.phone(PHONE, params={"lang": "en"}, headers={"Accept-Language": "fr"})
    assert "asks you to pay" in english.text


def test_the_chosen_language_stays(operators: Operators) -> None:
    operators.collected(PHONE)
    page = operators.phone(PHONE, params={"lang": "fr"}).text
    action = re.search(r'action="([^"]*answer[^"]*)"', page)
    assert action is not None
    answer = operators.browser.post(
        f"{operators.url.removesuffix('/simulators/operator')}{action[1]}",
        data={"prompt": value_of(page, "prompt"), "pin": "1234", "decision": "pay"},
        follow_redirects=True,
    )
    assert "Le paiement a été fait." in answer.text


def test_a_number_is_picked_in_the_ways_people_write_it(operators: Operators) -> None:
    for typed in (MTN, f"+{MTN}", "+237 670-000-000", "00237670000000", "670000000"):
        answer = operators.browser.get(
            f"{operators.url}/phone/open", params={"number": typed}, follow_redirects=True
        )
        assert answer.url.path.endswith(f"/phone/{MTN}")


@pytest.mark.parametrize("typed", ["", "hello", "12", "+237 12345678901234", "٦٧٠٠٠٠٠٠٠"])
def test_a_number_of_nobody_is_refused(operators: Operators, typed: str) -> None:
    answer = operators.browser.get(f"{operators.url}/phone/open", params={"number": typed})
    assert answer.status_code == 422
    assert "This is not a number of a simulated operator." in answer.text


@pytest.mark.parametrize(
    "path", ["/phone/12", "/phone/hello", "/phone/+237670000000", "/phone/1/x"]
)
def test_a_phone_of_nobody_is_not_found(operators: Operators, path: str) -> None:
    answer = operators.browser.get(f"{operators.url}{path}", follow_redirects=True)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")


def test_a_number_without_a_wallet_says_so(operators: Operators) -> None:
    assert "This number has no wallet." in operators.phone("237670000015").text


def test_pages_allow_no_script_and_nothing_foreign(operators: Operators) -> None:
    operators.collected(PHONE)
    for path in ("/phone", f"/phone/{PHONE}", f"/phone/{ORANGE}", "/phone/12"):
        answer = operators.browser.get(f"{operators.url}{path}")
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; style-src 'self'")
        assert "<script" not in answer.text
        assert "style=" not in answer.text
        assert not re.findall(r'(?:href|src|action)="https?:', answer.text)


def test_only_an_idle_phone_loads_itself_again(operators: Operators) -> None:
    assert 'http-equiv="refresh"' in operators.phone(PHONE).text
    operators.collected(PHONE)
    assert 'http-equiv="refresh"' not in operators.phone(PHONE).text


def test_every_sentence_is_translated() -> None:
    assert all(FRENCH.values())
    assert chosen(None, "de, fr;q=0.3, en;q=0.2") == "fr"
    assert chosen(None, "*;q=x") == "en"
    assert chosen("de", "fr") == "fr"


def test_amounts_and_numbers_are_written_as_people_do() -> None:
    mtn, sandbox = OPERATORS["cm.mtn"], OPERATORS["mtn.sandbox"]
    assert money(Decimal(-1250000), mtn, "fr") == "−1\u202f250\u202f000\u00a0FCFA"
    assert money(Decimal("12.5"), sandbox, "fr") == "12,50\u00a0€"
    assert money(Decimal(1250), mtn, "en") == "XAF\u00a01,250"
    assert grouped("2250700000000").replace("\u00a0", " ") == "+225 070 000 0000"
    assert grouped("46733123450").replace("\u00a0", " ") == "+46 733 123 450"
