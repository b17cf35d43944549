"""The books as plain text that hledger reads (docs/ledger.md): debits are above zero."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from guichet.domain.money import Money, exponent
from guichet.ledger.chart import CHART, Kind

#: What begins an account's name, and hledger's own letter for such accounts.
_KINDS = {
    Kind.ASSET: ("assets", "A"),
    Kind.LIABILITY: ("liabilities", "L"),
    Kind.INCOME: ("income", "R"),
    Kind.EXPENSE: ("expenses", "X"),
}
#: Line feeds would end a description, ``;`` and ``|`` would part it.
_PARTING = re.compile(r"[\s;|\x00-\x1f\x7f]+")


class NamedAccount(NamedTuple):
    """An account within one environment; ``owner`` is a rail, an application's id, or None: us."""

    code: str
    owner: str | None
    currency: str

    @property
    def name(self) -> str:
        """``assets:rail_float:mtn``; accounts in several currencies share a name."""
        parts = (_KINDS[CHART[self.code].kind][0], self.code, self.owner)
        return ":".join(part for part in parts if part)


class Balance(NamedTuple):
    """What an account holds, as a debit: liabilities and income are below zero."""

    account: NamedAccount
    debit_minor: int


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """An entry of the ledger as it is told to others.

    ``payee`` is the merchant's application, ``reference`` the merchant's own: no payer is named.
    ``lines`` are what moved, debits above zero.
    """

    key: str
    event: str
    payee: str | None
    reference: str | None
    occurred_at: datetime
    lines: tuple[Balance, ...]


def head(
    comment: str, accounts: Iterable[NamedAccount], applications: Mapping[str, str] | None = None
) -> str:
    """Comment, decimals of every currency, and kinds of accounts, so that hledger may be strict.

    ``applications``: the names of owners, for readers.
    """
    known, names = list(accounts), applications or {}
    lines = [f"; {comment}", "decimal-mark ."]
    lines += [
        f"commodity {_amount(10 ** (3 + exponent(currency)), currency)}"
        for currency in sorted({account.currency for account in known})
    ]
    tags = {account.name: _tags(account, names.get(account.owner or "")) for account in known}
    lines += [f"account {name}  ; {text}" for name, text in sorted(tags.items())]
    return "\n".join(lines) + "\n"


def transaction(entry: JournalEntry) -> str:
    """One entry: its key is the code, its event and the merchant's reference the description."""
    note = " ".join(filter(None, (entry.event, _plain(entry.reference))))
    description = " | ".join(filter(None, (_plain(entry.payee), note)))
    moment = f"{entry.occurred_at:%Y-%m-%dT%H:%M:%S.%fZ}"
    lines = [f"\n{entry.occurred_at.date()} ({entry.key}) {description}  ; time:{moment}"]
    lines += [
        f"    {account.name}  {_amount(minor, account.currency)}" for account, minor in entry.lines
    ]
    return "\n".join(lines) + "\n"


def opening(day: date, balances: Iterable[Balance]) -> str:
    """What the accounts held before ``day``; nothing where they held nothing."""
    return _balances(
        f"{day} (opening) opening balances",
        [
            f"    {account.name}  {_amount(minor, account.currency)}"
            for account, minor in balances
            if minor
        ],
    )


def closing(day: date, balances: Iterable[Balance]) -> str:
    """What the accounts must hold after all transactions: hledger refuses the file otherwise."""
    return _balances(
        f"{day} (closing) closing balances",
        [
            f"    {account.name}  {_amount(0, account.currency)}"
            f" = {_amount(minor, account.currency)}"
            for account, minor in balances
        ],
    )


def _balances(first: str, lines: list[str]) -> str:
    return "\n".join([f"\n{first}", *lines]) + "\n" if lines else ""


def _tags(account: NamedAccount, owner: str | None) -> str:
    kind = f"type:{_KINDS[CHART[account.code].kind][1]}"
    return f"{kind}, application:{_plain(owner).replace(',', '')}" if owner else kind


def _amount(minor: int, currency: str) -> str:
    text = Money(minor, currency).text()
    # Without a decimal mark of its own an amount of three digits after one could be thousands.
    return f"{text if exponent(currency) else text + '.'} {currency}"


def _plain(text: str | None) -> str:
    return _PARTING.sub(" ", text or "").strip()
