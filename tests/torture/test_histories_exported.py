"""The books of a random history as a journal that hledger reads, strictly, to our own balances."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import io
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from absent import program
from guichet.commands.books import export, print_journal
from guichet.domain.errors import Invalid
from guichet.embedded import Endpoints
from guichet.store.exports import Selection
from server.programs import guichet
from torture.lived import History, lived

pytestmark = pytest.mark.asyncio(loop_scope="module")

_STEPS = 6
_DECIMALS = {"GBP": 2, "EUR": 2, "XAF": 0}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def history(cluster_endpoints: Endpoints) -> AsyncIterator[History]:
    async with lived(cluster_endpoints, _STEPS) as made:
        yield made


async def exported(history: History, **which: Any) -> str:
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        await print_journal(history.owner, Selection("sandbox", **which))
    return printed.getvalue()


async def hledger(journal: str, *arguments: str) -> tuple[int, str]:
    """What hledger answers, and says, of the journal."""
    name = program("hledger", "hledger", "no other program has read the books")
    process = await asyncio.create_subprocess_exec(
        *(name, "-f", "-", "--strict", *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={"LC_ALL": "C.UTF-8"},
    )
    said, _ = await process.communicate(journal.encode())
    assert process.returncode is not None
    return process.returncode, said.decode()


async def balances(journal: str) -> dict[tuple[str, str], int]:
    """hledger's own balances in minor units, debits above zero, by account and currency."""
    code, said = await hledger(
        journal, "balance", "--flat", "--no-total", "--layout=bare", "--output-format=csv"
    )
    assert code == 0, said
    found = {}
    for row in csv.DictReader(io.StringIO(said)):
        minor = Decimal(row["balance"]).scaleb(_DECIMALS.get(row["commodity"], 0))
        found[row["account"], row["commodity"]] = int(minor)
    return {key: minor for key, minor in found.items() if minor}


async def ours(history: History, application: UUID | None = None) -> dict[tuple[str, str], int]:
    """Our balances in the same form, from the accounts."""
    rows = await history.owner.fetch(
        "SELECT CASE kind WHEN 'asset' THEN 'assets:' WHEN 'liability' THEN 'liabilities:'"
        " ELSE 'income:' END || code || coalesce(':' || application_id, ':' || rail, '')"
        " AS account, currency,"
        " CASE kind WHEN 'asset' THEN balance_minor ELSE -balance_minor END AS minor"
        " FROM ledger_accounts WHERE balance_minor <> 0"
        " AND ($1::uuid IS NULL OR application_id = $1)",
        application,
    )
    return {(row["account"], row["currency"]): row["minor"] for row in rows}


async def test_the_command_prints_what_hledger_reads_to_our_balances(history: History) -> None:
    done = await asyncio.to_thread(
        guichet,
        *("ledger", "export", "--format", "hledger", "--environment", "sandbox"),
        database_url=history.urls.serving_url,
        owner_database_url=history.urls.owner_url,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert await hledger(done.stdout, "check", "ordereddates") == (0, "")
    assert await balances(done.stdout) == await ours(history)


async def test_every_entry_is_one_transaction(history: History) -> None:
    _, said = await hledger(await exported(history), "codes")

    keys = Counter(row["key"] for row in await history.rows("SELECT key FROM ledger_entries"))
    assert Counter(said.split()) == keys + Counter(["closing"])


async def test_hledger_refuses_a_journal_with_a_wrong_balance(history: History) -> None:
    journal = await exported(history)
    rest, _, last = journal.rpartition(" = ")
    minor, _, currency = last.partition(" ")

    code, said = await hledger(f"{rest} = {Decimal(minor) + 1} {currency}", "check")

    assert code == 1
    assert "balance assertion" in said


async def test_one_application_alone(history: History) -> None:
    application = history.world.applications[1]

    found = await balances(await exported(history, application_id=application))

    own = {key: minor for key, minor in found.items() if key[0].endswith(str(application))}
    assert own == await ours(history, application)
    assert not [name for name, _ in found if str(history.world.applications[0]) in name]


async def test_one_currency_alone(history: History) -> None:
    found = await balances(await exported(history, currency="XAF"))

    assert found == {key: minor for key, minor in (await ours(history)).items() if key[1] == "XAF"}


async def test_two_parts_come_to_the_whole(history: History) -> None:
    """The first ends with what the second begins with."""
    (row,) = await history.rows(
        "SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY occurred_at) AS middle"
        " FROM ledger_entries"
    )
    day = row["middle"].date() + timedelta(days=1)
    first, second = await exported(history, until=day), await exported(history, since=day)

    assert await balances(second) == await ours(history)
    head, opening, *_ = second.split("\n\n")
    assert await balances(first) == await balances(f"{head}\n\n{opening}\n")
    assert (await hledger(first, "check"))[0] == 0


async def test_no_entries_are_an_empty_journal(history: History) -> None:
    journal = await exported(history, application_id=uuid4())

    assert (await hledger(journal, "check"))[0] == 0
    assert await balances(journal) == {}


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"currency": "FRANC"}, "currency"),
        ({"since": "2026-02-01", "until": "2026-02-01"}, "until"),
    ],
)
async def test_a_selection_that_is_none_is_refused(wrong: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        export(**wrong)
    assert refused.value.field == field


async def test_an_unknown_application_is_told(history: History) -> None:
    done = await asyncio.to_thread(
        guichet,
        *("ledger", "export", "--application", str(uuid4())),
        database_url=history.urls.serving_url,
        owner_database_url=history.urls.owner_url,
    )

    assert done.returncode == 1
    assert "no application" in done.stderr
