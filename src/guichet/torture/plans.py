"""Which faults, and how many of each, in which set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from guichet.torture.campaign import Fault
from guichet.torture.faults.answers import ANSWERS
from guichet.torture.faults.clocks import CLOCKS
from guichet.torture.faults.connections import COMMITS, CUTS
from guichet.torture.faults.crashes import (
    BLACKOUTS,
    DATABASE_KILLS,
    KILLS,
    SERVER_KILLS,
    WORKER_KILLS,
)
from guichet.torture.faults.disk import DISK, SMALL_DISK
from guichet.torture.faults.disk_errors import DISK_ERRORS
from guichet.torture.faults.disorder import DISORDER
from guichet.torture.faults.exhaustion import EXHAUSTION, SLOW_PROVIDER
from guichet.torture.faults.failpoints import FAILPOINTS
from guichet.torture.faults.hostility import HOSTILITY
from guichet.torture.faults.outcomes import OUTCOMES
from guichet.torture.faults.pauses import PAUSES
from guichet.torture.faults.restore import RESTORED, RESTORES
from guichet.torture.faults.storms import STORMS
from guichet.torture.faults.upgrade import UPGRADES
from guichet.torture.stage import ORDINARY, Kind


class Planned(NamedTuple):
    """A fault and how often it is injected: in set A, B and C (times, customers or seconds).

    ``on``: the kind of installation that it needs.
    """

    fault: Fault
    a: int
    b: int
    c: int
    on: Kind = ORDINARY

    def times(self, chosen: str) -> int:
        """How often in the set ``chosen``."""
        return {"A": self.a, "B": self.b, "C": self.c}[chosen]


#: In the order in which they are injected; 0 leaves a fault out of a set.
PLAN: Sequence[Planned] = (
    Planned(KILLS, 10, 0, 0),
    Planned(SERVER_KILLS, 0, 100, 300),
    Planned(WORKER_KILLS, 0, 100, 300),
    Planned(DATABASE_KILLS, 0, 100, 300),
    Planned(BLACKOUTS, 2, 30, 100),
    Planned(FAILPOINTS, 1, 5, 20),
    Planned(PAUSES, 1, 50, 100),
    Planned(CUTS, 3, 60, 300),
    Planned(COMMITS, 20, 500, 2000),
    Planned(ANSWERS, 60, 1000, 5000),
    Planned(DISK_ERRORS, 1, 10, 30),
    Planned(EXHAUSTION, 3, 30, 60),
    Planned(SLOW_PROVIDER, 3, 30, 60),
    Planned(STORMS, 3, 60, 300),
    Planned(HOSTILITY, 20, 200, 1000),
    Planned(OUTCOMES, 100, 1000, 5000),
    Planned(DISORDER, 60, 5000, 20000),
    Planned(CLOCKS, 4, 20, 100),
    Planned(UPGRADES, 1, 5, 10),
    Planned(RESTORES, 1, 3, 10, RESTORED),
    Planned(DISK, 1, 10, 30, SMALL_DISK),
)


def chosen(plan: str, names: Sequence[str] = ()) -> list[Planned]:
    """The faults of a set; with ``names`` those alone. Raises ``ValueError`` for unknown names."""
    known = {each.fault.name for each in PLAN}
    if unknown := set(names) - known:
        raise ValueError(f"no such fault: {', '.join(sorted(unknown))}; there are {sorted(known)}")
    return [each for each in PLAN if each.times(plan) and (not names or each.fault.name in names)]
