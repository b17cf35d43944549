"""Merchants and payers who go on whatever happens, and write down what they were told."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Any
from uuid import UUID

import httpx2

from gateways import APPLICATION_ID, OTHER_APPLICATION_ID, OTHER_TOKEN, TOKEN
from torture.calls import Answer, Merchant
from torture.journal import Fate, Journal, classify, now
from torture.simulator import PixSimulator, Simulator

_APPLICATIONS = ((APPLICATION_ID, TOKEN), (OTHER_APPLICATION_ID, OTHER_TOKEN))
#: Between the tries of one write; the last repeats.
_GAPS_SECONDS = (0.2, 0.4, 0.8, 1.5)
_IN_FLIGHT_MAX = 40
#: What becomes of a payment at the bank, by login name, and how often.
_USERS = {
    "mits": 55,
    "accepted": 12,
    "timeout": 8,
    "error502-moved": 6,
    "lost": 5,
    "garbled": 4,
    "AC04": 4,
}
_ABANDONED = 0.12
_REFUSED = 0.1
_NO_RETURN = 0.2
_REPLAYED = 0.1
#: How a payer pays a code, and how often; who does not pay leaves the charge open.
_WALLETS = {"exact": 60, "repeated": 12, "silent": 12, "AC06": 8}
#: What happens to somebody's call for a charge, and when: before it was made or after.
_CHARGE_FAULTS = (
    ("drop", "after"),
    ("drop", "before"),
    ("error", "after"),
    ("error", "before"),
    ("garble", "after"),
)
_CHARGE_FAULTY = 0.15


@dataclass
class Load:
    """Starts a payer every ``gap_seconds``; what a payer does is drawn from the seed.

    Every other payer pays by PIX.
    """

    journal: Journal
    simulator: Simulator
    psp: PixSimulator
    url: str
    callback_url: str
    chance: random.Random
    gap_seconds: float
    payers: int = 0
    #: Payers who were turned away because too many were under way already.
    skipped: int = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Start payers until ``stop``, then let each of them finish."""
        merchants = [
            Merchant(self.url, 5, application_id, token) for application_id, token in _APPLICATIONS
        ]
        journeys: set[asyncio.Task[None]] = set()
        failed: list[BaseException] = []

        def finished(task: asyncio.Task[None]) -> None:
            journeys.discard(task)
            if not task.cancelled() and (error := task.exception()) is not None:
                failed.append(error)

        try:
            while not stop.is_set() and not failed:
                if len(journeys) < _IN_FLIGHT_MAX:
                    self.payers += 1
                    walk = self._pay_by_code if self.payers % 2 else self._pay_at_bank
                    journey = walk(merchants[self.payers // 2 % 2], self.payers)
                    task = asyncio.create_task(journey)
                    journeys.add(task)
                    task.add_done_callback(finished)
                else:
                    self.skipped += 1
                with suppress(TimeoutError):
                    async with asyncio.timeout(self.gap_seconds):
                        await stop.wait()
            while journeys and not failed:
                await asyncio.wait(journeys, return_when=asyncio.FIRST_EXCEPTION)
        finally:
            for task in journeys:
                task.cancel()
            await asyncio.gather(*journeys, return_exceptions=True)
            for merchant in merchants:
                await merchant.close()
        if failed:
            raise failed[0]

    async def _pay_at_bank(self, merchant: Merchant, number: int) -> None:
        chance = random.Random(self.chance.random())
        made = await self._create(merchant, number, chance, chance.choice(("GBP", "EUR")))
        page: str = made["authorisationUrl"]
        if chance.random() < _ABANDONED:
            return
        bank = await self._start(merchant, page)
        if chance.random() < _REFUSED:
            decided = await self.simulator.decide("refuse", consent=bank)
        else:
            (user,) = chance.choices(list(_USERS), list(_USERS.values()))
            decided = await self.simulator.decide("accept", consent=bank, user=user)
        if chance.random() >= _NO_RETURN:
            await self._write("return", bank, lambda: merchant.come_back(decided["callback"]))

    async def _pay_by_code(self, merchant: Merchant, number: int) -> None:
        chance = random.Random(self.chance.random())
        if chance.random() < _CHARGE_FAULTY:
            kind, when = chance.choice(_CHARGE_FAULTS)
            await self.psp.control("faults", operation="put_cob", kind=kind, when=when)
        made = await self._create(merchant, number, chance, "BRL", service="pix")
        if chance.random() < _ABANDONED:
            return
        code = made["qr_code"] or await self._code(merchant, made["id"])
        (scenario,) = chance.choices(list(_WALLETS), list(_WALLETS.values()))
        await self.psp.control("pay", code=code, scenario=scenario)

    async def _code(self, merchant: Merchant, payment_id: str) -> str:
        """The code of a payment whose creation was answered before the PSP was."""
        for gap_seconds in _gaps():
            with suppress(httpx2.TransportError):
                answer = await merchant.get(f"/api/payments/{payment_id}")
                if answer.status == 200 and (code := answer.json()["payment"]["qr_code"]):
                    return str(code)
            await asyncio.sleep(gap_seconds)
        raise AssertionError

    async def _create(
        self,
        merchant: Merchant,
        number: int,
        chance: random.Random,
        currency: str,
        service: str = "api",
    ) -> dict[str, Any]:
        """Make a payment, sometimes asking once more; returns what was answered."""
        key, amount = f"order {number}", f"{chance.randint(0, 9999)}.{chance.randint(1, 99):02}"
        details = {
            "application_id": str(merchant.application_id),
            "amount": amount,
            "currency": currency,
        }

        async def create() -> Answer:
            return await merchant.create(
                amount,
                currency,
                key,
                callback_url=self.callback_url,
                email=f"payer-{number}@example.com",
                service=service,
            )

        times = 2 if chance.random() < _REPLAYED else 1
        answer = await self._write("create", key, create, times=times, **details)
        made: dict[str, Any] = answer.json()["payment"]
        return made

    async def _start(self, merchant: Merchant, page: str) -> str:
        """Press the button until there is a bank to go to; returns the secret in its address."""
        payment_id = str(UUID(page.split("/pay/")[1].partition("/")[0]))
        for gap_seconds in _gaps():
            await self._write("start", payment_id, lambda: merchant.press_pay(page))
            with suppress(httpx2.TransportError):
                address = await merchant.bank_page(page)
                if address is not None:
                    return address.rpartition("/")[2]
            await asyncio.sleep(gap_seconds)
        raise AssertionError

    async def _write(
        self,
        kind: str,
        key: str,
        send: Callable[[], Awaitable[Answer]],
        times: int = 1,
        **details: str,
    ) -> Answer:
        """Send until ``times`` answers are definite; returns the last one."""
        number = self.journal.intend(kind, key, **details)
        for gap_seconds in _gaps():
            sent_at = now()
            try:
                answer = await send()
            except httpx2.TransportError:
                self.journal.conclude(number, sent_at, Fate.AMBIGUOUS, None, b"")
            else:
                fate = classify(answer.status, answer.retry_after, answer.body)
                self.journal.conclude(number, sent_at, fate, answer.status, answer.body)
                times -= fate is not Fate.AMBIGUOUS
                if times == 0:
                    return answer
            await asyncio.sleep(gap_seconds)
        raise AssertionError


def _gaps() -> Iterator[float]:
    return chain(_GAPS_SECONDS, repeat(_GAPS_SECONDS[-1]))
