"""``python -m guichet.torture.entry ARGUMENTS``: the program ``guichet``, by a clock that jumps.

With ``TORTURE_CLOCK`` naming a file, the gateway's clock is off by the seconds that it holds, read
anew at every look. That is fault F17 where no libfaketime is installed; everything else is as in
``python -m guichet``.
"""

from __future__ import annotations

import importlib
import os
import runpy
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

CLOCK = "TORTURE_CLOCK"
#: A file of Python that is run first: how a test of the harness plants a bug.
SABOTAGE = "TORTURE_SABOTAGE"


def main(arguments: list[str]) -> None:
    """Run ``guichet ARGUMENTS`` to its end."""
    file = os.environ.pop(CLOCK, "")
    if file:
        _mislead(Path(file))
    sabotage = os.environ.pop(SABOTAGE, "")
    if sabotage:
        runpy.run_path(sabotage)
    sys.argv = ["guichet", *arguments]
    # Run, not imported: nothing of the harness leans on what it checks.
    importlib.import_module("guichet.cli").main()


def _mislead(file: Path) -> None:
    def machine_time() -> datetime:
        return datetime.now(UTC) + timedelta(seconds=float(file.read_text() or 0))

    importlib.import_module("guichet.domain.clock").__dict__["machine_time"] = machine_time


if __name__ == "__main__":
    main(sys.argv[1:])
