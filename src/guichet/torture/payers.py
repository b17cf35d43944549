"""Customers of Neopay merchants: some go to their bank, some pay a PIX code."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from uuid import UUID

import httpx2

from guichet.torture.calls import Answer, Merchant
from guichet.torture.journal import neopay_says
from guichet.torture.load import Gone, Traffic, Writer, gaps
from guichet.torture.providers import PixSimulator, Simulator

#: What becomes of a payment at the bank, by login name, and how often.
BANK_USERS = {
    "mits": 50,
    "accepted": 10,
    "timeout": 8,
    "error502-moved": 6,
    "lost": 5,
    "garbled": 4,
    "twice": 5,
    "AC04": 4,
}
_ABANDONED = 0.12
_REFUSED = 0.1
_NO_RETURN = 0.2
_REPLAYED = 0.1
#: How a payer pays a code, and how often; who does not pay leaves the charge open.
WALLETS = {"exact": 60, "repeated": 12, "silent": 12, "AC06": 8}
#: What happens to somebody's call for a charge, and when: before it was made or after.
_CHARGE_FAULTS = (
    ("drop", "after"),
    ("drop", "before"),
    ("error", "after"),
    ("error", "before"),
    ("garble", "after"),
)
_CHARGE_FAULTY = 0.15


async def create(
    writer: Writer,
    merchant: Merchant,
    number: int,
    chance: random.Random,
    currency: str,
    callback_url: str,
    service: str,
) -> dict[str, Any]:
    """Make a payment, sometimes asking once more; returns what was answered."""
    key, amount = f"order {number}", f"{chance.randint(0, 9999)}.{chance.randint(1, 99):02}"

    async def send() -> Answer:
        return await merchant.create(
            amount,
            currency,
            key,
            callback_url=callback_url,
            email=f"payer-{number}@example.com",
            service=service,
        )

    answer = await writer.write(
        "create",
        key,
        send,
        times=2 if chance.random() < _REPLAYED else 1,
        told=neopay_says,
        application_id=str(merchant.application_id),
        amount=amount,
        currency=currency,
    )
    made: dict[str, Any] = answer.json()["payment"]
    return made


class BankPayers(Traffic):
    """Press the button, decide at the bank, come back or not."""

    def __init__(
        self,
        writer: Writer,
        merchants: list[Merchant],
        bank: Simulator,
        callback_of: Callable[[Merchant], str],
        chance: random.Random,
    ) -> None:
        self._writer = writer
        self._merchants = merchants
        self._bank = bank
        self._callback_of = callback_of
        self._chance = chance
        self.users = BANK_USERS
        #: Receivers of every other payment, while there are any.
        self.hostile_urls: list[str] = []
        self.walks = 0

    async def close(self) -> None:
        for merchant in self._merchants:
            await merchant.close()

    async def walk(self, number: int) -> None:
        chance = random.Random(self._chance.random())
        merchant = chance.choice(self._merchants)
        self.walks += 1
        currency, callback_url = chance.choice(("GBP", "EUR")), self._callback_of(merchant)
        if self.hostile_urls and self.walks % 2:
            callback_url = chance.choice(self.hostile_urls)
        made = await create(self._writer, merchant, number, chance, currency, callback_url, "api")
        page: str = made["authorisationUrl"]
        if chance.random() < _ABANDONED:
            return
        bank = await self._start(merchant, page)
        if chance.random() < _REFUSED:
            decided = await self._bank.decide("refuse", consent=bank)
        else:
            (user,) = chance.choices(list(self.users), list(self.users.values()))
            decided = await self._bank.decide("accept", consent=bank, user=user)
        if chance.random() >= _NO_RETURN:
            callback = decided["callback"]
            await self._writer.write("return", bank, lambda: merchant.come_back(callback))

    async def _start(self, merchant: Merchant, page: str) -> str:
        """Press the button until there is a bank to go to; returns the secret in its address."""
        payment_id = str(UUID(page.split("/pay/")[1].partition("/")[0]))
        for gap_seconds in gaps():
            await self._writer.write("start", payment_id, lambda: merchant.press_pay(page))
            with suppress(httpx2.TransportError):
                address = await merchant.bank_page(page)
                if address is not None:
                    return address.rpartition("/")[2]
            await asyncio.sleep(gap_seconds)
        raise AssertionError


class CodePayers(Traffic):
    """Get a code, pay it in the wallet or not."""

    def __init__(
        self,
        writer: Writer,
        merchant: Merchant,
        psp: PixSimulator,
        callback_url: str,
        chance: random.Random,
    ) -> None:
        self._writer = writer
        self._merchant = merchant
        self._psp = psp
        self._callback_url = callback_url
        self._chance = chance
        #: How often something happens to the call for a charge.
        self.charge_faulty = _CHARGE_FAULTY
        self.walks = 0

    async def close(self) -> None:
        await self._merchant.close()

    async def walk(self, number: int) -> None:
        chance = random.Random(self._chance.random())
        self.walks += 1
        if chance.random() < self.charge_faulty:
            kind, when = chance.choice(_CHARGE_FAULTS)
            await self._psp.control("faults", operation="put_cob", kind=kind, when=when)
        made = await create(
            self._writer, self._merchant, number, chance, "BRL", self._callback_url, "pix"
        )
        if chance.random() < _ABANDONED:
            return
        code = made["qr_code"] or await self._code(made["id"])
        (scenario,) = chance.choices(list(WALLETS), list(WALLETS.values()))
        await self._psp.control("pay", code=code, scenario=scenario)

    async def _code(self, payment_id: str) -> str:
        """The code of a payment whose creation was answered before the PSP was."""
        for gap_seconds in gaps():
            with suppress(httpx2.TransportError):
                answer = await self._merchant.get(f"/api/payments/{payment_id}")
                if answer.status == 404:
                    raise Gone
                if answer.status == 200 and (code := answer.json()["payment"]["qr_code"]):
                    return str(code)
            await asyncio.sleep(gap_seconds)
        raise AssertionError
