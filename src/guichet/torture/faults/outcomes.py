"""F15: the provider's answer is lost, late, wrong or unreadable, in the mix of a bad day."""

from __future__ import annotations

import asyncio

from guichet.torture.campaign import Fault, Figures
from guichet.torture.stage import Stage

#: Per thousand at a bank (docs/reliability.md), by the simulator's users.
BANK_MIX = {
    "timeout": 200,  # moved, the connection is cut before the answer
    "hang": 100,  # moved, answered after our time-out
    "lost": 100,  # not moved, cut
    "error502-moved": 100,
    "error502": 100,
    "notfound": 100,  # moved, cannot be found for a while
    "garbled": 100,  # moved, the answer is half a JSON
    "silent": 100,  # moved, never any notice
    "slow": 50,  # accepted, moved later
    "over": 30,  # moved, more than asked
    "short": 20,  # moved, less than asked
}
#: Of operators, by the ending of the number.
PHONE_MIX = {"006": 100, "007": 250, "008": 150, "009": 150, "010": 150, "013": 100, "017": 100}
_PATIENCE_SECONDS = 3600.0


async def _inject(stage: Stage, times: int) -> Figures:
    """Until so many customers met it, each kind of rail in turn."""
    bank, codes, phones = stage.bank_payers, stage.code_payers, stage.phone_payers
    others = stage.aggregated_payers
    kinds = (bank, codes, phones, others)
    usual = bank.users, codes.charge_faulty, phones.endings, others.endings
    before = [each.walks for each in kinds]
    bank.users, codes.charge_faulty, phones.endings, others.endings = (
        *(BANK_MIX, 1.0),
        *(PHONE_MIX, PHONE_MIX),
    )
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while sum(now := [each.walks for each in kinds]) - sum(before) < times:
                await asyncio.sleep(0.1)
    finally:
        bank.users, codes.charge_faulty, phones.endings, others.endings = usual
    met = [after - former for after, former in zip(now, before, strict=True)]
    return dict(zip(("open_banking", "pix", "mobile_money", "aggregator"), met, strict=True))


OUTCOMES = Fault("F15", "outcomes unknown: none lost, doubled, or shown as failed", _inject)
