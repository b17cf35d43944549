"""F19 and G27: an older backup is restored, and the providers are asked again.

What was acknowledged after the backup is gone, and no gateway can know it. It must bring
everything that it still knows to the provider's truth, once. Orders that only the provider knows
are counted, for a person to look at.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import asyncpg

from guichet.torture.books import Books, Row, history, money, origins
from guichet.torture.campaign import Fault, Figures
from guichet.torture.compare import floats
from guichet.torture.programs import command
from guichet.torture.stage import Kind, Stage

_LOAD_SECONDS = 4.0
_FORGET = ("DROP DATABASE guichet WITH (FORCE)", "CREATE DATABASE guichet OWNER guichet_owner")


def judge(books: Books) -> list[str]:
    """What must agree after a restore: everything that our rows still know of."""
    known = replace(books, provider=list(_known(books)))
    return [*origins(known), *money(known), *history(known), *floats(known)]


def _known(books: Books) -> Iterator[Row]:
    ours = {row["id"].hex for row in books.ours.attempts}
    ours |= {row["id"].hex for row in (*books.ours.transfers, *books.ours.refunds)}
    return (order for order in books.provider if order["paymentIdempotencyId"] in ours)


async def _inject(stage: Stage, times: int) -> Figures:
    file = stage.folder / "backup"
    for _ in range(times):
        await asyncio.sleep(_LOAD_SECONDS)
        await command(stage.settings, "backup", str(file))
        await asyncio.sleep(_LOAD_SECONDS)
        for program in (stage.worker, stage.server):
            await program.stop()
        stage.probe.paused = True  # half a restored ledger need not balance
        connection = await asyncpg.connect(stage.endpoints.superuser_dsn)
        for statement in _FORGET:
            await connection.execute(statement)
        await connection.close()
        await command(stage.settings, "restore", str(file))
        stage.probe.paused = False
        for program in (stage.server, stage.worker):
            program.start()
        await stage.is_ready()
        await stage.acknowledges()
    return {"restores": times}


#: An installation whose merchants lose what came after a backup.
RESTORED = Kind("restored", judge=judge)
RESTORES = Fault("F19", "an older backup is restored: what is still known converges", _inject)
