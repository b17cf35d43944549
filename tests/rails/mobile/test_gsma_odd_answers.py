"""What an operator with GSMA's API should never say, and may: none of it becomes a lie."""

from __future__ import annotations

import logging
import uuid
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from guichet.domain.money import Money
from guichet.domain.outcomes import Done, Reason, Refused, TakenBack, Unknown, Waiting
from guichet.rails.port import RailUnavailable
from rails.mobile.scripted import STATE_ID, problem, scripted, state, transaction
from rails.mobile.stage import after_send

ROOT = "/gsma/cm.orange"
POST = f"POST {ROOT}/transactions/type/merchantpay"
STATE = f"GET {ROOT}/requeststates/"
RESPONSE = f"GET {ROOT}/responses/"
TRANSACTION = f"GET {ROOT}/transactions/"
NOT_FOUND = problem(404, "identification", "identifierError")
LINKED = (200, {"link": "/transactions/7"})


def _accepted(script: Any, **changes: Any) -> Any:
    return script.accepted(memory={"accepted": "1", "state": STATE_ID}, **changes)


async def test_an_answer_at_once_needs_no_look() -> None:
    async with scripted("gsma") as script:
        order = script.order()
        script.answers[POST] = (201, transaction(order, "completed")[1])
        outcome = await script.rail.begin(order)
        assert isinstance(outcome, Done)
        assert outcome.provider_reference == "7"


@pytest.mark.parametrize(
    ("told", "received"),
    [({"amount": "5000.0000"}, 5000), ({"amount": "4000"}, 4000)],
    ids=str,
)
async def test_what_really_came_is_told(told: dict[str, Any], received: int) -> None:
    async with scripted("gsma") as script:
        order = _accepted(script)
        script.answers |= {
            STATE: state("completed", objectReference="7"),
            TRANSACTION: transaction(order, "completed", **told),
        }
        outcome = await script.rail.advance(order)
        assert isinstance(outcome, Done)
        assert outcome.received == Money(received, "XAF")


@pytest.mark.parametrize(
    "told",
    [
        {"requestingOrganisationTransactionReference": "another"},
        {"amount": None},
        {"amount": "0.00"},
        {"amount": "12.5"},
        {"amount": "5e3"},
        {"currency": "francs"},
    ],
    ids=str,
)
async def test_a_transaction_that_is_not_ours_or_unreadable_is_unknown(
    told: dict[str, Any],
) -> None:
    async with scripted("gsma") as script:
        order = _accepted(script)
        script.answers |= {
            STATE: state("completed", objectReference="7"),
            TRANSACTION: transaction(order, "completed", **told),
        }
        assert isinstance(await script.rail.advance(order), Unknown)


@pytest.mark.parametrize("said", [NOT_FOUND, (502, {}), (200, b"{")], ids=str)
async def test_a_completed_order_without_its_transaction_is_unknown(said: Any) -> None:
    async with scripted("gsma") as script:
        script.answers |= {STATE: state("completed", objectReference="7"), TRANSACTION: said}
        assert isinstance(await script.rail.advance(_accepted(script)), Unknown)
        script.answers[STATE] = state("completed")
        assert isinstance(await script.rail.advance(_accepted(script)), Unknown)


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("Completed", Done),
        ("SUCCESS", Done),
        ("pondering", Waiting),
        ("processing", Waiting),
        ("rejected", Refused),
        ("reversed", Refused),
    ],
)
async def test_a_transactions_status_is_free_text(word: str, kind: type) -> None:
    async with scripted("gsma") as script:
        order = _accepted(script)
        script.answers |= {
            STATE: state("completed", objectReference="7"),
            TRANSACTION: transaction(order, word),
        }
        assert isinstance(await script.rail.advance(order), kind)


async def test_money_that_was_reversed_was_taken_back() -> None:
    async with scripted("gsma") as script:
        order = _accepted(script, received_minor=5000, open=False)
        script.answers |= {
            STATE: state("completed", objectReference="7"),
            TRANSACTION: transaction(order, "reversed"),
        }
        assert isinstance(await script.rail.advance(order), TakenBack)
        script.answers[STATE] = state("failed")
        assert isinstance(await script.rail.advance(order), TakenBack)


@pytest.mark.parametrize(
    ("error", "reason", "code"),
    [
        ({"errorCode": "requestDeclined"}, Reason.DECLINED, "requestDeclined"),
        ({"errorCode": "insufficientFunds"}, Reason.INSUFFICIENT_FUNDS, "insufficientFunds"),
        ({"errordescription": "Payer timed out"}, Reason.TIMED_OUT, "genericError"),
        ({"errordescription": "Cancelled by user"}, Reason.DECLINED, "genericError"),
        (
            {"errorParameters": [{"key": "providerErrorCode", "value": "EXPIRED"}]},
            Reason.TIMED_OUT,
            "EXPIRED",
        ),
        ({"errorCode": "somethingNew"}, Reason.PROVIDER_ERROR, "somethingNew"),
        ({"errorCode": "not a word"}, Reason.PROVIDER_ERROR, None),
    ],
    ids=str,
)
async def test_a_reason_is_found_in_codes_and_words(
    error: dict[str, Any], reason: Reason, code: str | None
) -> None:
    async with scripted("gsma") as script:
        told = {"errorCategory": "businessRule", "errorCode": "genericError"} | error
        script.answers[STATE] = state("failed", error=told)
        outcome = await script.rail.advance(_accepted(script))
        assert isinstance(outcome, Refused)
        assert (outcome.reason, outcome.code) == (reason, code)


async def test_a_state_that_may_not_be_asked_any_more_is_found_by_our_own_id() -> None:
    async with scripted("gsma") as script:
        order = _accepted(script)
        script.answers |= {
            STATE: problem(400, "businessRule", "rateLimitError"),
            RESPONSE: LINKED,
            TRANSACTION: transaction(order, "completed"),
        }
        assert isinstance(await script.rail.advance(order), Done)


@pytest.mark.parametrize(
    "link",
    [
        "/transactions/7",
        "https://operator.example/1.2.0/mm/transactions/7",
        f"/requeststates/{STATE_ID}",
    ],
)
async def test_links_are_read_by_their_last_part_alone(link: str) -> None:
    async with scripted("gsma") as script:
        order = script.order()
        script.answers |= {
            RESPONSE: (200, {"link": link}),
            STATE: state("completed", objectReference="7"),
            TRANSACTION: transaction(order, "completed"),
        }
        assert isinstance(await script.rail.advance(order), Done)
        assert all(ROOT in line for line in script.calls)


@pytest.mark.parametrize("link", ["/accounts/7", "", "/transactions/", "https://evil.example"])
async def test_a_link_to_nothing_that_we_know_changes_nothing(link: str) -> None:
    async with scripted("gsma") as script:
        script.answers[RESPONSE] = (200, {"link": link})
        with pytest.raises(RailUnavailable):
            await script.rail.advance(script.order())


async def test_a_link_that_leads_nowhere_changes_nothing() -> None:
    async with scripted("gsma") as script:
        script.answers |= {RESPONSE: LINKED, TRANSACTION: NOT_FOUND}
        with pytest.raises(RailUnavailable):
            await script.rail.advance(script.order())


@pytest.mark.parametrize(
    "said",
    [(404, b"<html>"), (404, {}), (500, {}), (200, b"{"), (200, b"[]"), (401, {}), (302, {})],
    ids=str,
)
async def test_a_look_that_says_nothing_changes_nothing(said: Any) -> None:
    async with scripted("gsma") as script:
        script.answers |= {RESPONSE: said, STATE: said}
        for order in (script.order(), _accepted(script), script.order(open=False)):
            with pytest.raises(RailUnavailable):
                await script.rail.advance(order)
        assert not any(line.startswith("POST") for line in script.calls)


@pytest.mark.parametrize(
    "said",
    [
        problem(500, "internal", "genericError"),
        problem(503, "serviceUnavailable", "genericError"),
        problem(500, "businessRule", "insufficientFunds"),
        (400, b"<html>"),
        (202, b"{"),
        (202, {}),
        (200, {}),
    ],
    ids=str,
)
async def test_an_order_without_a_definite_answer_is_unknown(said: Any) -> None:
    async with scripted("gsma") as script:
        script.answers[POST] = said
        outcome = await script.rail.begin(script.order())
        assert isinstance(outcome, Unknown)
        assert "posted" in (outcome.memory or {})


@pytest.mark.parametrize(
    "said",
    [
        problem(401, "authorisation", "clientAuthorisationError"),
        (401, {}),
        (429, {}),
        problem(400, "businessRule", "rateLimitError"),
    ],
    ids=str,
)
async def test_a_no_to_us_is_no_answer_about_the_order(said: Any) -> None:
    async with scripted("gsma") as script:
        script.answers[POST] = said
        with pytest.raises(RailUnavailable):
            await script.rail.begin(script.order())


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (problem(404, "identification", "identifierError"), Reason.REJECTED),
        (problem(400, "validation", "formatError"), Reason.PROVIDER_ERROR),
        (problem(400, "businessRule", "insufficientFunds"), Reason.INSUFFICIENT_FUNDS),
        (problem(401, "authorisation", "requestDeclined"), Reason.DECLINED),
        (problem(400, "businessRule", "somethingNew"), Reason.NOT_STARTED),
    ],
    ids=str,
)
async def test_a_definite_no_is_refused(said: Any, reason: Reason) -> None:
    async with scripted("gsma") as script:
        script.answers |= {POST: said, RESPONSE: NOT_FOUND}
        outcome = await script.rail.begin(script.order())
        assert isinstance(outcome, Refused)
        assert outcome.reason is reason


async def test_a_no_after_a_try_in_doubt_proves_nothing_yet() -> None:
    async with scripted("gsma") as script:
        script.answers |= {POST: problem(400, "validation", "formatError"), RESPONSE: NOT_FOUND}
        order = script.order(memory={"posted": str(int(script.clock.now().timestamp()))})
        assert isinstance(await script.rail.advance(order), Unknown)
        script.clock.move(timedelta(minutes=15))
        assert isinstance(await script.rail.advance(order), Refused)


async def test_a_duplicate_was_taken_and_is_found_later() -> None:
    async with scripted("gsma") as script:
        order = script.order()
        script.answers |= {
            POST: problem(400, "businessRule", "duplicateRequest"),
            RESPONSE: [NOT_FOUND, LINKED],
            TRANSACTION: transaction(order, "completed"),
        }
        outcome = await script.rail.begin(order)
        assert isinstance(outcome, Unknown)
        order = replace(order, memory=outcome.memory or {})
        assert isinstance(await script.rail.advance(order), Done)


async def test_a_no_whose_order_cannot_be_looked_for_is_unknown() -> None:
    async with scripted("gsma") as script:
        script.answers |= {POST: problem(400, "validation", "formatError"), RESPONSE: (502, {})}
        assert isinstance(await script.rail.begin(script.order()), Unknown)


async def test_a_transfer_that_came_back_was_taken_back() -> None:
    async with scripted("gsma") as script:
        order = script.transfer()
        script.answers |= {RESPONSE: LINKED, TRANSACTION: transaction(order, "completed")}
        arrived = await script.rail.send(order)
        assert isinstance(arrived, Done)
        script.answers[TRANSACTION] = transaction(order, "reversed")
        assert isinstance(await script.rail.send(after_send(order, arrived)), TakenBack)
        # Nobody was told that it had arrived: its money was never gone.
        assert isinstance(await script.rail.send(order), Refused)
        script.answers[TRANSACTION] = transaction(order, "completed", amount="4999")
        assert isinstance(await script.rail.send(order), Unknown)


async def test_a_refund_that_came_back_is_for_a_person_to_see() -> None:
    async with scripted("gsma") as script:
        order = script.refund()
        told = transaction(script.order(), "reversed")[1]
        told["requestingOrganisationTransactionReference"] = order.key
        script.answers |= {RESPONSE: LINKED, TRANSACTION: (200, told)}
        assert isinstance(await script.rail.refund(order), Unknown)


async def test_a_payment_that_cannot_be_found_is_not_given_back() -> None:
    async with scripted("gsma") as script:
        script.answers[RESPONSE] = NOT_FOUND
        order = script.refund()
        collected = replace(order.collected, provider_reference=None)
        assert isinstance(await script.rail.refund(replace(order, collected=collected)), Unknown)


async def test_a_reference_cannot_lead_elsewhere() -> None:
    async with scripted("gsma") as script:
        script.answers |= {"GET": NOT_FOUND, "POST": (202, state("pending")[1])}
        order = script.refund()
        odd = replace(order.collected, provider_reference="../../accounts/balance?x=")
        await script.rail.refund(replace(order, collected=odd))
        assert any("..%2F..%2Faccounts%2Fbalance%3Fx%3D/reversals" in each for each in script.calls)


async def test_no_secret_is_in_a_log_or_a_detail(caplog: pytest.LogCaptureFixture) -> None:
    async with scripted("gsma") as script:
        canary = f"canary {uuid.uuid4()}"
        script.answers[STATE] = state(canary, serverCorrelationId=canary)
        with caplog.at_level(logging.DEBUG):
            outcome = await script.rail.advance(_accepted(script))
        assert isinstance(outcome, Waiting)
        assert "canary" not in caplog.text
