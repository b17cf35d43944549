"""One campaign: load, faults while it runs, then quiet, then the books.

Two phases. While faults are on nothing wrong may be seen (the probe looks at the ledger); once they
are off everything must settle within a limit, and then the four books must agree.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from guichet.torture.books import Books
from guichet.torture.compare import compare
from guichet.torture.journal import Fate
from guichet.torture.stage import QUIET_SECONDS, Stage, Unsettled, audit, read_books, settle

#: At most so many contradictions are told; the rest are counted.
_TOLD_MAX = 20
#: A fault that takes longer has got stuck: so long, and for each time more.
_FAULT_SECONDS = 120.0
_EACH_SECONDS = 20.0

Figures = dict[str, object]


class Breach(Exception):
    """A bar is not held; the message says which and by how much."""


class Skipped(Exception):
    """A fault cannot be injected on this machine; the message says what is missing."""


class Fault(NamedTuple):
    """Something that goes wrong: ``inject`` does it so many times and says what it saw.

    It raises ``Breach`` for a bar of its own. ``bar`` says it in words.
    """

    name: str
    bar: str
    inject: Callable[[Stage, int], Awaitable[Figures]]


@dataclass
class Report:
    """What came of a campaign; it has passed if there is no breach."""

    seed: int
    figures: dict[str, Figures] = field(default_factory=dict)
    breaches: list[str] = field(default_factory=list)
    #: Every contradiction, also those that ``breaches`` only counts.
    all_breaches: list[str] = field(default_factory=list, repr=False)
    #: Faults that could not be injected here, and why.
    skipped: list[str] = field(default_factory=list)

    def breach(self, what: Sequence[str]) -> None:
        """Write down contradictions, the first ones in words."""
        self.all_breaches += what
        self.breaches += what[:_TOLD_MAX]
        if len(what) > _TOLD_MAX:
            self.breaches.append(f"and {len(what) - _TOLD_MAX} more like these")


async def run(
    stage: Stage,
    faults: Sequence[tuple[Fault, int]],
    say: Callable[[str], None] = lambda _: None,
    quiet_seconds: float = QUIET_SECONDS,
) -> tuple[Report, Books]:
    """Inject each fault its number of times, one kind after the other, under load.

    ``say`` is told what goes on. Once the faults are over customers must come to their end within
    ``quiet_seconds``, and then everything must settle within as much.
    """
    report = Report(stage.seed)
    stop = asyncio.Event()
    started = time.monotonic()
    async with asyncio.TaskGroup() as group:
        probe = group.create_task(stage.probe.run())
        load = group.create_task(stage.load.run(stop))
        for fault, times in faults:
            say(f"{fault.name}, {times} times: {fault.bar}")
            try:
                async with asyncio.timeout(_FAULT_SECONDS + times * _EACH_SECONDS):
                    report.figures[fault.name] = await fault.inject(stage, times)
                say(f"  {report.figures[fault.name]}")
            except Skipped as skipped:
                report.skipped.append(f"{fault.name}: {skipped}")
                say(f"  SKIPPED: {skipped}")
            except Breach as breach:
                report.breach([f"{fault.name}: {breach}"])
            except TimeoutError:
                report.breach([f"{fault.name}: it did not come to its end"])
        faults_seconds = time.monotonic() - started
        stop.set()
        await stage.providers.clear_faults()
        say("faults are over")
        try:
            await asyncio.wait_for(load, quiet_seconds)
        except TimeoutError:
            report.breach([f"not every customer could finish in {quiet_seconds:.0f} s"])
        probe.cancel()
    say("every customer has finished")
    try:
        quiet_after = await settle(stage, quiet_seconds)
    except Unsettled as unsettled:
        report.breach([f"not everything settled {unsettled}"])
        quiet_after = float("nan")
    say(f"quiet after {quiet_after:.1f} s")
    books = await read_books(stage)
    _judge(stage, report, books, faults_seconds)
    report.breach([f"audit: {line}" for line in await audit(stage.settings)])
    report.figures["load"] = load_figures(stage, books, faults_seconds, quiet_after)
    return report, books


def _judge(stage: Stage, report: Report, books: Books, faults_seconds: float) -> None:
    report.breach(stage.probe.findings)
    if stage.probe.samples < faults_seconds:
        report.breach([f"the ledger was looked at {stage.probe.samples} times only"])
    report.breach(stage.kind.judge(books))
    if stage.kind.judge is compare and stage.load.gone:
        report.breach([f"{stage.load.gone} customers found that their payment is not there"])


def unknown_orders(books: Books) -> int:
    """How many orders of the providers none of our rows knows."""
    ours = {row["id"].hex for row in books.ours.attempts}
    ours |= {row["id"].hex for row in (*books.ours.transfers, *books.ours.refunds)}
    return sum(order["paymentIdempotencyId"] not in ours for order in books.provider)


def load_figures(
    stage: Stage, books: Books, faults_seconds: float, quiet_seconds: float
) -> Figures:
    """What was offered, answered, made and told."""
    tries = [each for write in books.journal for each in write.tries]
    events = {receipt.event_id for receipt in books.receipts}
    taken = Counter(each.event_id for each in books.receipts if 200 <= each.status < 300)
    return {
        "faults_seconds": round(faults_seconds, 1),
        "writes_offered_per_second": round(len(tries) / faults_seconds, 1),
        "tries": {fate.value: sum(each.fate is fate for each in tries) for fate in Fate},
        "customers": stage.load.customers,
        "customers_turned_away": stage.load.skipped,
        "payments_not_found": stage.load.gone,
        "orders_unknown_to_us": unknown_orders(books),
        "quiet_after_seconds": round(quiet_seconds, 1),
        "payments": dict(Counter(row["status"] for row in books.ours.payments)),
        "transfers": dict(Counter(row["status"] for row in books.ours.transfers)),
        "refunds": dict(Counter(row["status"] for row in books.ours.refunds)),
        "provider_orders": dict(Counter(order["rail"] for order in books.provider)),
        "events_told": len(events),
        "tries_to_tell": len(books.receipts),
        "events_taken_more_than_once": sum(times > 1 for times in taken.values()),
        "ledger_looks": stage.probe.samples,
    }
