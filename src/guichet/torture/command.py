"""What ``guichet torture`` does: rounds of a set, each on a fresh installation; their report."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from guichet.torture.campaign import Report, run
from guichet.torture.disks import NoDisk
from guichet.torture.forking import Forking
from guichet.torture.plans import Planned, chosen
from guichet.torture.programs import Launcher, Spawning
from guichet.torture.stage import staged

Say = Callable[[str], None]


async def torture(
    plan: str,
    seed: int,
    names: Sequence[str],
    minutes: float,
    say: Say,
) -> list[Report]:
    """Run the set's faults once, and again with the next seed until ``minutes`` have gone by.

    A round whose installation is not sound stops the rest, and its folder is kept. Raises
    ``ValueError`` for a name that is no fault.
    """
    faults = chosen(plan, names)
    task = asyncio.current_task()
    assert task is not None
    # Whoever stops it gets everything stopped, and the small disk let go.
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    reports: list[Report] = []
    until = time.monotonic() + 60 * minutes
    while not reports or (time.monotonic() < until and not reports[-1].breaches):
        reports.append(await _round(plan, seed + len(reports), faults, say))
    return reports


async def _round(plan: str, seed: int, faults: Sequence[Planned], say: Say) -> Report:
    folder = Path(tempfile.mkdtemp(prefix="guichet-torture-"))
    say(f"set {plan}, seed {seed}, in {folder}")
    merged = Report(seed)
    # Figures of restarts are only worth something with the starts that an operator has.
    with Forking() as forking:
        launcher: Launcher = forking if plan == "A" else Spawning()
        for kind in dict.fromkeys(each.on for each in faults):
            wanted = [(each.fault, each.times(plan)) for each in faults if each.on is kind]
            place = folder / kind.name
            place.mkdir()
            try:
                async with staged(place, seed, launcher, kind) as stage:
                    report, _ = await run(stage, wanted, say)
            except NoDisk as error:
                names = ", ".join(fault.name for fault, _ in wanted)
                merged.skipped.append(f"{names}: {error}")
                say(f"{names} SKIPPED: {error}")
                continue
            merged.figures |= {
                name if name != "load" else f"load ({kind.name})": figures
                for name, figures in report.figures.items()
            }
            merged.breach(report.breaches)
            merged.skipped += report.skipped
    if merged.breaches:
        say(f"the files are kept in {folder}")
    else:
        shutil.rmtree(folder)
    return merged


def write_report(file: Path, reports: Sequence[Report]) -> None:
    """All figures, as JSON."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps([asdict(each) for each in reports], indent=1, default=str) + "\n")


def run_torture(
    plan: str,
    seed: int,
    names: Sequence[str],
    minutes: float,
    report: Path | None,
    say: Say,
) -> bool:
    """As ``torture``, from a command; whether no bar was broken."""
    reports = asyncio.run(torture(plan, seed, names, minutes, say))
    if report is not None:
        write_report(report, reports)
    for each in reports:
        for sentence in each.skipped:
            say(f"skipped: {sentence}")
        for breach in each.breaches:
            say(f"BROKEN (seed {each.seed}): {breach}")
    broken = sum(bool(each.breaches) for each in reports)
    say(f"{len(reports)} rounds, {broken} of them broken")
    return broken == 0
