"""F1 to F4: server, worker and database are killed, each for itself and all at once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import pairwise

from guichet.torture.campaign import Breach, Fault, Figures
from guichet.torture.journal import now, read_journal
from guichet.torture.kills import Killer, kill_all, until
from guichet.torture.stage import Stage

_WORST_SECONDS = 10.0
_P95_SECONDS = 3.0


def waits(kills: Sequence[float], answered: Sequence[float]) -> list[float]:
    """From each kill to the first write that was sent after it and acknowledged, in seconds."""
    times = sorted(answered)
    return sorted(next((at for at in times if at > kill), kill) - kill for kill in kills)


def _figures(stage: Stage, kills: Sequence[float]) -> Figures:
    journal = read_journal(stage.folder / "journal")
    answered = [each.sent_at for write in journal for each in write.acknowledged]
    found = waits(kills, answered)
    return {
        "kills": len(kills),
        "median_seconds_to_first_acknowledged_write": round(found[len(found) // 2], 2),
        "p95_seconds": round(found[min(len(found) - 1, len(found) * 95 // 100)], 2),
        "worst_seconds": round(found[-1], 2),
    }


async def _acknowledged_again(stage: Stage) -> None:
    """Wait until a write is acknowledged that was sent after now."""
    await until(stage.is_served)
    before = stage.journal.acknowledged
    while stage.journal.acknowledged < before + 2:
        await asyncio.sleep(0.02)


async def _kill_each(stage: Stage, times: int) -> Figures:
    for killer in stage.killers:
        killer.kills.clear()
    await kill_all(stage.killers, times)
    await _acknowledged_again(stage)
    return {killer.name: _figures(stage, killer.kills) for killer in stage.killers}


def _kill_one(name: str) -> Fault:
    async def inject(stage: Stage, times: int) -> Figures:
        (killer,) = [each for each in stage.killers if each.name == name]
        killer.kills.clear()
        for _ in range(times):
            await killer.strike()
        await _acknowledged_again(stage)
        figures = _figures(stage, killer.kills)
        _hold(name, figures)
        return figures

    number = {"server": "F1", "worker": "F2", "database": "F3"}[name]
    return Fault(number, f"the {name} is killed: nothing lost, nothing doubled", inject)


def _hold(name: str, figures: Figures) -> None:
    worst, p95 = figures["worst_seconds"], figures["p95_seconds"]
    assert isinstance(worst, float)
    assert isinstance(p95, float)
    if worst > _WORST_SECONDS or (p95 > _P95_SECONDS and name != "worker"):
        raise Breach(f"first answer after p95 {p95} s, worst {worst} s")


async def _kill_all_at_once(stage: Stage, times: int) -> Figures:
    at: list[float] = []
    for _ in range(times):
        strikes: list[Killer] = list(stage.killers)
        for killer in strikes:
            await until(killer.is_ready)
        await asyncio.sleep(strikes[0].gap_seconds())
        for killer in strikes:
            killer.kill()
        at.append(now())
        for killer in strikes:
            await killer.revive()
        await _acknowledged_again(stage)
    assert all(later > sooner for sooner, later in pairwise(at))
    return _figures(stage, at)


KILLS = Fault("F1-F3", "all three are killed, overlapping: nothing lost or doubled", _kill_each)
SERVER_KILLS, WORKER_KILLS, DATABASE_KILLS = map(_kill_one, ("server", "worker", "database"))
BLACKOUTS = Fault("F4", "all three are killed at once: nothing lost or doubled", _kill_all_at_once)
