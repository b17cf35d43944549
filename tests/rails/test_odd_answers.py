"""Answers that a sound Yapily never gives: none of them makes money out of nothing, or lost."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from guichet.domain.money import Money
from guichet.domain.orders import CollectOrder
from guichet.domain.outcomes import Done, Reason, Refused, Reply, TakenBack, Unknown, Waiting
from guichet.rails.port import RailUnavailable
from rails.scripted import CONSENT_ID, NOW, TOKEN, Script, consent, problem, scripted
from rails.stage import PAYEE, SECRET, new_order

AT_THE_BANK = {"consent_id": CONSENT_ID}
POSTED = {**AT_THE_BANK, "consent_token": TOKEN, "posted": str(int(NOW.timestamp()))}


@pytest.fixture
async def yapily() -> AsyncIterator[Script]:
    async with scripted() as script:
        script.answers["GET /consents/"] = (200, consent())
        yield script


def payment(order: CollectOrder, **changes: Any) -> tuple[int, Any]:
    fields = {
        "id": "pv3-1",
        "paymentIdempotencyId": order.key,
        "status": "COMPLETED",
        "statusDetails": {"isoStatus": {"code": "ACCC"}},
        "amount": 122.44,
        "currency": "GBP",
    }
    return 201, {"data": {**fields, **changes}}


# The answer to POST /payments ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"paymentIdempotencyId": "0" * 32},
        {"paymentIdempotencyId": None},
        {"amount": None},
        {"amount": "122.44"},
        {"amount": 122.445},
        {"currency": "GBX"},
        {"amountDetails": {"amount": 1, "currency": "GBP"}},
        {"payeeDetails": {"accountIdentifications": [{"type": "IBAN", "identification": "DE1"}]}},
        {"id": None},
        {"status": 7},
    ],
)
async def test_a_payment_that_is_not_plainly_ours_is_unknown(
    yapily: Script, changes: dict[str, Any]
) -> None:
    order = new_order(memory=AT_THE_BANK)
    yapily.answers["POST /payments"] = payment(order, **changes)
    outcome = await yapily.rail.advance(order)
    assert isinstance(outcome, Unknown)
    assert outcome.memory is not None
    assert outcome.memory["consent_token"] == TOKEN


@pytest.mark.parametrize(
    ("changes", "received"),
    [
        ({"amount": 122.43}, Money(12_243, "GBP")),
        ({"amount": 12244}, Money(1_224_400, "GBP")),
        ({"currency": "EUR"}, Money(12_244, "EUR")),
        ({"amount": 1.2244e2}, Money(12_244, "GBP")),
    ],
)
async def test_what_was_received_is_what_is_reported(
    yapily: Script, changes: dict[str, Any], received: Money
) -> None:
    order = new_order(memory=AT_THE_BANK)
    yapily.answers["POST /payments"] = payment(order, **changes)
    outcome = await yapily.rail.advance(order)
    assert isinstance(outcome, Done)
    assert (outcome.received, outcome.provider_reference) == (received, "pv3-1")


async def test_the_payees_account_may_come_back_spaced(yapily: Script) -> None:
    order = new_order(memory=AT_THE_BANK)
    spaced = [{"type": "IBAN", "identification": "GB33 BUKB 2020 1555 5555 55"}]
    yapily.answers["POST /payments"] = payment(
        order, payeeDetails={"name": "x", "accountIdentifications": spaced}
    )
    assert isinstance(await yapily.rail.advance(order), Done)


async def test_another_sort_code_is_another_account(yapily: Script) -> None:
    order = new_order(memory=AT_THE_BANK, payee=replace(PAYEE, account="20201555555555"))
    other = [
        {"type": "SORT_CODE", "identification": "999999"},
        {"type": "ACCOUNT_NUMBER", "identification": "55555555"},
    ]
    yapily.answers["POST /payments"] = payment(
        order, payeeDetails={"accountIdentifications": other}
    )
    assert isinstance(await yapily.rail.advance(order), Unknown)


@pytest.mark.parametrize(
    ("answer", "reason", "code"),
    [
        (problem(400), Reason.REJECTED, "A_WORD"),
        (problem(424), Reason.REJECTED, "A_WORD"),
        (problem(400, "the bank: AM04 insufficient"), Reason.INSUFFICIENT_FUNDS, "AM04"),
        (
            problem(424, institutionError={"httpStatusCode": 400, "errorMessage": "AC06 blocked"}),
            Reason.REJECTED,
            "AC06",
        ),
    ],
)
@pytest.mark.parametrize("memory", [AT_THE_BANK, POSTED], ids=["first", "repeated"])
async def test_a_definite_no(
    yapily: Script,
    answer: tuple[int, Any],
    reason: Reason,
    code: str,
    memory: dict[str, str],
) -> None:
    yapily.answers["POST /payments"] = answer
    outcome = await yapily.rail.advance(new_order(memory=memory))
    assert isinstance(outcome, Refused)
    assert (outcome.reason, outcome.code) == (reason, code)


@pytest.mark.parametrize(
    "answer",
    [
        problem(403),
        problem(404),
        problem(409),
        problem(400, "UK.OBIE.Resource.InvalidConsentStatus"),
        problem(400, "Duplicate payment"),
        problem(400, "This consent was consumed already"),
        problem(408),
        problem(424, institutionError={"httpStatusCode": 502, "errorMessage": "bad gateway"}),
        problem(424, institutionError={"errorMessage": "timed out"}),
        problem(500),
        problem(503),
        (400, b"<html>no</html>"),
        (200, b""),
        (201, b"{}"),
        (201, b"[]"),
        (201, b'{"data": {"id": "\xff"}}'),
        (201, b'{"odd":' + b"[" * 50_000),
        (201, b'{"data":' + b" " * 70_000),
        (302, b""),
        (204, b""),
    ],
    ids=lambda answer: f"{answer[0]} {str(answer[1])[:40]}",
)
async def test_whatever_proves_nothing_is_unknown(yapily: Script, answer: tuple[int, Any]) -> None:
    yapily.answers["POST /payments"] = answer
    outcome = await yapily.rail.advance(new_order(memory=AT_THE_BANK))
    assert isinstance(outcome, Unknown)


@pytest.mark.parametrize("status", [401, 429])
async def test_not_let_in_is_asked_again_and_forgets_no_token(yapily: Script, status: int) -> None:
    yapily.answers["POST /payments"] = problem(status)
    fresh = await yapily.rail.advance(new_order(memory=AT_THE_BANK))
    assert isinstance(fresh, Waiting)
    assert fresh.memory == {**AT_THE_BANK, "consent_token": TOKEN}
    with pytest.raises(RailUnavailable):
        await yapily.rail.advance(new_order(memory=fresh.memory))


# Consents -----------------------------------------------------------------------------------------


DEAD = ["EXPIRED", "REVOKED", "REJECTED", "FAILED", "INVALID"]


@pytest.mark.parametrize("status", DEAD)
async def test_a_consent_that_died_since_does_not_prove_that_nothing_moved(
    yapily: Script, status: str
) -> None:
    yapily.answers["GET /consents/"] = (200, consent(status))
    yapily.answers["POST /payments"] = problem(403)
    assert isinstance(await yapily.rail.advance(new_order(memory=POSTED)), Unknown)
    assert isinstance(await yapily.rail.advance(new_order(memory=POSTED, open=False)), Unknown)
    assert isinstance(await yapily.rail.cancel(new_order(memory=POSTED)), Unknown)


@pytest.mark.parametrize("status", DEAD)
async def test_but_it_does_once_yapily_had_the_time_to_show_it(yapily: Script, status: str) -> None:
    yapily.answers["GET /consents/"] = (200, consent(status))
    yapily.answers["POST /payments"] = problem(403)
    yapily.clock.move(timedelta(seconds=yapily.rail.card.visibility_seconds + 2))
    assert isinstance(await yapily.rail.advance(new_order(memory=POSTED)), Refused)


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        ("CONSUMED", problem(403)),
        ("AUTHORIZED", problem(403)),
        ("EXPIRED", problem(409)),
        ("EXPIRED", problem(403, "the payment is a duplicate")),
        ("EXPIRED", problem(500)),
    ],
)
async def test_no_time_makes_a_proof_of_these(
    yapily: Script, status: str, answer: tuple[int, Any]
) -> None:
    yapily.answers["GET /consents/"] = (200, consent(status))
    yapily.answers["POST /payments"] = answer
    yapily.clock.move(timedelta(days=30))
    assert isinstance(await yapily.rail.advance(new_order(memory=POSTED)), Unknown)


async def test_an_order_without_an_answer_is_remembered_with_its_time(yapily: Script) -> None:
    yapily.answers["POST /payments"] = problem(502)
    outcome = await yapily.rail.advance(new_order(memory=AT_THE_BANK))
    assert isinstance(outcome, Unknown)
    assert outcome.memory is not None
    assert outcome.memory == POSTED


async def test_money_moved_with_a_consent_that_died_since_is_found(yapily: Script) -> None:
    order = new_order(memory=POSTED)
    yapily.answers["GET /consents/"] = (200, consent("EXPIRED", consentToken=None))
    yapily.answers["POST /payments"] = payment(order)
    assert isinstance(await yapily.rail.advance(order), Done)


async def test_a_used_consent_of_a_closed_attempt_is_unknown(yapily: Script) -> None:
    yapily.answers["GET /consents/"] = (200, consent("CONSUMED"))
    order = new_order(memory=AT_THE_BANK, open=False)
    assert isinstance(await yapily.rail.advance(order), Unknown)
    assert isinstance(await yapily.rail.cancel(order), Unknown)
    assert "POST /payments" not in yapily.calls


async def test_a_token_is_redeemed_once(yapily: Script) -> None:
    yapily.answers["POST /payments"] = problem(502)
    reply = Reply(parameters={"one-time-token": "spent"})
    await yapily.rail.advance(new_order(memory=POSTED), reply)
    assert "POST /consent-one-time-token" not in yapily.calls


async def test_an_authorised_consent_without_its_token_waits(yapily: Script) -> None:
    yapily.answers["GET /consents/"] = (200, consent(consentToken=None))
    assert isinstance(await yapily.rail.advance(new_order(memory=AT_THE_BANK)), Waiting)


async def test_another_consent_than_asked_for_is_no_answer(yapily: Script) -> None:
    yapily.answers["GET /consents/"] = (200, consent(id="00000000-0000-4000-8000-000000000000"))
    with pytest.raises(RailUnavailable):
        await yapily.rail.advance(new_order(memory=AT_THE_BANK))


async def test_a_consent_that_is_gone_is_unknown_until_it_is_cancelled(yapily: Script) -> None:
    yapily.answers["GET /consents/"] = problem(404)
    yapily.answers["GET /consents?"] = (200, {"data": []})
    assert isinstance(await yapily.rail.advance(new_order(memory=AT_THE_BANK)), Unknown)
    assert isinstance(await yapily.rail.cancel(new_order(memory=AT_THE_BANK)), Refused)
    assert isinstance(await yapily.rail.cancel(new_order(memory=POSTED)), Unknown)


async def test_a_consent_not_found_for_a_moment_is_not_taken_for_dead(yapily: Script) -> None:
    order = new_order(memory=AT_THE_BANK)
    used = consent("CONSUMED", applicationUserId=order.key)["data"]
    yapily.answers["GET /consents/"] = problem(404)
    yapily.answers["GET /consents?"] = (200, {"data": [used]})
    assert isinstance(await yapily.rail.cancel(order), Unknown)


async def test_a_consent_that_cannot_be_withdrawn_is_not_cancelled(yapily: Script) -> None:
    yapily.answers["GET /consents/"] = (200, consent("AWAITING_AUTHORIZATION"))
    yapily.answers["DELETE /consents/"] = (200, {"data": {"deleteStatus": "FAILED"}})
    with pytest.raises(RailUnavailable):
        await yapily.rail.cancel(new_order(memory=AT_THE_BANK))


async def test_somebody_elses_consents_are_left_alone(yapily: Script) -> None:
    others = consent("AWAITING_AUTHORIZATION", applicationUserId="0" * 32)["data"]
    yapily.answers = {}
    async with scripted() as script:
        script.answers["GET /consents"] = (200, {"data": [others]})
        outcome = await script.rail.advance(new_order())
    assert isinstance(outcome, Refused)
    assert not any(call.startswith("DELETE") for call in script.calls)


# The payment later --------------------------------------------------------------------------------


async def test_a_late_failure_takes_back_only_what_was_received(yapily: Script) -> None:
    order = new_order(memory={**POSTED, "payment_id": "pv3-1"})
    _, told = payment(order, status="FAILED", statusDetails={"status": "FAILED"})
    yapily.answers["GET /payments/"] = (200, {"data": {"payments": [told["data"]]}})
    refused = await yapily.rail.advance(order)
    assert isinstance(refused, Refused)
    assert refused.reason is Reason.PROVIDER_ERROR
    taken = await yapily.rail.advance(replace(order, received_minor=12_244))
    assert isinstance(taken, TakenBack)


async def test_a_token_that_is_no_longer_good_is_fetched_afresh(yapily: Script) -> None:
    order = new_order(memory={**POSTED, "payment_id": "pv3-1"})
    yapily.answers["GET /payments/"] = problem(403)
    outcome = await yapily.rail.advance(order)
    assert isinstance(outcome, Unknown)
    assert outcome.memory is not None
    assert "consent_token" not in outcome.memory
    yapily.calls.clear()
    await yapily.rail.advance(replace(order, memory=outcome.memory))
    assert yapily.calls[0] == f"GET /consents/{CONSENT_ID}"


@pytest.mark.parametrize("payments", [[], [{"id": "pv3-other", "status": "COMPLETED"}]])
async def test_an_answer_about_no_payment_of_ours_is_unknown(
    yapily: Script, payments: list[Any]
) -> None:
    yapily.answers["GET /payments/"] = (200, {"data": {"payments": payments}})
    order = new_order(memory={**POSTED, "payment_id": "pv3-1"})
    assert isinstance(await yapily.rail.advance(order), Unknown)


# The beginning ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [None, "", "javascript:alert(1)", "data:text/html,x", "//bank.example/", "https://x/\nSet: 1"],
)
async def test_no_payer_is_sent_to_what_is_no_page(yapily: Script, url: str | None) -> None:
    told = consent("AWAITING_AUTHORIZATION", authorisationUrl=url)
    yapily.answers["POST /payment-auth-requests"] = (201, told)
    assert isinstance(await yapily.rail.begin(new_order()), Unknown)


async def test_live_payers_are_sent_to_https_only() -> None:
    async with scripted("live") as live:
        for scheme, expected in (("http", Unknown), ("https", Waiting)):
            told = consent("AWAITING_AUTHORIZATION", authorisationUrl=f"{scheme}://bank.example/")
            live.answers["POST /payment-auth-requests"] = (201, told)
            assert isinstance(await live.rail.begin(new_order()), expected)


async def test_a_no_of_the_bank_is_told_apart_from_one_of_yapily(yapily: Script) -> None:
    yapily.answers["POST /payment-auth-requests"] = problem(
        424, institutionError={"httpStatusCode": 400, "errorMessage": "not this account"}
    )
    outcome = await yapily.rail.begin(new_order())
    assert isinstance(outcome, Refused)
    assert outcome.reason is Reason.REJECTED


# Secrets ------------------------------------------------------------------------------------------


async def test_neither_tokens_nor_credentials_are_shown_anywhere(
    yapily: Script, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    seen: list[object] = []
    yapily.answers["POST /consent-one-time-token"] = (201, consent()["data"])
    for answer in (problem(500, TOKEN), problem(400, TOKEN), (201, TOKEN.encode())):
        yapily.answers["POST /payments"] = answer
        reply = Reply(parameters={"one-time-token": "canary-of-the-one-time-token"})
        seen.append(await yapily.rail.advance(new_order(memory=AT_THE_BANK), reply))
        seen.append(new_order(memory=POSTED))
    yapily.answers["GET /consents/"] = (500, TOKEN.encode())
    with pytest.raises(RailUnavailable) as failure:
        await yapily.rail.advance(new_order(memory=AT_THE_BANK))
    seen += [failure.value, failure.value.__cause__, yapily.rail]
    shown = repr(seen) + "".join(map(str, seen)) + caplog.text
    assert "canary" not in shown
    assert SECRET not in shown
