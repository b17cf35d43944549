"""F14: some receivers are hostile; the others must not notice."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg

from guichet.torture.campaign import Breach, Fault, Figures
from guichet.torture.receiver import BEHAVIOURS, Hook
from guichet.torture.stage import Stage

#: Deliveries to honest receivers that were taken at the first try, in seconds since the event.
_TAKEN = """
    SELECT extract(epoch FROM finished_at - created_at)::float AS seconds FROM webhook_deliveries
    WHERE status = 'delivered' AND tries = 1 AND url <> ALL($1::text[]) AND created_at >= $2
    ORDER BY 1
"""
_ENOUGH = 10
#: A difference that a busy machine makes by itself.
_NOISE_SECONDS = 1.0
_PATIENCE_SECONDS = 120.0


async def _taken(connection: asyncpg.Connection[Any], hostile: list[str], count: int) -> float:
    """The p95 of the next ``count`` deliveries."""
    since = await connection.fetchval("SELECT now()")
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while len(rows := await connection.fetch(_TAKEN, hostile, since)) < count:
            await asyncio.sleep(0.2)
    return float(rows[min(len(rows) - 1, len(rows) * 95 // 100)]["seconds"])


async def _tried(connection: asyncpg.Connection[Any], urls: list[str]) -> int:
    """How often those were tried, once it was as often as there are."""
    tries = "SELECT coalesce(sum(tries), 0)::int FROM webhook_deliveries WHERE url = ANY($1)"
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while (count := await connection.fetchval(tries, urls)) < len(urls):
            await asyncio.sleep(0.2)
    return int(count)


async def _inject(stage: Stage, times: int) -> Figures:
    """Until the hostile ones were tried, and ``times`` deliveries taken beside them."""
    application = stage.applications[0]
    urls = []
    for behaviour in BEHAVIOURS:
        url = stage.receivers.open(
            f"/hostile/{behaviour}", Hook(application.secret, None, behaviour)
        )
        urls.append(url.replace("http:", "https:") if behaviour == "bad_tls" else url)
    connection = await asyncpg.connect(stage.endpoints.owner_dsn)
    try:
        before = await _taken(connection, urls, max(_ENOUGH, times // 4))
        stage.bank_payers.hostile_urls = urls
        try:
            await _tried(connection, urls)
            during = await _taken(connection, urls, times)
        finally:
            stage.bank_payers.hostile_urls = []
        tried = await _tried(connection, urls)
    finally:
        await connection.close()
    if during > 2 * before + _NOISE_SECONDS:
        raise Breach(f"p95 of honest receivers {before:.2f} s before, {during:.2f} s during")
    return {
        "hostile_kinds": len(urls),
        "hostile_tries": tried,
        "honest_p95_seconds_before": round(before, 3),
        "honest_p95_seconds_during": round(during, 3),
    }


HOSTILITY = Fault("F14", "hostile receivers: the others' p95 at most doubled", _inject)
