"""Each test user makes happen what the table in docs/simulators.md says."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2
import pytest

from guichet.simulators.yapily.reasons import REASONS
from guichet.simulators.yapily.scenarios import OUTCOMES
from simulators.yapily_stage import Simulator

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "simulators.md"


def _words(payment: dict[str, Any]) -> tuple[str, str]:
    details = payment["statusDetails"]
    assert details["status"] == payment["status"]
    return payment["status"], details["isoStatus"]["code"]


def _moved(simulator: Simulator) -> list[str]:
    """The truth: what each payment moved, by the simulator's own book."""
    return [each["moved"] for each in simulator.state()["payments"]]


def test_mits_pays_at_once(simulator: Simulator) -> None:
    payment, _ = simulator.authorise().paid("mits")
    assert _words(payment) == ("COMPLETED", "ACCC")
    assert _moved(simulator) == ["12.50"]


@pytest.mark.parametrize("code", sorted(REASONS))
def test_a_reason_code_rejects_the_payment_with_it(simulator: Simulator, code: str) -> None:
    payment, _ = simulator.authorise().paid(code.lower())
    assert _words(payment) == ("FAILED", "RJCT")
    assert payment["statusDetails"]["statusReason"] == code
    assert payment["statusDetails"]["statusReasonDescription"] == REASONS[code]
    assert _moved(simulator) == ["0"]


def test_accepted_is_settled_on_the_second_look(simulator: Simulator) -> None:
    authorisation = simulator.authorise()
    payment, token = authorisation.paid("accepted")
    looks = [authorisation.details(payment["id"], token) for _ in range(2)]
    seen = [_words(each) for each in (payment, *looks)]
    assert seen == [("COMPLETED", "ACSC"), ("COMPLETED", "ACSC"), ("COMPLETED", "ACCC")]
    assert _moved(simulator) == ["12.50"]


def test_slow_pays_on_the_third_look(simulator: Simulator) -> None:
    authorisation = simulator.authorise()
    payment, token = authorisation.paid("slow")
    assert _moved(simulator) == ["0"]
    looks = [_words(authorisation.details(payment["id"], token)) for _ in range(3)]
    assert looks == [("PENDING", "ACSP"), ("PENDING", "ACSP"), ("COMPLETED", "ACCC")]
    assert _moved(simulator) == ["12.50"]


def test_pending_stays_pending(simulator: Simulator) -> None:
    authorisation = simulator.authorise()
    payment, token = authorisation.paid("pending")
    simulator.control("clock", advance_seconds=30 * 86400)
    for _ in range(5):
        assert _words(authorisation.details(payment["id"], token)) == ("PENDING", "ACSP")
    assert _moved(simulator) == ["0"]


def test_takenback_pays_and_fails_later(simulator: Simulator) -> None:
    authorisation = simulator.authorise()
    payment, token = authorisation.paid("takenback")
    assert _words(payment) == ("COMPLETED", "ACSC")
    assert _moved(simulator) == ["12.50"]
    looks = [_words(authorisation.details(payment["id"], token)) for _ in range(2)]
    assert looks == [("COMPLETED", "ACSC"), ("FAILED", "RJCT")]
    assert [Decimal(each) for each in _moved(simulator)] == [0]


@pytest.mark.parametrize(
    ("user", "amount", "currency", "paid"),
    [
        ("short", "12.50", "GBP", "11.25"),
        ("short", "0.99", "GBP", "0.89"),
        ("over", "12.50", "GBP", "13.75"),
        ("over", "0.99", "GBP", "1.08"),
        ("short", "999", "XAF", "899"),
    ],
)
def test_another_amount_is_paid_and_told(
    simulator: Simulator, user: str, amount: str, currency: str, paid: str
) -> None:
    authorisation = simulator.authorise(amount, currency=currency)
    token = authorisation.accept(user)
    answer = authorisation.pay(token)
    assert f'"amount":{paid},"currency":"{currency}"' in answer.text
    assert _moved(simulator) == [paid]


@pytest.mark.parametrize(("user", "moved"), [("timeout", ["12.50"]), ("lost", [])])
def test_the_connection_is_cut_without_an_answer(
    simulator: Simulator, user: str, moved: list[str]
) -> None:
    authorisation = simulator.authorise()
    token = authorisation.accept(user)
    with simulator.client() as client, pytest.raises(httpx2.RemoteProtocolError):
        authorisation.pay(token, client)
    assert _moved(simulator) == moved
    again = authorisation.pay(token).json()["data"]
    assert _words(again) == ("COMPLETED", "ACCC")
    assert _moved(simulator) == ["12.50"]


def test_hang_keeps_the_caller_waiting(simulator: Simulator) -> None:
    authorisation = simulator.authorise()
    token = authorisation.accept("hang")
    with simulator.client(timeout=0.3) as client, pytest.raises(httpx2.ReadTimeout):
        authorisation.pay(token, client)
    assert _moved(simulator) == ["12.50"]
    assert authorisation.pay(token).status_code == 201


@pytest.mark.parametrize(("user", "moved"), [("error502-moved", ["12.50"]), ("error502", [])])
def test_a_502_says_nothing_about_the_money(
    simulator: Simulator, user: str, moved: list[str]
) -> None:
    authorisation = simulator.authorise()
    token = authorisation.accept(user)
    assert authorisation.pay(token).status_code == 502
    assert _moved(simulator) == moved
    assert authorisation.pay(token).status_code == 201
    assert _moved(simulator) == ["12.50"]


def test_garbled_pays_and_answers_broken_json(simulator: Simulator) -> None:
    authorisation = simulator.authorise()
    token = authorisation.accept("garbled")
    with simulator.client() as client:
        answer = authorisation.pay(token, client)
    assert answer.status_code == 201
    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        answer.json()
    assert _moved(simulator) == ["12.50"]


def test_notfound_cannot_be_found_for_three_looks(simulator: Simulator) -> None:
    authorisation = simulator.authorise()
    payment, token = authorisation.paid("notfound")
    address, headers = f"/payments/{payment['id']}/details", {"consent": token}
    answers = [simulator.api.get(address, headers=headers).status_code for _ in range(4)]
    assert answers == [404, 404, 404, 200]
    assert _moved(simulator) == ["12.50"]


def test_the_document_lists_every_user_and_code() -> None:
    text = DOCUMENT.read_text("utf-8")
    for name in [*(each.user for each in OUTCOMES), *REASONS]:
        assert f"`{name}`" in text
