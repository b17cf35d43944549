"""What a sandbox application has from the beginning, so that it can send money at once."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from guichet.domain.access import Environment
from guichet.domain.errors import Invalid
from guichet.domain.money import Money, exponent
from guichet.ledger.chart import AccountKey
from guichet.ledger.entries import Entry, credit, debit
from guichet.store import administration as store
from guichet.store.database import Connection
from guichet.store.journal import Journal

#: In whole units of the application's currency.
_OPENING = 1_000_000


async def open_balance(
    connection: Connection,
    application_id: UUID,
    environment: Environment,
    currency: str,
    now: datetime,
) -> Money:
    """Give a sandbox application money that nobody paid, once; what it has got by that.

    Booked as if the merchant had brought it to our bank. Raises ``Invalid`` (``environment``) in
    live, where there is no such money.
    """
    if environment is not Environment.SANDBOX:
        raise Invalid("environment", "sandbox")
    money = Money(_OPENING * 10 ** exponent(currency), currency)
    bank = AccountKey(environment.value, "bank", None, None, currency)
    available = AccountKey(environment.value, "merchant_available", application_id, None, currency)
    entry = Entry(
        key=f"opening:{application_id}",
        event="balance.opened",
        environment=environment.value,
        subject_id=application_id,
        occurred_at=now,
        postings=(debit(bank, money.minor), credit(available, money.minor)),
    )
    async with connection.transaction():
        book = await Journal().open(connection, [bank, available])
        if not await store.is_booked(connection, entry.key):
            book.post(entry)
            await book.write(connection)
    return money
