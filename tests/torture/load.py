"""Merchants and payers who go on whatever happens, and write down what they were told."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, repeat
from uuid import UUID

import httpx2

from gateways import APPLICATION_ID, OTHER_APPLICATION_ID, OTHER_TOKEN, TOKEN
from torture.calls import Answer, Merchant
from torture.journal import Fate, Journal, classify, now
from torture.simulator import Simulator

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


@dataclass
class Load:
    """Starts a payer every ``gap_seconds``; what a payer does is drawn from the seed."""

    journal: Journal
    simulator: Simulator
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
                    journey = self._journey(merchants[self.payers % 2], self.payers)
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

    async def _journey(self, merchant: Merchant, number: int) -> None:
        chance = random.Random(self.chance.random())
        page = await self._create(merchant, number, chance)
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

    async def _create(self, merchant: Merchant, number: int, chance: random.Random) -> str:
        """Make a payment, sometimes asking once more; returns the address of its page."""
        key, amount = f"order {number}", f"{chance.randint(0, 9999)}.{chance.randint(1, 99):02}"
        currency = chance.choice(("GBP", "EUR"))
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
            )

        times = 2 if chance.random() < _REPLAYED else 1
        answer = await self._write("create", key, create, times=times, **details)
        page: str = answer.json()["payment"]["authorisationUrl"]
        return page

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
                fate = classify(answer.status, answer.retry_after)
                self.journal.conclude(number, sent_at, fate, answer.status, answer.body)
                times -= fate is not Fate.AMBIGUOUS
                if times == 0:
                    return answer
            await asyncio.sleep(gap_seconds)
        raise AssertionError


def _gaps() -> Iterator[float]:
    return chain(_GAPS_SECONDS, repeat(_GAPS_SECONDS[-1]))
