"""F9: our answer to a merchant gets lost; asked again with the same key we say the same."""

from __future__ import annotations

import asyncio

from guichet.torture.campaign import Breach, Fault, Figures
from guichet.torture.stage import Stage

_PROBABILITY = 0.5
_PATIENCE_SECONDS = 900.0


async def _inject(stage: Stage, times: int) -> Figures:
    losses = stage.losses
    before = losses.lost
    losses.probability = _PROBABILITY
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while losses.lost < before + times:
                await asyncio.sleep(0.05)
    finally:
        losses.probability = 0.0
    if losses.different:
        raise Breach(f"answered differently when asked again: {losses.different}")
    return {"answers_lost": losses.lost - before, "answered_differently": 0}


ANSWERS = Fault("F9", "a lost answer is repeated, to the byte", _inject)
