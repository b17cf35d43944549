"""F19 and G27: an older backup is restored, and the providers are asked again.

What was acknowledged after the backup is gone, and no gateway can know it. It must bring
everything that it still knows to the provider's truth, once. The money of orders that only the
provider knows must lie in suspense, for a person to decide, where the provider lists them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import asyncpg

from guichet.torture.books import Books, Row, history, minor, money, origins
from guichet.torture.campaign import Fault, Figures
from guichet.torture.compare import floats
from guichet.torture.programs import command
from guichet.torture.stage import Kind, Stage

_LOAD_SECONDS = 4.0
#: Rails whose providers list what they received.
_LISTED = frozenset({"pix"})
_FORGET = ("DROP DATABASE guichet WITH (FORCE)", "CREATE DATABASE guichet OWNER guichet_owner")


def judge(books: Books) -> list[str]:
    """What must agree after a restore: everything that our rows still know of, and the money of
    lost orders where the provider has a list.
    """
    known, lost = _parted(books)
    there = replace(books, provider=known)
    booked = replace(books, provider=[*known, *lost])
    return [
        *origins(there),
        *money(there),
        *history(there),
        *suspense(books, lost),
        *floats(booked),
    ]


def suspense(books: Books, lost: list[Row]) -> Iterator[str]:
    """What the provider holds for lost orders lies in suspense, each once, and nothing else."""
    unclaimed = {row["order_id"].hex: row for row in books.ours.unclaimed}
    for order in lost:
        name, held = order["paymentIdempotencyId"], minor(order["moved"], order["currency"])
        row = unclaimed.pop(name, None)
        if held != (row["left_minor"] if row else 0):
            yield f"lost order {name}: the provider holds {held}, suspense {row}"
    for name in unclaimed:
        yield f"lost order {name}: in suspense, and no order that is lost"


def _parted(books: Books) -> tuple[list[Row], list[Row]]:
    """The provider's orders that we know, and the lost ones that it lists."""
    ours = {row["id"].hex for row in books.ours.attempts}
    ours |= {row["id"].hex for row in (*books.ours.transfers, *books.ours.refunds)}
    known = [order for order in books.provider if order["paymentIdempotencyId"] in ours]
    lost = [order for order in books.provider if order["paymentIdempotencyId"] not in ours]
    return known, [order for order in lost if order["rail"] in _LISTED]


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
