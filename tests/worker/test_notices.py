from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from guichet.domain.attempts import Attempt
from guichet.domain.clock import MovableClock
from guichet.domain.errors import NotFound
from guichet.domain.outcomes import Reply
from guichet.gateway import Gateway
from guichet.rails.port import ForgedNotice, Inbound
from guichet.services.notices import handle_notice, keep_reply, receive_notice
from guichet.store.queue import claim_notices
from worker.parts import RAIL, ScriptedRail, new_attempt, new_payment, paid, rows

PROOF = {"proof": "yes"}


def notice(serial: int = 0, **named: str) -> bytes:
    return json.dumps({"serial": serial, "named": [named]}).encode()


async def receive(gateway: Gateway, body: bytes, environment: str = "sandbox") -> None:
    await receive_notice(gateway, RAIL, environment, Inbound(PROOF, body))


async def work_off(gateway: Gateway) -> list[str]:
    claimed = await claim_notices(gateway.database, gateway.clock.now(), 2000, 60)
    return [await handle_notice(gateway, each) for each in claimed]


async def inbox(gateway: Gateway) -> Sequence[dict[str, Any]]:
    return await rows(gateway, "SELECT * FROM rail_notices ORDER BY received_at")


@pytest.fixture
async def attempt(gateway: Gateway, application_id: UUID) -> Attempt:
    """An attempt that waits for its payer."""
    return await new_attempt(gateway, await new_payment(gateway, application_id))


async def test_a_notice_makes_us_ask_and_the_answer_counts(
    gateway: Gateway, attempt: Attempt, rail: ScriptedRail
) -> None:
    rail.says = paid()
    await receive(gateway, notice(attempt_key=attempt.key))

    assert await work_off(gateway) == ["asked"]

    (payment,) = await rows(gateway, "SELECT status FROM payments")
    assert payment["status"] == "completed"
    (row,) = await inbox(gateway)
    assert row["handled_at"] is not None
    assert row["next_try_at"] is None


async def test_a_notice_may_name_the_provider_s_own_reference(
    gateway: Gateway, attempt: Attempt, rail: ScriptedRail
) -> None:
    assert attempt.provider_reference is not None
    await receive(gateway, notice(provider_reference=attempt.provider_reference))

    assert await work_off(gateway) == ["asked"]
    assert len(rail.asked) == 1


async def test_a_notice_is_believed_in_nothing(
    gateway: Gateway, attempt: Attempt, rail: ScriptedRail
) -> None:
    body = json.dumps({"named": [{"attempt_key": attempt.key}], "status": "COMPLETED"}).encode()
    await receive(gateway, body)

    await work_off(gateway)

    assert len(rail.asked) == 1
    (payment,) = await rows(gateway, "SELECT status FROM payments")
    assert payment["status"] == "processing"


async def test_a_forged_notice_leaves_nothing(gateway: Gateway, attempt: Attempt) -> None:
    with pytest.raises(ForgedNotice):
        await receive_notice(gateway, RAIL, "sandbox", Inbound({}, notice(attempt_key=attempt.key)))

    assert await inbox(gateway) == []


async def test_a_notice_for_a_rail_that_is_not_connected_is_not_found(gateway: Gateway) -> None:
    with pytest.raises(NotFound):
        await receive_notice(gateway, "pigeon", "sandbox", Inbound(PROOF, notice()))


async def test_a_repeated_notice_is_one_notice(
    gateway: Gateway, attempt: Attempt, rail: ScriptedRail
) -> None:
    for _ in range(5):
        await receive(gateway, notice(attempt_key=attempt.key))
    await work_off(gateway)
    await receive(gateway, notice(attempt_key=attempt.key))

    assert await work_off(gateway) == []
    assert len(await inbox(gateway)) == 1
    assert len(rail.asked) == 1


async def test_each_operation_of_a_notice_is_a_notice(
    gateway: Gateway, application_id: UUID
) -> None:
    attempts = [
        await new_attempt(gateway, await new_payment(gateway, application_id)) for _ in range(3)
    ]
    body = json.dumps({"named": [{"attempt_key": each.key} for each in attempts]}).encode()

    await receive(gateway, body)

    assert await work_off(gateway) == ["asked"] * 3


async def test_what_a_notice_holds_is_sealed(gateway: Gateway, attempt: Attempt) -> None:
    await keep_reply(
        gateway, RAIL, "sandbox", attempt.id, Reply({"one-time-token": "canary-token"})
    )

    (row,) = await inbox(gateway)
    assert b"canary-token" not in row["content"]
    assert b"canary-token" in gateway.vault.open(row["content"])


async def test_a_notice_that_comes_before_its_attempt_is_parked_then_applied(
    gateway: Gateway, application_id: UUID, rail: ScriptedRail, clock: MovableClock
) -> None:
    payment = await new_payment(gateway, application_id)
    attempt_id = uuid4()
    await receive(gateway, notice(attempt_key=attempt_id.hex))
    assert await work_off(gateway) == ["parked"]
    assert await work_off(gateway) == []
    await new_attempt(gateway, payment)
    await rows(gateway, "UPDATE attempts SET id = $1", attempt_id)

    clock.move(timedelta(seconds=5))

    assert await work_off(gateway) == ["asked"]
    assert len(rail.asked) == 1


async def test_a_parked_notice_is_looked_at_often_in_its_first_minute(
    gateway: Gateway, clock: MovableClock
) -> None:
    await receive(gateway, notice(attempt_key=uuid4().hex))
    outcomes = []
    for _ in range(60):
        outcomes += await work_off(gateway)
        clock.move(timedelta(seconds=1))

    assert outcomes == ["parked"] * len(outcomes)
    assert 4 <= len(outcomes) <= 8


async def test_a_notice_that_nothing_answers_to_is_dropped_after_a_day(
    gateway: Gateway, clock: MovableClock
) -> None:
    await receive(gateway, notice(attempt_key=uuid4().hex))
    outcomes = []
    for _ in range(30):
        outcomes += await work_off(gateway)
        clock.move(timedelta(hours=1))

    assert outcomes[-1] == "dropped"
    assert set(outcomes[:-1]) == {"parked"}
    (row,) = await inbox(gateway)
    assert row["error"] == "no such attempt"
    assert row["handled_at"] - row["received_at"] <= timedelta(hours=24)
    assert row["next_try_at"] is None


@pytest.mark.parametrize("key", ["", "not an id", "00", "é"])
async def test_a_key_that_is_none_of_ours_is_parked(gateway: Gateway, key: str) -> None:
    await receive(gateway, notice(attempt_key=key))

    assert await work_off(gateway) == ["parked"]


async def test_a_notice_of_one_environment_does_not_touch_the_other(
    gateway: Gateway, attempt: Attempt, rail: ScriptedRail
) -> None:
    await receive(gateway, notice(attempt_key=attempt.key), environment="live")

    assert await work_off(gateway) == ["parked"]
    assert rail.asked == []


async def test_a_flood_of_hints_costs_one_read(
    gateway: Gateway, attempt: Attempt, rail: ScriptedRail
) -> None:
    for serial in range(1000):
        await receive(gateway, notice(serial, attempt_key=attempt.key))

    outcomes = await work_off(gateway)

    assert sorted(outcomes) == ["asked"] + ["covered"] * 999
    assert len(rail.asked) == 1


async def test_hints_are_covered_by_a_read_after_them_however_long_ago_it_was(
    gateway: Gateway, attempt: Attempt, rail: ScriptedRail, clock: MovableClock
) -> None:
    await receive(gateway, notice(0, attempt_key=attempt.key))
    await receive(gateway, notice(1, attempt_key=attempt.key))
    first, second = await claim_notices(gateway.database, clock.now(), 2, 60)
    assert await handle_notice(gateway, first) == "asked"

    clock.move(timedelta(minutes=1))

    assert await handle_notice(gateway, second) == "covered"
    assert len(rail.asked) == 1


async def test_hints_that_come_after_the_read_wait_for_the_next_one(
    gateway: Gateway, attempt: Attempt, rail: ScriptedRail, clock: MovableClock
) -> None:
    await receive(gateway, notice(0, attempt_key=attempt.key))
    assert await work_off(gateway) == ["asked"]
    for serial in (1, 2, 3):
        await receive(gateway, notice(serial, attempt_key=attempt.key))

    assert await work_off(gateway) == ["deferred"] * 3
    assert len(rail.asked) == 1
    clock.move(timedelta(seconds=5))
    assert sorted(await work_off(gateway)) == ["asked", "covered", "covered"]
    assert len(rail.asked) == 2


async def test_what_a_browser_brings_back_waits_for_no_turn(
    gateway: Gateway, attempt: Attempt, rail: ScriptedRail
) -> None:
    await receive(gateway, notice(attempt_key=attempt.key))
    await work_off(gateway)
    reply = Reply({"one-time-token": "t"})
    await keep_reply(gateway, RAIL, "sandbox", attempt.id, reply)

    assert await work_off(gateway) == ["asked"]
    assert rail.asked == [None, reply]


async def test_the_same_return_twice_is_one_reply(gateway: Gateway, attempt: Attempt) -> None:
    for _ in range(2):
        await keep_reply(gateway, RAIL, "sandbox", attempt.id, Reply({"one-time-token": "t"}))

    assert await work_off(gateway) == ["asked"]


async def test_a_provider_that_is_away_is_asked_again_later(
    gateway: Gateway, attempt: Attempt, rail: ScriptedRail, clock: MovableClock
) -> None:
    rail.is_away = True
    await receive(gateway, notice(attempt_key=attempt.key))
    assert await work_off(gateway) == ["unavailable"]
    rail.is_away = False
    rail.says = paid()

    clock.move(timedelta(seconds=5))

    assert await work_off(gateway) == ["asked"]
    assert (await _status(gateway, attempt)) == "done"


async def test_a_returning_payer_waits_a_second_for_a_provider_that_is_busy(
    gateway: Gateway, attempt: Attempt, rail: ScriptedRail, clock: MovableClock
) -> None:
    rail.is_away = True
    reply = Reply({"one-time-token": "t"})
    await keep_reply(gateway, RAIL, "sandbox", attempt.id, reply)
    assert await work_off(gateway) == ["unavailable"]
    rail.is_away = False

    clock.move(timedelta(seconds=1))

    assert await work_off(gateway) == ["asked"]
    assert rail.asked == [reply, reply]


async def test_a_read_that_failed_covers_no_hint_for_good(
    gateway: Gateway, attempt: Attempt, rail: ScriptedRail, clock: MovableClock
) -> None:
    rail.is_away = True
    for serial in range(3):
        await receive(gateway, notice(serial, attempt_key=attempt.key))
    await work_off(gateway)
    rail.is_away = False
    rail.says = paid()

    clock.move(timedelta(seconds=5))
    await work_off(gateway)

    assert (await _status(gateway, attempt)) == "done"


async def _status(gateway: Gateway, attempt: Attempt) -> str:
    (row,) = await rows(gateway, "SELECT status FROM attempts WHERE id = $1", attempt.id)
    status: str = row["status"]
    return status
