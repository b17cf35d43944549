"""F17: the machine's clock jumps, for one process at a time.

With libfaketime (Debian's package ``faketime``) it is the clock of the process; without it the one
that the gateway reads. Monotonic time is left alone, as a jump of a real clock leaves it.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from guichet.torture.campaign import Fault, Figures
from guichet.torture.entry import CLOCK
from guichet.torture.programs import Program, Spawning
from guichet.torture.stage import Stage

_LIBRARIES = Path("/usr/lib"), "*/faketime/libfaketimeMT.so.1"
#: Seconds: ten minutes and two days ahead, three hours back, and the truth again.
_JUMPS = (600, 172_800, -10_800, 0)
_STAY_SECONDS = 2.0


def _environment(file: Path, library: str | None) -> dict[str, str]:
    if library is None:
        return {CLOCK: str(file)}
    return {
        "LD_PRELOAD": library,
        "FAKETIME_TIMESTAMP_FILE": str(file),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "DONT_FAKE_MONOTONIC": "1",
    }


async def _inject(stage: Stage, times: int) -> Figures:
    folder, pattern = _LIBRARIES
    library = next(map(str, folder.glob(pattern)), None)
    programs: list[Program] = [stage.server, stage.worker]
    files = [stage.folder / f"clock-{number}" for number in range(len(programs))]
    usual = [(program.launcher, dict(program.environment)) for program in programs]

    def set_clock(file: Path, seconds: int) -> None:
        fresh = file.with_suffix(".new")
        fresh.write_text(f"{seconds:+d}" if library is None else f"{seconds:+d}s")
        fresh.replace(file)

    for program, file in zip(programs, files, strict=True):
        set_clock(file, 0)
        program.launcher = Spawning()  # a library is loaded by a new program alone
        program.environment |= _environment(file, library)
    await stage.restarted(*programs)
    for turn in range(times):
        set_clock(files[turn // len(_JUMPS) % len(files)], _JUMPS[turn % len(_JUMPS)])
        await asyncio.sleep(_STAY_SECONDS)
    for program, file, (launcher, environment) in zip(programs, files, usual, strict=True):
        set_clock(file, 0)
        program.launcher = launcher
        program.environment = environment
    await stage.restarted(*programs)
    return {"jumps": times, "by": "libfaketime" if library else "the gateway's own clock"}


CLOCKS = Fault("F17", "clocks jump: nothing expires early, no signature is dated wrong", _inject)
