"""F16: each provider's notices come once to five times, late, early, or never."""

from __future__ import annotations

import asyncio
import random

from guichet.torture.campaign import Fault, Figures
from guichet.torture.stage import Stage

_PROVIDED = (
    ("bank", "webhook"),
    ("psp", "webhook"),
    ("operators", "callback"),
    ("aggregator", "webhook"),
)
_PATIENCE_SECONDS = 1800.0


def _next(chance: random.Random) -> dict[str, object]:
    """What becomes of the next notice."""
    kind = chance.choice(("duplicate", "duplicate", "delay", "drop"))
    if kind == "duplicate":
        return {"kind": kind, "copies": chance.randint(2, 5)}
    return {"kind": kind, "seconds": chance.uniform(0.1, 4)} if kind == "delay" else {"kind": kind}


async def _inject(stage: Stage, times: int) -> Figures:
    """Until so many customers have come, with a supply of faults for their notices."""
    chance = stage.chance("F16")
    before, set_up = stage.load.customers, 0
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while (came := stage.load.customers - before) < times:
            while set_up < 2 * came + 10:
                set_up += 1
                name, operation = _PROVIDED[set_up % len(_PROVIDED)]
                provider = getattr(stage.providers, name)
                await provider.control("faults", operation=operation, **_next(chance))
                if set_up % 7 == 0:  # the notice is there before our own call is answered
                    await stage.providers.bank.control(
                        "faults", operation="create_payment", kind="delay", seconds=0.8
                    )
            await asyncio.sleep(0.05)
    return {"customers": came, "faults_set_up": set_up}


DISORDER = Fault("F16", "notices repeated, shuffled, early or never: nothing wrong", _inject)
