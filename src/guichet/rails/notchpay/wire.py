"""Notch Pay's bodies: what we send, built from an order, and what we read of its answers.

Amounts are exact JSON numbers in both directions, in major units, and never floats. What documents
and answers that were seen call by two names is read by both.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import msgspec

from guichet.domain.money import Money

_DESCRIPTION_CHARACTERS_MAX = 256
_SAID = {"1": True, "true": True, "0": False, "false": False}

T = TypeVar("T")


class Wire(msgspec.Struct, omit_defaults=True, kw_only=True):
    """What is None is left out. Shows no contents in a log."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


# What we send -------------------------------------------------------------------------------------


class NewPayment(Wire):
    """``reference`` is our key; ``amount`` the raw text of a JSON number."""

    amount: msgspec.Raw
    currency: str
    phone: str
    reference: str
    locked_channel: str
    description: str | None = None


class Processing(Wire):
    channel: str
    data: dict[str, str]


class NewTransfer(Wire):
    amount: msgspec.Raw
    currency: str
    channel: str
    beneficiary_data: dict[str, str]
    reference: str
    description: str


class NewRefund(Wire):
    payment: str
    amount: msgspec.Raw
    reason: str


class NewEndpoint(Wire):
    url: str
    events: list[str]
    description: str


def amount_of(money: Money) -> msgspec.Raw:
    """The amount as a JSON number: ``5000`` for francs, ``12.50`` for cedis."""
    return msgspec.Raw(money.text().encode())


def description_of(text: str) -> str:
    """A description as Notch Pay takes it."""
    return text[:_DESCRIPTION_CHARACTERS_MAX].strip()


# What we read -------------------------------------------------------------------------------------


class Order(Wire):
    """A payment, a transfer, as far as we care; what may be of any kind is read as it is.

    Notch Pay's own reference begins with ``trx`` or ``trf``; ours is named ``merchant_reference``
    or ``trxref``, and in documents ``reference``.
    """

    reference: str
    status: str
    amount: msgspec.Raw = msgspec.Raw()
    currency: str | None = None
    merchant_reference: Any = None
    trxref: Any = None
    sandbox: Any = None
    failure_reason: Any = None

    def is_named(self, key: str) -> bool:
        """Whether this is the order that we named by ``key``."""
        return key in (self.merchant_reference, self.trxref, self.reference)

    @property
    def is_sandbox(self) -> bool | None:
        """Which environment it says it is of: 1 or 0, true or false; None: it does not say."""
        return _SAID.get(str(self.sandbox).lower())

    @property
    def why(self) -> str | None:
        """The word for why it failed, if there is one."""
        return self.failure_reason if isinstance(self.failure_reason, str) else None

    @property
    def amount_text(self) -> str:
        """The amount's digits, whether it came as a number or as a text."""
        return amount_text(self.amount)


class Refund(Wire):
    """A refund; ``reason`` is what we gave as one, with our key in it."""

    id: str
    status: str
    amount: msgspec.Raw = msgspec.Raw()
    currency: str | None = None
    payment: Any = None
    reason: Any = None
    failure_reason: Any = None

    def has_in_reason(self, text: str) -> bool:
        """Whether the reason that was given for it holds ``text``."""
        return isinstance(self.reason, str) and text in self.reason

    @property
    def why(self) -> str | None:
        """The word for why it failed, if there is one."""
        return self.failure_reason if isinstance(self.failure_reason, str) else None


class PaymentAnswer(Wire):
    transaction: Order | None = None
    payment: Order | None = None

    @property
    def found(self) -> Order | None:
        return self.transaction or self.payment


class TransferAnswer(Wire):
    transfer: Order | None = None

    @property
    def found(self) -> Order | None:
        return self.transfer


class RefundAnswer(Wire):
    refund: Refund | None = None

    @property
    def found(self) -> Refund | None:
        return self.refund


class Page(Wire, Generic[T]):
    """One page of a list, by the documented name of its array or the older one."""

    items: list[T] | None = None
    data: list[T] | None = None
    last_page: int = 1

    @property
    def rows(self) -> list[T]:
        return self.items or self.data or []


class Channel(Wire):
    id: str
    active: bool | int = True


class Endpoint(Wire):
    url: str
    active: bool | int = True


class Endpoints(Wire):
    endpoints: list[Endpoint] | None = None
    items: list[Endpoint] | None = None

    @property
    def rows(self) -> list[Endpoint]:
        return self.endpoints or self.items or []


class Problem(Wire):
    """An error. ``errors`` has lists of sentences by field; older pages show other things."""

    message: str
    errors: Any = None

    @property
    def fields(self) -> frozenset[str]:
        """The names of the fields that are wrong."""
        return frozenset(self.errors) if isinstance(self.errors, dict) else frozenset()


class Event(Wire):
    """A webhook's body: of the resource only whose it is."""

    event: str | None = None
    type: str | None = None
    data: Subject | None = None

    @property
    def name(self) -> str:
        return self.event or self.type or ""


class Subject(Wire):
    id: str | None = None
    reference: str | None = None
    merchant_reference: str | None = None
    trxref: str | None = None


def amount_text(raw: msgspec.Raw) -> str:
    """The digits of a JSON number or text; empty for what is neither."""
    return bytes(raw).decode("utf-8", "replace").strip('"')
