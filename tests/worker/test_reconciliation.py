from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from prometheus_client import REGISTRY

from conftest import DatabaseUrls
from guichet.domain.attempts import Attempt
from guichet.domain.clock import MovableClock
from guichet.domain.ids import new_id
from guichet.domain.money import Money
from guichet.domain.orders import ProviderAccount
from guichet.domain.outcomes import Done, Held, Notice, Reason, Refused, TakenBack
from guichet.gateway import Gateway
from guichet.rails.port import RailUnavailable
from guichet.services.administration import connect_account
from guichet.services.lost_orders import list_unclaimed
from guichet.services.notices import handle_notice
from guichet.services.reconciliation import (
    OVERLAP,
    WATCH_REPLACED,
    plan_reconciliations,
    reconcile,
)
from guichet.services.settlement import record_outcome
from guichet.store.queue import claim_notices, claim_reconciliations
from worker.conftest import NewApplication
from worker.parts import RAIL, ScriptedRail, new_attempt, new_payment, rows


@dataclass
class ListingRail(ScriptedRail):
    """Lists what it is told to; ``read`` is what it was asked for. It holds 5.00 of any order."""

    lists: list[Notice] = field(default_factory=list)
    read: list[tuple[ProviderAccount | None, datetime, datetime]] = field(default_factory=list)

    async def movements(
        self, account: ProviderAccount | None, since: datetime, until: datetime
    ) -> Sequence[Notice]:
        self.read.append((account, since, until))
        if self.is_away:
            raise RailUnavailable("away")
        return self.lists

    async def held(self, _account: ProviderAccount | None, _key: str, _since: datetime) -> Held:
        return Held(Money(500, "GBP"), 0)


@pytest.fixture
def rail() -> ListingRail:
    return ListingRail()


@pytest.fixture
async def attempt(gateway: Gateway, application_id: UUID) -> Attempt:
    """An attempt that waits for its payer; the list of the sandbox's provider is due."""
    made = await new_attempt(gateway, await new_payment(gateway, application_id))
    await plan_reconciliations(gateway)
    return made


async def work(gateway: Gateway, clock: MovableClock, minutes: float = 15.5) -> list[str]:
    """Read what is due in a while, and work the hints off."""
    clock.move(timedelta(minutes=minutes))
    claimed = await claim_reconciliations(gateway.database, clock.now(), 10, 60)
    outcomes = [await reconcile(gateway, each) for each in claimed]
    for notice in await claim_notices(gateway.database, clock.now(), 100, 60):
        await handle_notice(gateway, notice)
    return outcomes


async def status_of(gateway: Gateway, attempt: Attempt) -> str:
    (row,) = await rows(gateway, "SELECT status FROM payments WHERE id = $1", attempt.payment_id)
    status: str = row["status"]
    return status


def came(minor: int = 500, reference: str = "e2e-1") -> Done:
    return Done(received=Money(minor, "GBP"), provider_reference=reference)


async def test_a_payment_whose_notice_was_lost_is_found(
    gateway: Gateway, attempt: Attempt, rail: ListingRail, clock: MovableClock
) -> None:
    rail.says = came()
    rail.lists = [Notice(attempt.key, "e2e-1")]

    assert await work(gateway, clock) == ["hinted"]

    assert await status_of(gateway, attempt) == "completed"


async def test_late_money_completes_an_expired_payment(
    gateway: Gateway, attempt: Attempt, rail: ListingRail, clock: MovableClock
) -> None:
    await record_outcome(gateway, attempt.id, Refused(reason=Reason.TIMED_OUT))
    assert await status_of(gateway, attempt) != "completed"
    rail.says = came()
    rail.lists = [Notice(attempt.key, "e2e-1")]

    await work(gateway, clock)

    assert await status_of(gateway, attempt) == "completed"


async def test_money_that_the_rail_took_back_is_found(
    gateway: Gateway, attempt: Attempt, rail: ListingRail, clock: MovableClock
) -> None:
    await record_outcome(gateway, attempt.id, came())
    rail.says = TakenBack(code="MED")
    rail.lists = [Notice(attempt.key, "return-1")]

    await work(gateway, clock)

    assert await status_of(gateway, attempt) == "reversed"


async def test_what_the_attempt_shows_costs_no_read(
    gateway: Gateway, attempt: Attempt, rail: ListingRail, clock: MovableClock
) -> None:
    await record_outcome(gateway, attempt.id, came())
    rail.lists = [Notice(attempt.key, "e2e-1")]

    assert await work(gateway, clock) == ["agrees"]

    assert rail.asked == []


async def test_a_second_payment_of_a_done_attempt_is_asked_about(
    gateway: Gateway, attempt: Attempt, rail: ListingRail, clock: MovableClock
) -> None:
    await record_outcome(gateway, attempt.id, came())
    rail.says = came(1000)
    rail.lists = [Notice(attempt.key, "e2e-1"), Notice(attempt.key, "e2e-2")]

    await work(gateway, clock)

    assert len(rail.asked) == 1
    (row,) = await rows(gateway, "SELECT received_minor FROM attempts WHERE id = $1", attempt.id)
    assert row["received_minor"] == 1000


@pytest.mark.usefixtures("attempt")
async def test_operations_of_somebody_else_leave_nothing(
    gateway: Gateway, rail: ListingRail, clock: MovableClock
) -> None:
    rail.lists = [Notice(uuid4().hex, "e2e-8"), Notice("a code on a poster"), Notice(None, "e2e-9")]

    assert await work(gateway, clock) == ["agrees"]

    assert await rows(gateway, "SELECT FROM rail_notices") == []


@pytest.mark.usefixtures("attempt")
async def test_an_order_of_ours_that_is_not_known_any_more_is_told(
    gateway: Gateway,
    clock: MovableClock,
    rail: ListingRail,
    caplog: pytest.LogCaptureFixture,
) -> None:
    lost = new_id(clock.now())
    rail.lists = [Notice(lost.hex, "e2e-1"), Notice(uuid4().hex, "e2e-2")]

    assert await work(gateway, clock) == ["agrees"]

    assert "names 1 orders of ours that we do not know" in caplog.text
    assert REGISTRY.get_sample_value("guichet_lost_orders", {"rail": RAIL}) == 1
    [receipt] = await list_unclaimed(gateway)
    assert (receipt.rail, receipt.order_id, receipt.left_minor) == (RAIL, lost, 500)


async def test_an_operation_may_be_named_by_the_provider_s_reference_alone(
    gateway: Gateway, attempt: Attempt, rail: ListingRail, clock: MovableClock
) -> None:
    rail.says = came()
    rail.lists = [Notice(None, attempt.provider_reference)]

    assert await work(gateway, clock) == ["hinted"]

    assert await status_of(gateway, attempt) == "completed"


@pytest.mark.usefixtures("attempt")
async def test_each_read_goes_on_where_the_last_one_ended_with_an_overlap(
    gateway: Gateway, rail: ListingRail, clock: MovableClock
) -> None:
    await work(gateway, clock)
    await work(gateway, clock)

    (_, _, first_until), (_, second_since, second_until) = rail.read
    assert second_since == first_until - OVERLAP
    assert timedelta(minutes=15) < second_until - first_until < timedelta(minutes=17)


@pytest.mark.usefixtures("attempt")
async def test_between_reads_there_is_a_quarter_of_an_hour(
    gateway: Gateway, clock: MovableClock
) -> None:
    assert await work(gateway, clock, minutes=1) == ["agrees"]
    assert await work(gateway, clock, minutes=13) == []
    assert await work(gateway, clock, minutes=3) == ["agrees"]


@pytest.mark.usefixtures("attempt")
async def test_a_long_absence_is_read_in_pieces(
    gateway: Gateway, rail: ListingRail, clock: MovableClock
) -> None:
    clock.move(timedelta(days=3))
    for _ in range(4):
        await work(gateway, clock, minutes=0)

    assert all(until - since <= timedelta(days=1) + OVERLAP for _, since, until in rail.read)
    assert rail.read[-1][2] >= clock.now() - timedelta(minutes=1)
    assert len(rail.read) == 4


@pytest.mark.usefixtures("attempt")
async def test_a_list_that_cannot_be_read_is_asked_for_again_and_nothing_is_left_out(
    gateway: Gateway, rail: ListingRail, clock: MovableClock
) -> None:
    rail.is_away = True
    assert await work(gateway, clock, minutes=1) == ["unavailable"]
    assert await work(gateway, clock, minutes=0.3) == []
    assert await work(gateway, clock, minutes=0.3) == ["unavailable"]
    assert await work(gateway, clock, minutes=0.6) == []
    assert await work(gateway, clock, minutes=120) == ["unavailable"]
    rail.is_away = False

    await work(gateway, clock, minutes=10)

    assert {since for _, since, _ in rail.read} == {rail.read[0][1]}


@pytest.mark.usefixtures("attempt")
async def test_a_piece_of_work_whose_lease_was_lost_moves_nothing(
    gateway: Gateway, clock: MovableClock
) -> None:
    clock.move(timedelta(minutes=1))
    (claimed,) = await claim_reconciliations(gateway.database, clock.now(), 10, 60)
    stale = claimed._replace(claim=claimed.claim - 1)

    assert await reconcile(gateway, stale) == "lost"

    (row,) = await rows(gateway, "SELECT read_until FROM reconciliations")
    assert row["read_until"] == claimed.read_until


@pytest.mark.usefixtures("attempt")
async def test_a_restart_reads_soon(gateway: Gateway, clock: MovableClock) -> None:
    await work(gateway, clock, minutes=1)
    await plan_reconciliations(gateway)

    assert await work(gateway, clock, minutes=0.2) == ["agrees"]


# Accounts of applications -------------------------------------------------------------------------


async def connect(
    gateway: Gateway, database_urls: DatabaseUrls, application_id: UUID, name: str
) -> UUID:
    owner = await asyncpg.connect(database_urls.owner_url)
    try:
        return await connect_account(
            owner, gateway.vault, application_id, RAIL, {"name": name}, gateway.clock.now()
        )
    finally:
        await owner.close()
        await gateway.access.refresh()


async def read_accounts(rail: ListingRail) -> list[Any]:
    return sorted(account.settings["name"] if account else "" for account, _, _ in rail.read)


async def test_every_account_in_use_is_read_with_the_default_one(
    gateway: Gateway,
    database_urls: DatabaseUrls,
    new_application: NewApplication,
    rail: ListingRail,
    clock: MovableClock,
) -> None:
    planned = await plan_reconciliations(gateway)
    for name in ("one", "two"):
        await connect(gateway, database_urls, await new_application(), name)
    await connect(gateway, database_urls, await new_application("live"), "live")
    await plan_reconciliations(gateway, planned)

    await work(gateway, clock)

    assert await read_accounts(rail) == ["", "one", "two"]


async def test_a_connector_without_a_default_account_is_read_for_accounts_alone(
    gateway: Gateway,
    database_urls: DatabaseUrls,
    application_id: UUID,
    rail: ListingRail,
    clock: MovableClock,
) -> None:
    await plan_reconciliations(gateway)  # when it still had one
    rail.card = replace(rail.card, needs_account=True)
    await connect(gateway, database_urls, application_id, "one")
    await plan_reconciliations(gateway)

    await work(gateway, clock)

    assert await read_accounts(rail) == ["one"]


async def test_a_replaced_account_is_read_until_its_money_cannot_move_any_more(
    gateway: Gateway,
    database_urls: DatabaseUrls,
    application_id: UUID,
    rail: ListingRail,
    clock: MovableClock,
) -> None:
    await connect(gateway, database_urls, application_id, "old")
    await plan_reconciliations(gateway)
    await connect(gateway, database_urls, application_id, "new")
    await plan_reconciliations(gateway)
    await work(gateway, clock)
    assert await read_accounts(rail) == ["", "new", "old"]

    clock.move(WATCH_REPLACED)
    await work(gateway, clock)

    (row,) = await rows(
        gateway,
        "SELECT r.next_read_at FROM reconciliations r JOIN provider_accounts a"
        " ON a.id = r.account_id WHERE a.replaced_at IS NOT NULL",
    )
    assert row["next_read_at"] is None


async def test_another_account_s_list_is_not_believed_about_an_attempt(
    gateway: Gateway,
    database_urls: DatabaseUrls,
    application_id: UUID,
    rail: ListingRail,
    clock: MovableClock,
) -> None:
    attempt = await new_attempt(gateway, await new_payment(gateway, application_id))
    await connect(gateway, database_urls, application_id, "one")
    rail.card = replace(rail.card, needs_account=True)
    await plan_reconciliations(gateway)
    rail.lists = [Notice(attempt.key, "e2e-1")]

    assert await work(gateway, clock) == ["agrees"]
    (row,) = await rows(gateway, "SELECT status FROM attempts WHERE id = $1", attempt.id)
    assert row["status"] == "waiting"
