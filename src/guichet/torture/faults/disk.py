"""F10: the database's disk is full, for a while."""

from __future__ import annotations

import asyncio
import errno
from pathlib import Path

import httpx2

from guichet.torture import accounts
from guichet.torture.calls import Merchant
from guichet.torture.campaign import Breach, Fault, Figures
from guichet.torture.journal import now, read_journal
from guichet.torture.kills import until
from guichet.torture.stage import Kind, Stage

_FULL_LOOKS = 6
_NORMAL_WITHIN_SECONDS = 5.0
_PIECE = b"\0" * (1 << 20)

#: Little log in advance, so that a full disk is felt at once.
SMALL_DISK = Kind("small disk", {"max_wal_size": "64MB", "min_wal_size": "32MB"}, disk_mib=320)


def fill(file: Path) -> int:
    """Take what is left of the disk; returns how many bytes that was."""
    taken = 0
    with file.open("wb", buffering=0) as output:
        piece = _PIECE
        while piece:
            try:
                taken += output.write(piece)
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                piece = piece[: len(piece) // 2]
    return taken


async def _inject(stage: Stage, times: int) -> Figures:
    filler = stage.cluster.folder / "filler"
    merchant = accounts.neopay_merchant(stage.url, stage.applications[0])
    seen: dict[str, set[int]] = {"read": set(), "health": set()}
    restarts, slowest, started = 0, 0.0, now()
    try:
        for _ in range(times):
            await until(stage.is_served)
            fill(filler)
            for _ in range(_FULL_LOOKS):
                await _look(merchant, seen)
                await asyncio.sleep(1)
                fill(filler)
            filler.unlink()
            if not stage.cluster.is_running:  # it stops where it cannot write its log
                restarts += 1
                await stage.cluster.start()
            waited = await stage.acknowledges()
            slowest = max(slowest, waited)
    finally:
        filler.unlink(missing_ok=True)
        await merchant.close()
    if slowest > _NORMAL_WITHIN_SECONDS:
        raise Breach(f"normal {slowest:.1f} s after there was room again")
    journal = read_journal(stage.folder / "journal")
    tries = [each for write in journal for each in write.tries if each.sent_at > started]
    seen["write"] = {each.status for each in tries if each.status and each.status >= 500}
    if any(others := statuses - {200, 503} for statuses in seen.values()):
        raise Breach(f"other statuses than 200 and 503: {others}")
    if 503 in seen["write"] and 503 not in seen["health"]:
        raise Breach("it said that it is ready, and took no write")
    if 503 not in seen["write"]:
        raise Breach("the full disk was not felt")
    return {
        "times": times,
        "statuses": {name: sorted(statuses) for name, statuses in seen.items()},
        "database_restarts": restarts,
        "normal_after_seconds": round(slowest, 2),
    }


async def _look(merchant: Merchant, seen: dict[str, set[int]]) -> None:
    """What a read and the health say; a connection that breaks says nothing."""
    try:
        seen["read"].add((await merchant.get("/api/payments")).status)
        seen["health"].add((await merchant.get("/healthz")).status)
    except httpx2.TransportError:
        return


DISK = Fault("F10", "the disk is full: 503 at most, normal 5 s after there is room", _inject)
