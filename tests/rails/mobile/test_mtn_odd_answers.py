"""What MTN should never say, and may: none of it becomes a lie about money."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from guichet.domain.money import Money
from guichet.domain.outcomes import Done, Reason, Refused, TakenBack, Unknown, Waiting
from guichet.rails.port import RailUnavailable
from rails.mobile.scripted import TOKEN, result, scripted

POST = "POST /mtn/collection/v1_0/requesttopay"
LOOK = "GET /mtn/collection/v1_0/requesttopay/"
TOKENS = "POST /mtn/collection/token/"
NOT_FOUND = (404, {"code": "RESOURCE_NOT_FOUND", "message": "Requested resource was not found."})


@pytest.mark.parametrize(
    ("told", "received"),
    [
        ({"amount": "5000.00"}, 5000),
        ({"amount": "4000"}, 4000),
        ({"financialTransactionId": 7}, 5000),
    ],
    ids=str,
)
async def test_what_really_came_is_told(told: dict[str, Any], received: int) -> None:
    async with scripted("mtn") as script:
        order = script.accepted()
        script.answers[LOOK] = result(order, "SUCCESSFUL", **told)
        outcome = await script.rail.advance(order)
        assert isinstance(outcome, Done)
        assert outcome.received == Money(received, "XAF")


@pytest.mark.parametrize(
    "told",
    [
        {"externalId": "another"},
        {"externalId": None},
        {"payer": {"partyIdType": "MSISDN", "partyId": "237670000001"}},
        {"amount": None},
        {"amount": "0"},
        {"amount": "12.5"},
        {"amount": "5e3"},
        {"amount": "-5000"},
        {"currency": "francs"},
        {"currency": None},
    ],
    ids=str,
)
async def test_a_success_that_is_not_ours_or_unreadable_is_unknown(told: dict[str, Any]) -> None:
    async with scripted("mtn") as script:
        order = script.accepted()
        script.answers[LOOK] = result(order, "SUCCESSFUL", **told)
        assert isinstance(await script.rail.advance(order), Unknown)


async def test_a_transfer_of_another_amount_is_unknown() -> None:
    async with scripted("mtn") as script:
        order = script.transfer()
        script.answers["GET /mtn/disbursement/v1_0/transfer/"] = result(
            order, "SUCCESSFUL", amount="4999"
        )
        assert isinstance(await script.rail.send(order), Unknown)


async def test_an_unknown_status_waits_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async with scripted("mtn") as script:
        order = script.accepted()
        script.answers[LOOK] = result(order, "PONDERING")
        with caplog.at_level(logging.WARNING):
            assert isinstance(await script.rail.advance(order), Waiting)
        assert "unknown status of MTN: PONDERING" in caplog.text


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ({"code": "APPROVAL_REJECTED", "message": "no"}, "APPROVAL_REJECTED"),
        ("APPROVAL_REJECTED", "APPROVAL_REJECTED"),
        ("a sentence, not a code", None),
        ({"message": "no code"}, None),
        (None, None),
    ],
    ids=str,
)
async def test_a_reason_is_read_in_both_forms(reason: Any, code: str | None) -> None:
    async with scripted("mtn") as script:
        order = script.accepted()
        script.answers[LOOK] = result(order, "FAILED", reason=reason)
        outcome = await script.rail.advance(order)
        assert isinstance(outcome, Refused)
        assert outcome.code == code
        assert (outcome.reason is Reason.DECLINED) == (code is not None)


async def test_a_failure_after_a_success_takes_the_money_back() -> None:
    async with scripted("mtn") as script:
        order = script.accepted(received_minor=5000, open=False)
        script.answers[LOOK] = result(order, "FAILED", reason="TRANSACTION_CANCELED")
        assert isinstance(await script.rail.advance(order), TakenBack)


@pytest.mark.parametrize(
    "said",
    [
        (404, b"<html>no such page</html>"),
        (404, {"statusCode": 404, "message": "Resource not found"}),
        (500, {"code": "INTERNAL_PROCESSING_ERROR"}),
        (200, b"{"),
        (200, b"[]"),
        (200, b'{"status": 7}'),
        (200, b"\xff\xfe"),
        (429, {}),
        (302, {}),
    ],
    ids=str,
)
async def test_a_look_that_says_nothing_changes_nothing(said: Any) -> None:
    async with scripted("mtn") as script:
        script.answers[LOOK] = said
        for order in (script.order(), script.accepted(), script.order(open=False)):
            with pytest.raises(RailUnavailable):
                await script.rail.advance(order)
        assert not any(line.startswith(POST) for line in script.calls)


@pytest.mark.parametrize("code", ["INTERNAL_PROCESSING_ERROR", "SERVICE_UNAVAILABLE", "X", None])
async def test_a_servers_error_is_unknown(code: str | None) -> None:
    async with scripted("mtn") as script:
        script.answers[POST] = (500, {"code": code, "message": "no"})
        outcome = await script.rail.begin(script.order())
        assert isinstance(outcome, Unknown)
        assert "posted" in (outcome.memory or {})


@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [
        (400, "BAD_REQUEST", Reason.NOT_STARTED),
        (400, None, Reason.NOT_STARTED),
        (403, "FORBIDDEN_IP", Reason.NOT_STARTED),
        (500, "NOT_ALLOWED", Reason.REJECTED),
        (500, "NOT_ALLOWED_TARGET_ENVIRONMENT", Reason.PROVIDER_ERROR),
        (500, "INVALID_CALLBACK_URL_HOST", Reason.PROVIDER_ERROR),
        (500, "INVALID_CURRENCY", Reason.REJECTED),
        (500, "PAYER_NOT_FOUND", Reason.REJECTED),
    ],
)
async def test_a_documented_no_is_refused(status: int, code: str | None, reason: Reason) -> None:
    async with scripted("mtn") as script:
        script.answers |= {POST: (status, {"code": code, "message": "no"}), LOOK: NOT_FOUND}
        outcome = await script.rail.begin(script.order())
        assert isinstance(outcome, Refused)
        assert (outcome.reason, outcome.code) == (reason, code or str(status))


async def test_a_no_after_a_try_in_doubt_proves_nothing_yet() -> None:
    async with scripted("mtn") as script:
        script.answers |= {POST: (400, {"code": "BAD_REQUEST"}), LOOK: NOT_FOUND}
        posted = str(int(script.clock.now().timestamp()))
        order = script.order(memory={"posted": posted})
        assert isinstance(await script.rail.advance(order), Unknown)
        script.clock.move(timedelta(minutes=15))
        assert isinstance(await script.rail.advance(order), Refused)


async def test_a_no_whose_order_cannot_be_looked_for_is_unknown() -> None:
    async with scripted("mtn") as script:
        script.answers |= {POST: (400, {"code": "BAD_REQUEST"}), LOOK: (502, {})}
        assert isinstance(await script.rail.begin(script.order()), Unknown)


async def test_a_conflict_means_that_it_was_taken() -> None:
    async with scripted("mtn") as script:
        order = script.order()
        conflict = (409, {"code": "RESOURCE_ALREADY_EXIST"})
        script.answers |= {POST: conflict, LOOK: [NOT_FOUND, result(order, "SUCCESSFUL")]}
        outcome = await script.rail.begin(order)
        assert isinstance(outcome, Unknown)
        assert "accepted" in (outcome.memory or {})
        order = replace(order, memory=outcome.memory or {})
        assert isinstance(await script.rail.advance(order), Done)


# Tokens -------------------------------------------------------------------------------------------


async def test_a_token_is_fetched_once_for_many_and_kept() -> None:
    async with scripted("mtn") as script:
        script.answers[LOOK] = NOT_FOUND
        orders = [script.order(open=False) for _ in range(20)]
        await asyncio.gather(*(script.rail.advance(order) for order in orders))
        assert script.calls.count(TOKENS) == 1


async def test_a_token_that_is_not_taken_is_replaced_once() -> None:
    async with scripted("mtn") as script:
        order = script.order()
        script.answers |= {POST: [(401, {}), (202, b"")]}
        assert isinstance(await script.rail.begin(order), Waiting)
        assert [line for line in script.calls if line.startswith((POST, TOKENS))] == [
            TOKENS,
            POST,
            TOKENS,
            POST,
        ]
        script.answers |= {POST: (401, {})}
        with pytest.raises(RailUnavailable):
            await script.rail.begin(script.order())


@pytest.mark.parametrize(
    "said",
    [
        (401, {"error": "login_failed"}),
        (200, {}),
        (200, b"{"),
        (200, {"access_token": "with blanks in it"}),
        (500, b""),
        (200, {"access_token": "x\r\ny"}),
    ],
    ids=str,
)
async def test_without_a_token_nothing_is_asked(said: Any) -> None:
    async with scripted("mtn") as script:
        script.answers[TOKENS] = said
        with pytest.raises(RailUnavailable):
            await script.rail.begin(script.order())
        assert script.calls == [TOKENS]


@pytest.mark.parametrize("life", ["3600", 0, -1, "soon", 10**12])
async def test_a_token_may_live_for_any_time(life: object) -> None:
    async with scripted("mtn") as script:
        script.answers |= {
            TOKENS: (200, {"access_token": TOKEN, "expires_in": life}),
            POST: (202, b""),
        }
        assert isinstance(await script.rail.begin(script.order()), Waiting)


async def test_no_secret_is_in_a_log_or_a_detail(caplog: pytest.LogCaptureFixture) -> None:
    async with scripted("mtn") as script:
        order = script.accepted()
        script.answers[LOOK] = result(order, TOKEN, externalId=TOKEN)
        with caplog.at_level(logging.DEBUG):
            outcome = await script.rail.advance(order)
        assert isinstance(outcome, Unknown)
        assert "canary" not in outcome.detail + caplog.text
