"""``guichet torture``: this release under faults, on an installation of its own."""

from __future__ import annotations

import secrets
import sys
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from guichet.domain.errors import Invalid


def torture(
    *,
    plan: Annotated[Literal["A", "B", "C"], Parameter(name="--set")] = "A",
    seed: int | None = None,
    faults: str = "",
    minutes: float = 0,
    report: Path | None = None,
) -> None:
    """Put this release under load and faults, compare four books, and exit with 1 on any breach.

    Everything runs in a temporary folder with a database, providers and receivers of its own; no
    setting of the environment is read, and nothing outside this machine is called.

    Parameters
    ----------
    plan
        A takes a few minutes, B is for every release, C for a night.
    seed
        Where all chance comes from; printed with the figures, so that a run can be repeated.
    faults
        Names with commas between them (F1,F5…); all of the set unless given.
    minutes
        Go on with fresh installations for so long.
    report
        A file for the figures, as JSON.
    """
    from guichet.torture.command import run_torture

    number = secrets.randbelow(2**32) if seed is None else seed
    names = [name.strip() for name in faults.split(",") if name.strip()]
    try:
        is_sound = run_torture(
            plan, number, names, minutes, report, lambda text: print(text, flush=True)
        )
    except ValueError as error:
        raise Invalid("faults", str(error)) from error
    if not is_sound:
        sys.exit(1)
