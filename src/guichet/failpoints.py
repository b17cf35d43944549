"""Failpoints: named places between two commits and around every foreign call, for fault tests.

A process that is armed (``GUICHET_FAILPOINTS``) kills itself with SIGKILL when it first reaches one
of the names, as a crash there would. Where anything is live the server refuses to start armed, and
unarmed a point costs one look at an empty set.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterable, Mapping

#: Every point: its name, and what has happened by then and what has not.
POINTS: Mapping[str, str] = {
    "payment.ordered": "a payment is about to be written",
    "payment.written": "it is committed, nobody was answered",
    "attempt.reserved": "an attempt is committed, its rail not asked",
    "attempt.began": "the rail was asked, its answer not recorded",
    "attempt.begun": "the answer is recorded, the lease not given back",
    "attempt.asked": "the truth was asked for, not recorded",
    "attempt.recorded": "it is recorded, the lease not given back",
    "outcome.locked": "rows are locked, nothing is written",
    "outcome.uncommitted": "state, ledger and events are written, not committed",
    "outcome.committed": "they are committed, nobody knows",
    "notice.verified": "a notice is believed to be the provider's, not stored",
    "notice.stored": "it is stored, the provider not answered",
    "notice.worked_off": "the attempt was asked about, the notice not closed",
    "reply.stored": "what a browser brought back is stored, the browser not answered",
    "refund.uncommitted": "a refund's money is set aside, not committed",
    "refund.set_aside": "it is committed, the rail not asked",
    "refund.asked": "the rail was asked, its answer not recorded",
    "refund.recorded": "the answer is recorded, the lease not given back",
    "transfer.uncommitted": "a transfer's money is set aside, not committed",
    "transfer.set_aside": "it is committed, the rail not asked",
    "transfer.asked": "the rail was asked, its answer not recorded",
    "transfer.recorded": "the answer is recorded, the lease not given back",
    "delivery.rendered": "a notification is rendered, its body not kept",
    "delivery.kept": "the body is kept, not sent",
    "delivery.sent": "it was sent, that is not recorded",
    "delivery.recorded": "that is recorded, the worker has not gone on",
    "list.read": "a provider's list of movements was read, nothing done about it",
    "call.before": "a request to a provider or a merchant is about to leave",
    "call.after": "its answer has come, nobody has looked at it",
}

_armed: frozenset[str] = frozenset()


def arm(names: Iterable[str]) -> None:
    """Have this process die at the first of the points it reaches; raises ``ValueError``."""
    global _armed  # noqa: PLW0603 - a process is armed once, when it starts
    wanted = frozenset(names)
    if unknown := wanted - POINTS.keys():
        raise ValueError(f"no such failpoint: {', '.join(sorted(unknown))}")
    _armed = wanted


def reach(name: str) -> None:
    """Die here if this process is armed for it."""
    if name in _armed:
        sys.stderr.write(f"failpoint {name}\n")
        sys.stderr.flush()
        os.kill(os.getpid(), signal.SIGKILL)
