"""What Notch Pay should never say, and may: none of it becomes a lie about money."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from guichet.domain.money import Money
from guichet.domain.outcomes import Done, Reason, Refused, Unknown, Waiting
from guichet.rails.notchpay import statuses
from guichet.rails.port import RailUnavailable
from rails.notchpay.scripted import NOT_FOUND, TRX, payment, problem, scripted, shown

POST, PUT, DELETE = "POST /payments", f"PUT /payments/{TRX}", f"DELETE /payments/{TRX}"
LOOK = "GET /payments/"


@pytest.mark.parametrize(
    ("told", "received"),
    [
        ({"amount": "5000"}, 5000),
        ({"amount": 5000.0}, 5000),
        ({"amount": 4000}, 4000),
        ({"merchant_reference": None, "trxref": "ours"}, 5000),
        ({"sandbox": True}, 5000),
        ({"sandbox": None}, 5000),
        ({"sandbox": "1"}, 5000),
        ({"customer": {"id": "cus.x"}, "fee": [], "metadata": []}, 5000),
    ],
    ids=str,
)
async def test_what_really_came_is_told(told: dict[str, Any], received: int) -> None:
    async with scripted() as script:
        order = script.prompted()
        told = {name: order.key if each == "ours" else each for name, each in told.items()}
        script.answers[LOOK] = shown(order, "complete", **told)
        outcome = await script.rail.advance(order)
        assert isinstance(outcome, Done)
        assert outcome.received == Money(received, "XAF")


@pytest.mark.parametrize(
    "told",
    [
        {"merchant_reference": "another"},
        {"merchant_reference": None},
        {"merchant_reference": 42},
        {"sandbox": 0},
        {"sandbox": False},
        {"amount": None},
        {"amount": 0},
        {"amount": -5000},
        {"amount": 12.5},
        {"amount": "5e3"},
        {"currency": "francs"},
        {"currency": None},
    ],
    ids=str,
)
async def test_a_success_that_is_not_ours_or_unreadable_is_unknown(told: dict[str, Any]) -> None:
    async with scripted() as script:
        order = script.prompted()
        script.answers[LOOK] = shown(order, "complete", **told)
        assert isinstance(await script.rail.advance(order), Unknown)


@pytest.mark.parametrize("word", sorted({*statuses.PAYMENTS, "COMPLETE", "pondering"}))
async def test_every_status_of_a_payment_has_a_meaning(word: str) -> None:
    kinds = {"COMPLETED": Done, "FAILED": Refused}
    says = statuses.PAYMENTS.get(word.lower())
    async with scripted() as script:
        order = script.prompted()
        script.answers[LOOK] = shown(order, word)
        outcome = await script.rail.advance(order)
        assert isinstance(outcome, kinds.get(says.name if says else "", Waiting))


@pytest.mark.parametrize(
    ("status", "why", "reason", "code"),
    [
        ("failed", "INVALID_PHONE", Reason.REJECTED, "INVALID_PHONE"),
        ("failed", "UNREGISTERED_PHONE", Reason.REJECTED, "UNREGISTERED_PHONE"),
        ("failed", "INSUFFICIENT_BALANCE", Reason.INSUFFICIENT_FUNDS, "INSUFFICIENT_BALANCE"),
        ("failed", "TIMEOUT", Reason.TIMED_OUT, "TIMEOUT"),
        ("failed", "CANCELLED_BY_USER", Reason.DECLINED, "CANCELLED_BY_USER"),
        ("failed", "PROVIDER_ERROR", Reason.PROVIDER_ERROR, "PROVIDER_ERROR"),
        ("failed", "Insufficient funds", Reason.INSUFFICIENT_FUNDS, "failed"),
        ("failed", None, Reason.PROVIDER_ERROR, "failed"),
        ("failed", {"code": 7}, Reason.PROVIDER_ERROR, "failed"),
        ("failed", "a\nb", Reason.PROVIDER_ERROR, "failed"),
        ("rejected", None, Reason.REJECTED, "rejected"),
        ("canceled", "TIMEOUT", Reason.DECLINED, "TIMEOUT"),
        ("abandoned", None, Reason.ABANDONED, "abandoned"),
        ("expired", None, Reason.TIMED_OUT, "expired"),
    ],
)
async def test_a_reason_is_read_of_the_word_and_of_the_status(
    status: str, why: Any, reason: Reason, code: str
) -> None:
    async with scripted() as script:
        order = script.prompted()
        script.answers[LOOK] = shown(order, status, failure_reason=why)
        outcome = await script.rail.advance(order)
        assert isinstance(outcome, Refused)
        assert (outcome.reason, outcome.code) == (reason, code)


@pytest.mark.parametrize(
    "said",
    [
        (404, b"<html>no such page</html>"),
        (500, {"message": "no"}),
        (200, b"{"),
        (200, b"[]"),
        (200, {}),
        (200, {"transaction": {"status": "complete"}}),
        (401, {"message": "Invalid API key"}),
        (429, {"message": "Too many requests"}),
        (302, {}),
    ],
    ids=str,
)
async def test_a_look_that_says_nothing_changes_nothing(said: Any) -> None:
    async with scripted() as script:
        script.answers |= {LOOK: said, "GET /payments?": said}
        for order in (script.order(), script.prompted(), script.order(open=False)):
            with pytest.raises(RailUnavailable):
                await script.rail.advance(order)
        assert not any(line.startswith("P") for line in script.calls)


@pytest.mark.parametrize(
    "said",
    [
        problem(500),
        problem(503),
        problem(500, "Insufficient funds"),
        (422, b"<html>"),
        (201, b"{"),
        (201, {}),
        (200, {"transaction": None}),
        (302, {}),
    ],
    ids=str,
)
async def test_an_order_without_a_definite_answer_is_unknown(said: Any) -> None:
    async with scripted() as script:
        script.answers[POST] = said
        outcome = await script.rail.begin(script.order())
        assert isinstance(outcome, Unknown)
        assert "posted" in (outcome.memory or {})
        script.answers |= {"GET /transfers/": NOT_FOUND, "POST /transfers": said}
        assert isinstance(await script.rail.send(script.transfer()), Unknown)
        script.answers["POST /refunds"] = said
        assert isinstance(await script.rail.refund(script.refund()), Unknown)


@pytest.mark.parametrize("status", [401, 429])
async def test_a_no_to_us_is_no_answer_about_the_order(status: int) -> None:
    async with scripted() as script:
        script.answers |= {POST: problem(status), "POST /refunds": problem(status)}
        with pytest.raises(RailUnavailable):
            await script.rail.begin(script.order())
        with pytest.raises(RailUnavailable):
            await script.rail.refund(script.refund())


@pytest.mark.parametrize(
    ("said", "reason", "code"),
    [
        (problem(422, "no", "phone"), Reason.REJECTED, "INVALID_PHONE"),
        (problem(422, "no", "amount", "channel"), Reason.REJECTED, "INVALID_AMOUNT"),
        (problem(422, "no", "callback"), Reason.NOT_STARTED, "422"),
        (problem(403, "Customer is blocked"), Reason.NOT_STARTED, "403"),
        (problem(400, "Invalid JSON payload"), Reason.NOT_STARTED, "400"),
    ],
    ids=str,
)
async def test_a_definite_no_is_refused(said: Any, reason: Reason, code: str) -> None:
    async with scripted() as script:
        script.answers |= {POST: said, LOOK: NOT_FOUND}
        outcome = await script.rail.begin(script.order())
        assert isinstance(outcome, Refused)
        assert (outcome.reason, outcome.code) == (reason, code)


async def test_a_no_after_a_try_in_doubt_proves_nothing_yet() -> None:
    async with scripted() as script:
        script.answers |= {POST: problem(422, "no", "phone"), LOOK: NOT_FOUND}
        posted = str(int(script.clock.now().timestamp()))
        order = script.order(memory={"posted": posted})
        assert isinstance(await script.rail.advance(order), Unknown)
        script.clock.move(timedelta(minutes=15))
        assert isinstance(await script.rail.advance(order), Refused)


async def test_a_no_to_processing_a_pending_payment_is_final() -> None:
    async with scripted() as script:
        order = script.order()
        script.answers |= {
            POST: (201, {"transaction": payment(order, "pending")}),
            PUT: problem(422, "no", "channel"),
            LOOK: shown(order, "pending"),
        }
        outcome = await script.rail.begin(order)
        assert isinstance(outcome, Refused)
        assert (outcome.reason, outcome.code) == (Reason.REJECTED, "INVALID_CHANNEL")


async def test_a_no_to_processing_a_payment_that_moved_on_is_none() -> None:
    async with scripted() as script:
        order = script.order()
        script.answers |= {
            POST: (201, {"transaction": payment(order, "pending")}),
            PUT: problem(422, "Payment cannot be processed"),
            LOOK: shown(order, "complete"),
        }
        assert isinstance(await script.rail.begin(order), Done)


async def test_a_no_to_processing_that_cannot_be_looked_at_is_unknown() -> None:
    async with scripted() as script:
        order = script.order()
        script.answers |= {
            POST: (201, {"transaction": payment(order, "pending")}),
            PUT: problem(422, "Payment cannot be processed"),
            LOOK: (502, b""),
        }
        assert isinstance(await script.rail.begin(order), Unknown)


async def test_a_prompted_payment_that_is_shown_pending_is_not_prompted_again() -> None:
    async with scripted() as script:
        order = script.prompted()
        script.answers[LOOK] = shown(order, "pending")
        script.clock.move(timedelta(minutes=10))
        assert isinstance(await script.rail.advance(order), Waiting)
        assert not any(line.startswith("PUT") for line in script.calls)


async def test_a_cancellation_that_is_refused_is_looked_at() -> None:
    async with scripted() as script:
        order = script.prompted()
        script.answers |= {
            DELETE: problem(422),
            LOOK: [shown(order, "pending"), shown(order, "complete")],
        }
        assert isinstance(await script.rail.cancel(order), Done)
        script.answers[LOOK] = shown(order, "pending")
        assert isinstance(await script.rail.cancel(order), Unknown)


async def test_a_repeated_reference_was_taken_and_is_found_later() -> None:
    async with scripted() as script:
        order = script.order()
        taken = problem(409, "A payment with this reference already exists", "reference")
        script.answers |= {POST: taken, LOOK: [NOT_FOUND, shown(order, "complete")]}
        outcome = await script.rail.begin(order)
        assert isinstance(outcome, Unknown)
        order = replace(order, memory=outcome.memory or {})
        assert isinstance(await script.rail.advance(order), Done)


@pytest.mark.parametrize(
    "told", [{"amount": 4999}, {"currency": "XOF"}, {"amount": None}, {"amount": "x"}], ids=str
)
async def test_a_refund_of_another_amount_is_for_a_person_to_see(told: dict[str, Any]) -> None:
    async with scripted() as script:
        fields = {"id": "rfd.x", "status": "complete", "amount": 5000, "currency": "XAF"}
        script.answers["POST /refunds"] = (201, {"refund": fields | told})
        assert isinstance(await script.rail.refund(script.refund()), Unknown)


async def test_a_reference_cannot_lead_elsewhere() -> None:
    async with scripted() as script:
        script.answers |= {"GET": NOT_FOUND}
        order = script.prompted(memory={"accepted": "1", "reference": "../balance?x="})
        assert isinstance(await script.rail.advance(order), Unknown)
        assert script.calls[0] == "GET /payments/..%2Fbalance%3Fx%3D"


async def test_no_secret_is_in_a_log_or_a_detail(caplog: pytest.LogCaptureFixture) -> None:
    async with scripted() as script:
        order = script.prompted()
        script.answers[LOOK] = shown(order, "a canary", failure_reason="canary x")
        with caplog.at_level(logging.DEBUG):
            assert isinstance(await script.rail.advance(order), Waiting)
            script.answers[POST] = problem(422, "canary", "phone")
            script.answers["GET"] = NOT_FOUND
            await script.rail.begin(script.order())
        assert "canary" not in caplog.text
