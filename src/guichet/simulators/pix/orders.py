"""Payments under way in wallets: what was read, what was chosen, what came of it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from .banks import Bank
from .book import Book, Conflict, Rejected
from .brcode import BrCode, read
from .money import cents_of
from .payers import EXACT, Payer, Scenario, amount_by
from .records import ACTIVE, Charge, Payment, Receiver
from .wire import Writer

_TRIES = 3
Stage = Literal["open", "stopped", "under_way", "paid", "rejected", "refused", "blocked"]


class Unreadable(Exception):
    """The code leads to nobody here; ``why`` is ``foreign`` or ``unknown-key`` or ``gone``."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(slots=True)
class Order:
    """One code that a wallet has read. ``key`` is the secret in the address of its pages."""

    wallet: str
    text: str
    code: BrCode
    receiver: Receiver
    charge: Charge | None
    key: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    bank: Bank | None = None
    amount_minor: int | None = None
    scenario: Scenario = EXACT
    anyway: bool = False
    tries: int = _TRIES
    payments: list[Payment] = field(default_factory=list)
    rejected: str | None = None
    decided: Literal["sent", "refused", "blocked"] | None = None

    @property
    def asked_minor(self) -> int | None:
        """What is asked for; None where the payer chooses."""
        if self.charge is not None:
            return cents_of(self.charge.terms["valor"]["original"])
        return self.code.amount_minor

    @property
    def is_free(self) -> bool:
        """The payer may choose the amount by the rules, not as a test alone."""
        if self.charge is None:
            return self.code.amount_minor is None
        return bool(self.charge.terms["valor"].get("modalidadeAlteracao") == 1)

    @property
    def description(self) -> str | None:
        if self.charge is None:
            return self.code.description
        text: str | None = self.charge.terms.get("solicitacaoPagador")
        return text

    @property
    def additional_lines(self) -> list[dict[str, str]]:
        """What the payer is shown besides: ``nome`` and ``valor`` of each line."""
        if self.charge is None:
            return []
        lines: list[dict[str, str]] = self.charge.terms.get("infoAdicionais", [])
        return lines

    @property
    def debtor_name(self) -> str | None:
        if self.charge is None or "devedor" not in self.charge.terms:
            return None
        return str(self.charge.terms["devedor"]["nome"])

    @property
    def to_send_minor(self) -> int:
        """What will leave the account, once."""
        if self.charge is not None and self.amount_minor is not None:
            return self.amount_minor
        return amount_by(self.scenario, self.amount_minor or self.asked_minor or 0)

    @property
    def txid(self) -> str | None:
        return self.charge.txid if self.charge is not None else self.code.txid


class Orders:
    """All orders of all wallets over one book."""

    def __init__(self, book: Book, writer: Writer) -> None:
        self._book = book
        self._writer = writer
        self._orders: dict[str, Order] = {}

    def reset(self) -> None:
        self._orders.clear()

    def order(self, key: str) -> Order | None:
        return self._orders.get(key)

    def of(self, wallet: str) -> Iterator[Order]:
        """A wallet's orders that were sent, newest first."""
        return (
            each
            for each in reversed(self._orders.values())
            if each.wallet == wallet and each.decided == "sent"
        )

    def open(self, wallet: str, text: str) -> Order:
        """Reads a code; raises ``NotBrCode`` or ``Unreadable``."""
        code = read(text)
        charge = None
        if code.location is not None:
            token = self._writer.token_in(code.location)
            if token is None:
                raise Unreadable("foreign")
            charge = self._book.charge_at(token)
            if charge is None:
                raise Unreadable("gone")
        receiver = charge.receiver if charge else self._book.receiver_of_key(code.key or "")
        if receiver is None:
            raise Unreadable("unknown-key")
        order = Order(wallet, text, code, receiver, charge)
        self._orders[order.key] = order
        return order

    def stage(self, order: Order) -> Stage:
        """How far an order is; ``stopped``: its charge cannot be paid any more, by the rules."""
        if order.rejected is not None:
            return "rejected"
        if order.decided == "sent":
            return "paid" if order.payments else "under_way"
        if order.decided is not None:
            return order.decided
        return "open" if order.anyway or self.obstacle(order) is None else "stopped"

    def obstacle(self, order: Order) -> str | None:
        """Why the charge should not be paid: its status, or ``expired``."""
        charge = order.charge
        if charge is None:
            return None
        if charge.status != ACTIVE:
            return charge.status
        return "expired" if self._book.has_expired(charge) else None

    def wrong_pin(self, order: Order) -> None:
        order.tries -= 1
        if order.tries <= 0:
            order.decided = "blocked"

    def pay(self, order: Order) -> None:
        """Sends the money of an open order with a bank; what came of it is in the order.

        Raises ``Conflict`` if the charge ended meanwhile.
        """
        assert order.bank is not None
        payer = Payer(bank=order.bank)
        try:
            order.payments = self._send(order, payer)
        except Rejected as rejected:
            order.rejected = rejected.code
        order.decided = "sent"

    def _send(self, order: Order, payer: Payer) -> list[Payment]:
        if order.charge is not None:
            return self._book.pay_charge(
                order.charge,
                payer,
                order.scenario,
                amount_minor=order.amount_minor,
                late=order.anyway,
            )
        amount = order.amount_minor or order.asked_minor
        if amount is None:
            raise Conflict("the amount is missing")
        return self._book.pay_key(order.receiver, payer, order.scenario, amount, order.txid)
