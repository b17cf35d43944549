"""F18: a newer release takes over under load: its migration, its worker, its server, one by one.

The newer release is this one with one more migration, so that old processes serve for a while what
a newer one has made of the tables. Either is killed meanwhile.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path

from guichet.torture.accounts import migrate
from guichet.torture.campaign import Fault, Figures
from guichet.torture.programs import ENTRY, Program, Spawning, running
from guichet.torture.stage import Stage

_PACKAGE = Path(__file__).parents[2]
_OVERLAP_SECONDS = 1.5
#: What releases do to tables: a column, another table, an index.
_MIGRATION = """
ALTER TABLE payments ADD COLUMN torture_{turn} text;
ALTER TABLE attempts ADD COLUMN torture_{turn} integer;
CREATE TABLE torture_{turn} (id uuid PRIMARY KEY, at timestamptz NOT NULL DEFAULT now());
CREATE INDEX payments_torture_{turn} ON payments (torture_{turn}) WHERE torture_{turn} IS NOT NULL;
"""


def newer_release(folder: Path, turn: int) -> Path:
    """This release with one more migration; returns what to put on the path."""
    package = folder / "guichet"
    if not package.exists():
        shutil.copytree(_PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    file = package / "store" / "migrations" / f"9{turn:03}_torture.sql"
    file.write_text(_MIGRATION.format(turn=turn))
    return folder


async def _inject(stage: Stage, times: int) -> Figures:
    folder = stage.folder / "newer"
    programs: tuple[Program, ...] = (stage.worker, stage.server)
    for turn in range(times):
        path = os.pathsep.join((str(newer_release(folder, turn)), stage.settings["PYTHONPATH"]))
        newer = stage.settings | {"PYTHONPATH": path}
        await stage.is_ready()
        await migrate(newer)
        log = stage.folder / "newer-worker.log"
        async with running(Program([ENTRY, "work"], log, dict(newer), Spawning())) as beside:
            await asyncio.sleep(_OVERLAP_SECONDS)
            beside.kill()
            stage.worker.kill()  # the old one is started once more, beside the newer tables
            await asyncio.sleep(_OVERLAP_SECONDS)
            for program in programs:
                usual = program.launcher, program.environment
                program.launcher, program.environment = Spawning(), dict(newer)
                await stage.restarted(program)
                await asyncio.sleep(_OVERLAP_SECONDS)
                if turn < times - 1:  # and back again: the next turn begins with the old one
                    program.launcher, program.environment = usual
                    await stage.restarted(program)
    return {"upgrades": times}


UPGRADES = Fault("F18", "an upgrade under load, old and new side by side: books agree", _inject)
