"""F11: the database's disk answers a sync with an error, by strace."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from guichet.torture.campaign import Breach, Fault, Figures, Skipped
from guichet.torture.kills import until
from guichet.torture.stage import Stage

_FELT_WITHIN_SECONDS = 10.0
_NORMAL_WITHIN_SECONDS = 10.0
_ERROR = ("-e", "trace=fsync,fdatasync", "-e", "inject=fsync,fdatasync:error=EIO")


@asynccontextmanager
async def _syncs_fail(processes: set[int]) -> AsyncIterator[None]:
    """Every sync of these processes fails; of those that come after them, none.

    Raises ``Skipped`` where that cannot be done.
    """
    strace = shutil.which("strace")
    if strace is None:
        raise Skipped("strace is not installed")
    attached = [word for process in processes for word in ("-p", str(process))]
    command = [strace, "-qq", "-o", "/dev/null", *_ERROR, *attached]
    tracer = subprocess.Popen(command, stderr=subprocess.PIPE)
    try:
        yield
    finally:
        tracer.terminate()
        _, said = tracer.communicate()
    if b"Operation not permitted" in said:
        raise Skipped("this machine lets nobody trace processes")


async def _inject(stage: Stage, times: int) -> Figures:
    restarts, slowest = 0, 0.0
    for _ in range(times):
        await until(stage.is_served)
        before = stage.cluster.children()
        async with _syncs_fail(before):
            try:
                async with asyncio.timeout(_FELT_WITHIN_SECONDS):
                    while before & stage.cluster.children():
                        await asyncio.sleep(0.05)
            except TimeoutError:
                felt = False
            else:
                felt = True
        if not felt:
            raise Breach("the database went on after its disk had failed")
        if not stage.cluster.is_running:
            restarts += 1
            await stage.cluster.start()
        slowest = max(slowest, await stage.acknowledges())
    if slowest > _NORMAL_WITHIN_SECONDS:
        raise Breach(f"normal after {slowest:.1f} s only")
    return {
        "times": times,
        "database_restarts": restarts,
        "normal_after_seconds": round(slowest, 2),
    }


DISK_ERRORS = Fault("F11", "the disk fails at a sync: nothing lost, normal within 10 s", _inject)
