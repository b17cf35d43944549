"""Real bugs, planted in the programs that the harness runs: it must go red on each (G25).

Imported by ``guichet.torture.entry`` inside server and worker, before they start. Nobody else may:
the import plants them.
"""

from __future__ import annotations

import importlib
import random
import uuid
from collections.abc import Sequence
from typing import Any

from guichet.domain.attempts import Attempt
from guichet.domain.outcomes import Outcome, Reason, Refused, Unknown


def _plant() -> None:
    attempts, deliveries, checks, payments, events = (
        importlib.import_module(f"guichet.{name}")
        for name in (
            "services.attempts",
            "services.deliveries",
            "store.checks",
            "store.payments",
            "store.attempts",
        )
    )
    record, open_keys = attempts.record_outcome, deliveries._opened_keys
    create, tell = payments.create, events.tell

    def other_key(attempt: Attempt) -> str:
        return uuid.uuid4().hex if attempt.rail == "pix" else attempt.id.hex

    async def refuse_unknown(gateway: Any, attempt_id: uuid.UUID, outcome: Outcome) -> Any:
        if isinstance(outcome, Unknown):
            outcome = Refused(reason=Reason.DECLINED)
        return await record(gateway, attempt_id, outcome)

    async def tell_some(tx: Any, happened: Sequence[Any], told: Sequence[Any]) -> None:
        await tell(tx, happened, [each for each in told if random.random() < 0.7])

    def sign_wrong(*asked: Any) -> Any:
        keys = open_keys(*asked)
        return keys._replace(application=b"whsec_AAAA") if random.random() < 0.2 else keys

    async def forget_keys(connection: Any, items: Sequence[Any], now: Any) -> Any:
        kept = [
            each._replace(request_key=None, request_hash=None) if random.random() < 0.2 else each
            for each in items
        ]
        return await create(connection, kept, now)

    checks.__dict__["_DURABLE"].clear()
    vars(importlib.import_module("guichet.domain.attempts"))["Attempt"].key = property(other_key)
    attempts.__dict__["record_outcome"] = refuse_unknown
    deliveries.__dict__["_opened_keys"] = sign_wrong
    payments.__dict__["create"] = forget_keys
    events.__dict__["tell"] = tell_some


_plant()
