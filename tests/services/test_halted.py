"""Books that are found wrong stop new money, leave what is under way alone, and say so."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import asyncpg
import pytest
from prometheus_client import REGISTRY

from conftest import DatabaseUrls
from gateways import APPLICATION_ID, SECRET_KEY, caller_of
from guichet.domain.errors import Halted
from guichet.domain.money import Money
from guichet.gateway import Gateway
from guichet.server.health import Health
from guichet.services.books import watch_books
from guichet.services.bulk_transfers import create_bulk
from guichet.services.checkout import reserve_attempt
from guichet.services.payments import create_payment
from guichet.services.payouts import request_payout
from guichet.services.refunds import create_refund
from guichet.services.suspense import assign_suspense
from guichet.services.transfers import create_transfer
from guichet.store import access
from guichet.worker.loop import Worker
from orders import order
from psp import Psp, connect
from server.programs import guichet
from server.test_health import ask
from services.bookkeeping import Paid, paid, unpaid
from services.sending import bulk_of, sending_psp, wanted

_WRONG = "UPDATE ledger_accounts SET balance_minor = balance_minor + 1 WHERE code = 'rail_float'"
_RIGHT = "UPDATE ledger_accounts SET balance_minor = balance_minor - 1 WHERE code = 'rail_float'"

#: What begins to move money.
BEGINNINGS: list[Callable[[Gateway, Paid], Awaitable[object]]] = [
    lambda gateway, _: create_payment(gateway, caller_of(gateway), order()),
    lambda gateway, made: create_refund(gateway, APPLICATION_ID, made.id),
    lambda gateway, made: reserve_attempt(gateway, made.id),
    lambda gateway, _: create_transfer(gateway, caller_of(gateway).application, wanted()),
    lambda gateway, _: create_bulk(gateway, caller_of(gateway).application, bulk_of(wanted())),
    lambda gateway, _: request_payout(gateway, caller_of(gateway).application, Money(1, "GBP")),
    lambda gateway, made: assign_suspense(gateway, made.attempt_id),
]


@pytest.fixture
def psp(gateway: Gateway) -> Psp:
    made = sending_psp()
    connect(gateway, made)
    return made


@pytest.fixture
async def under_way(gateway: Gateway, psp: Psp) -> Paid:
    """A payment that waits for its payer, beside one that was paid."""
    await paid(gateway, psp, APPLICATION_ID)
    return await unpaid(gateway, psp, APPLICATION_ID)


async def damage(urls: DatabaseUrls, sql: str) -> None:
    owner = await asyncpg.connect(urls.owner_url)
    try:
        await owner.execute(sql)
    finally:
        await owner.close()


async def halt(gateway: Gateway, urls: DatabaseUrls) -> None:
    await damage(urls, _WRONG)
    assert await watch_books(gateway)
    await gateway.access.refresh()


@pytest.mark.usefixtures("under_way")
async def test_books_that_agree_stop_nothing(gateway: Gateway) -> None:
    assert await watch_books(gateway) == []
    await gateway.access.refresh()

    assert gateway.access.halted_because == ""


async def test_nothing_new_begins_while_the_books_are_wrong(
    gateway: Gateway, under_way: Paid, database_urls: DatabaseUrls
) -> None:
    await halt(gateway, database_urls)

    for begin in BEGINNINGS:
        with pytest.raises(Halted):
            await begin(gateway, under_way)


async def test_money_under_way_is_still_recorded(
    gateway: Gateway, under_way: Paid, database_urls: DatabaseUrls
) -> None:
    await halt(gateway, database_urls)

    await under_way.receive(10_050)

    assert (await under_way.now()).status == "completed"


@pytest.mark.usefixtures("under_way")
async def test_a_halted_gateway_is_not_ready(gateway: Gateway, database_urls: DatabaseUrls) -> None:
    await halt(gateway, database_urls)
    health = Health()
    health.open(gateway)

    assert await ask(health, "/readyz") == (
        503,
        "not ready: the books are wrong, no new money moves\n",
    )


@pytest.mark.usefixtures("under_way")
async def test_who_serves_cannot_let_money_move_again(
    gateway: Gateway, database_urls: DatabaseUrls
) -> None:
    await halt(gateway, database_urls)

    async with gateway.database.connection() as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await access.resume(connection)


@pytest.mark.usefixtures("under_way")
async def test_the_operator_resumes_once_every_invariant_holds(
    gateway: Gateway, database_urls: DatabaseUrls
) -> None:
    await halt(gateway, database_urls)

    def resume() -> int:
        return guichet(
            "ledger",
            "resume",
            database_url=database_urls.serving_url,
            owner_database_url=database_urls.owner_url,
            secret_keys=SECRET_KEY,
        ).returncode

    assert resume() == 1
    await damage(database_urls, _RIGHT)
    assert resume() == 0

    await gateway.access.refresh()
    await create_payment(gateway, caller_of(gateway), order())


@pytest.mark.usefixtures("under_way")
async def test_the_worker_looks_by_itself(gateway: Gateway, database_urls: DatabaseUrls) -> None:
    await damage(database_urls, _WRONG)
    worker = Worker(gateway, work=())
    running = asyncio.create_task(worker.run())

    while not gateway.access.halted_because:
        await asyncio.sleep(0.01)

    await worker.stop()
    await running
    assert REGISTRY.get_sample_value("guichet_money_halted") == 1


@pytest.mark.usefixtures("under_way")
@pytest.mark.parametrize(
    ("invariant", "sql"),
    [
        ("the trial balance is zero", _WRONG),
        (
            "an account is where its last posting left it",
            "UPDATE ledger_accounts SET version = version + 1 WHERE code = 'rail_float'",
        ),
        (
            "the latest entries balance in every currency",
            "UPDATE ledger_postings SET amount_minor = amount_minor + 1 WHERE line = 1",
        ),
    ],
)
async def test_a_glance_sees_damage(
    gateway: Gateway, database_urls: DatabaseUrls, invariant: str, sql: str
) -> None:
    superuser = await asyncpg.connect(database_urls.superuser_url)
    await superuser.execute("SET session_replication_role = replica")  # past the triggers
    await superuser.execute(sql)
    await superuser.close()

    assert invariant in {found.invariant for found in await watch_books(gateway)}
