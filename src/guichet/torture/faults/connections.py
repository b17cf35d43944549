"""F7 and F8: sessions at the database are cut, and answers to commits get lost."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import asyncpg

from guichet.torture.campaign import Breach, Fault, Figures
from guichet.torture.relay import CommitLosses, postgres_relay
from guichet.torture.stage import Stage

_CUT = """
    SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
    WHERE application_name = 'guichet'
"""
_CUT_GAP_SECONDS = 0.2
_NORMAL_WITHIN_SECONDS = 5.0
_ONE_COMMIT_IN = 4
_PATIENCE_SECONDS = 600.0


async def _cut_sessions(stage: Stage, seconds: int) -> Figures:
    """All sessions of the product, five times a second, for so many seconds."""
    connection = await asyncpg.connect(stage.endpoints.superuser_dsn)
    cut, until = 0, time.monotonic() + seconds
    try:
        while time.monotonic() < until:
            cut += await connection.fetchval(_CUT)
            await asyncio.sleep(_CUT_GAP_SECONDS)
    finally:
        await connection.close()
    normal_after_seconds = await stage.acknowledges()
    if normal_after_seconds > _NORMAL_WITHIN_SECONDS:
        raise Breach(f"normal after {normal_after_seconds:.1f} s only")
    return {
        "seconds": seconds,
        "sessions_cut": cut,
        "normal_after_seconds": round(normal_after_seconds, 2),
    }


async def _lose_commits(stage: Stage, times: int) -> Figures:
    """So many answers to commits, of server and worker, by a relay before the database."""
    direct = stage.endpoints.serving_dsn
    there = Path(parse_qs(urlsplit(direct).query)["host"][0])
    here = stage.short_folder / "relay"
    losses = CommitLosses(stage.chance("F8"), _ONE_COMMIT_IN)
    programs = (stage.server, stage.worker)
    started = time.monotonic()
    async with postgres_relay(here, there, losses):
        for program in programs:
            host = quote(str(here), safe="")
            program.environment["GUICHET_DATABASE_URL"] = f"{direct.partition('?')[0]}?host={host}"
        await stage.restarted(*programs)
        while losses.lost < times and time.monotonic() - started < _PATIENCE_SECONDS:
            await asyncio.sleep(0.05)
        for program in programs:
            program.environment["GUICHET_DATABASE_URL"] = direct
        await stage.restarted(*programs)
    if losses.lost < times:
        raise Breach(f"only {losses.lost} of {times} answers to commits could be lost")
    return {"answers_lost": losses.lost, "seconds": round(time.monotonic() - started, 1)}


CUTS = Fault(
    "F7", "all sessions are cut again and again: 503 at most, normal in 5 s", _cut_sessions
)
COMMITS = Fault("F8", "answers to commits are lost: nothing lost, nothing doubled", _lose_commits)
