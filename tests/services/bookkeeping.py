"""What payments came to in the books, and in the world's ears."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from guichet.domain.money import Money
from guichet.domain.outcomes import Done, Outcome
from guichet.domain.payments import Payment
from guichet.gateway import Gateway
from guichet.services.settlement import record_outcome
from guichet.store import payments as store
from psp import Psp
from services.charging import charge, create


class Paid:
    """A payment, its attempt, and what they are now."""

    def __init__(self, gateway: Gateway, payment: Payment, attempt_id: UUID) -> None:
        self.gateway = gateway
        self.made = payment
        self.id = payment.id
        self.application_id = payment.application_id
        self.attempt_id = attempt_id

    async def now(self) -> Payment:
        async with self.gateway.database.connection() as connection:
            row = await store.by_id(connection, self.id)
        assert row is not None
        return row.payment

    async def report(self, outcome: Outcome) -> None:
        """The rail reports on the attempt."""
        await record_outcome(self.gateway, self.attempt_id, outcome)

    async def receive(self, minor: int) -> None:
        """So much has come in all."""
        await self.report(Done(received=Money(minor, self.made.currency)))


async def unpaid(
    gateway: Gateway,
    psp: Psp,
    application_id: UUID,
    minor: int = 10_050,
    notify_url: str | None = None,
) -> Paid:
    """A payment that waits for its payer."""
    made = (
        await create(gateway, charge(minor=minor, notify_url=notify_url), application_id)
    ).payment
    return Paid(gateway, made, UUID(psp.orders[-1].key))


async def paid(
    gateway: Gateway,
    psp: Psp,
    application_id: UUID,
    minor: int = 10_050,
    notify_url: str | None = None,
) -> Paid:
    """A payment that was paid exactly."""
    made = await unpaid(gateway, psp, application_id, minor, notify_url)
    await made.receive(minor)
    return made


_EFFECTS = """
SELECT a.code, sum(CASE WHEN (p.direction = 'debit') = (a.kind IN ('asset', 'expense'))
    THEN p.amount_minor ELSE -p.amount_minor END)::bigint
FROM ledger_postings p JOIN ledger_entries e ON e.id = p.entry_id
    JOIN ledger_accounts a ON a.id = p.account_id
WHERE e.subject_id = ANY($1) GROUP BY a.code
"""


async def effects(*payments: Paid) -> dict[str, int]:
    """What the payments moved in all, by account code; what came to nothing is left out."""
    return await effects_of(payments[0].gateway, *(payment.id for payment in payments))


async def effects_of(gateway: Gateway, *subjects: UUID) -> dict[str, int]:
    """The same of whatever has these ids."""
    async with gateway.database.connection() as connection:
        rows = await connection.fetch(_EFFECTS, list(subjects))
    return {code: minor for code, minor in rows if minor}


#: The payment and its refunds.
_SUBJECTS = "SELECT $1::uuid UNION ALL SELECT id FROM refunds WHERE payment_id = $1"


async def events(payment: Paid) -> list[str]:
    """The types of the payment's events, in their order."""
    rows = await _rows(
        payment,
        f"SELECT type FROM events WHERE subject_id IN ({_SUBJECTS}) ORDER BY version, occurred_at",
    )
    return [row["type"] for row in rows]


async def announced(payment: Paid) -> list[str]:
    """The types of the events that the merchant's address is told."""
    rows = await _rows(
        payment,
        "SELECT e.type FROM webhook_deliveries d JOIN events e ON e.id = d.event_id"
        f" WHERE e.subject_id IN ({_SUBJECTS}) ORDER BY e.version",
    )
    return [row["type"] for row in rows]


async def _rows(payment: Paid, sql: str) -> list[dict[str, Any]]:
    async with payment.gateway.database.connection() as connection:
        return [dict(row) for row in await connection.fetch(sql, payment.id)]
