"""F5: the processes die at each named point between two commits and around every foreign call."""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter
from pathlib import Path

from guichet.failpoints import POINTS
from guichet.torture.campaign import Breach, Fault, Figures
from guichet.torture.programs import Program
from guichet.torture.stage import Stage

_SETTING = "GUICHET_FAILPOINTS"
_REACHED = re.compile(r"^failpoint (\S+)$", re.MULTILINE)
#: Some points are passed by few customers only.
_PATIENCE_SECONDS = 90.0


class _Watch:
    """Reads what a program's log says since it was last read."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._offset = log.stat().st_size

    def reached(self) -> list[str]:
        with self._log.open() as file:
            file.seek(self._offset)
            said = file.read()
            self._offset = file.tell()
        return _REACHED.findall(said)


class _Round:
    """Every point once, by whichever program gets there first."""

    def __init__(self, programs: list[Program]) -> None:
        self.left = set(POINTS)
        self._watches = [_Watch(program.log) for program in programs]
        self._programs = programs

    def look(self) -> None:
        """Take what was reached off the list: the next start of a program does not know it."""
        for watch in self._watches:
            self.left.difference_update(watch.reached())
        for program in self._programs:
            program.environment[_SETTING] = ",".join(sorted(self.left))


async def _inject(stage: Stage, times: int) -> Figures:
    programs = [stage.server, stage.worker]
    missed: Counter[str] = Counter()
    started = time.monotonic()
    ends = sum(program.ends for program in programs)
    for _ in range(times):
        turn = _Round(programs)
        for program in programs:
            program.before_start = turn.look
            program.kill()
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while turn.left and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
            turn.look()
        missed.update(turn.left)
    for program in programs:
        program.before_start = None
        del program.environment[_SETTING]
    await stage.restarted(*programs)
    if missed:
        raise Breach(f"never reached: {dict(missed)}")
    return {
        "points": len(POINTS),
        "rounds": times,
        "deaths": sum(program.ends for program in programs) - ends,
        "seconds": round(time.monotonic() - started, 1),
    }


FAILPOINTS = Fault("F5", "a crash at each failpoint: nothing lost, nothing doubled", _inject)
