"""Customers of a Notch Pay merchant: they pay by phone, are paid, and get their money back."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator, Sequence
from contextlib import suppress

import httpx2

from guichet.torture.calls import Answer, Shop
from guichet.torture.load import Traffic, Writer, gaps

#: What the ending of a number makes of an order (docs/simulators.md), and how often it is chosen.
ENDINGS = {
    "000": 50,
    "001": 4,
    "002": 4,
    "006": 8,
    "007": 8,
    "008": 6,
    "009": 6,
    "010": 4,
    "012": 6,
    "013": 3,
    "017": 4,
}
_ORANGE = ("cm.orange", "+237690000")
OPERATORS = (("cm.mtn", "+237670000"), _ORANGE)
#: What goes by the aggregator.
AGGREGATED = (_ORANGE,)
_TRANSFERRED = 0.3
_REFUNDED = 0.4
_LOOKS = 12


class PhonePayers(Traffic):
    """Pay by mobile money; some want their money back, and to some the merchant sends money.

    ``operators`` are channels and the beginnings of their numbers. By the aggregator nobody asks
    for money back: its refunds bear no key of ours that its book could be compared by.
    """

    def __init__(
        self,
        writer: Writer,
        shop: Shop,
        application_id: str,
        chance: random.Random,
        operators: Sequence[tuple[str, str]] = OPERATORS,
        refunded: float = _REFUNDED,
    ) -> None:
        self._operators = operators
        self._refunded = refunded
        self._writer = writer
        self._shop = shop
        self._application_id = application_id
        self._chance = chance
        self.endings = ENDINGS
        self.walks = 0

    async def close(self) -> None:
        await self._shop.close()

    async def walk(self, number: int) -> None:
        chance = random.Random(self._chance.random())
        channel, first = chance.choice(self._operators)
        self.walks += 1
        phone = first + chance.choices(list(self.endings), list(self.endings.values()))[0]
        if chance.random() < _TRANSFERRED:
            await self._send(f"transfer {number}", channel, phone, chance.randint(100, 900))
            return
        key, amount = f"order {number}", chance.randint(100, 90_000)
        await self._collect(key, channel, phone, amount)
        if chance.random() < self._refunded and await self._is_complete(key):
            await self._refund(key, amount)

    async def _collect(self, key: str, channel: str, phone: str, amount: int) -> None:
        fields = {"amount": amount, "currency": "XAF", "phone": phone, "reference": key}

        async def create() -> Answer:
            return await self._shop.call("POST", "/payments", **fields)

        await self._writer.write(
            "create",
            key,
            create,
            is_done=lambda answer: answer.status == 409,
            application_id=self._application_id,
            amount=str(amount),
            currency="XAF",
        )
        data = {"channel": channel, "data": {"phone": phone}}
        await self._writer.write(
            "process",
            key,
            lambda: self._shop.call("PUT", f"/payments/{key}", **data),
            is_done=lambda answer: answer.status == 422,
        )

    async def _send(self, key: str, channel: str, phone: str, amount: int) -> None:
        fields = {"amount": amount, "currency": "XAF", "channel": channel, "reference": key}
        payee = {"name": "Amina Kamga", "phone": phone}

        async def send() -> Answer:
            return await self._shop.call("POST", "/transfers", beneficiary_data=payee, **fields)

        await self._writer.write(
            "send",
            key,
            send,
            is_done=lambda answer: answer.status == 409,
            application_id=self._application_id,
            amount=str(amount),
            currency="XAF",
        )

    async def _refund(self, payment: str, amount: int) -> None:
        """All of it: a repetition finds nothing left, which means that the first one was done."""

        async def refund() -> Answer:
            return await self._shop.call("POST", "/refunds", payment=payment)

        await self._writer.write(
            "refund",
            payment,
            refund,
            is_done=lambda answer: answer.status == 422,
            application_id=self._application_id,
            amount=str(amount),
            currency="XAF",
        )

    async def _is_complete(self, key: str) -> bool:
        """Whether the payment is complete before its customer loses patience."""
        for gap_seconds in _few(_LOOKS):
            with suppress(httpx2.TransportError):
                answer = await self._shop.call("GET", f"/payments/{key}")
                if answer.status == 200:
                    status = answer.json()["transaction"]["status"]
                    if status not in ("pending", "processing"):
                        return bool(status == "complete")
            await asyncio.sleep(gap_seconds)
        return False


def _few(times: int) -> Iterator[float]:
    return (gap_seconds for gap_seconds, _ in zip(gaps(), range(times), strict=False))
