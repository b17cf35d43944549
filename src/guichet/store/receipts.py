"""Money of lost orders: one row for each order at each account."""

from __future__ import annotations

from uuid import UUID

from guichet.domain.receipts import UnclaimedReceipt
from guichet.store.database import Connection

_COLUMNS = ", ".join(UnclaimedReceipt._fields)
_LOCK = f"""
INSERT INTO unclaimed_receipts ({_COLUMNS})
VALUES ({", ".join(f"${n}" for n in range(1, len(UnclaimedReceipt._fields) + 1))})
ON CONFLICT (rail, environment, account_id, order_id) DO UPDATE SET id = unclaimed_receipts.id
RETURNING {_COLUMNS}
"""


async def lock(connection: Connection, new: UnclaimedReceipt) -> UnclaimedReceipt:
    """The row of the order, locked; ``new`` if there was none."""
    record = await connection.fetchrow(_LOCK, *new)
    assert record is not None
    return UnclaimedReceipt._make(tuple(record))


async def lock_by_id(connection: Connection, receipt_id: UUID) -> UnclaimedReceipt | None:
    """One row, locked for the rest of the transaction, unless it was claimed."""
    record = await connection.fetchrow(
        f"SELECT {_COLUMNS} FROM unclaimed_receipts WHERE id = $1 AND payment_id IS NULL"
        " FOR UPDATE",
        receipt_id,
    )
    return UnclaimedReceipt._make(tuple(record)) if record else None


async def update(connection: Connection, receipt: UnclaimedReceipt) -> None:
    """Write what of a locked row may change."""
    await connection.execute(
        "UPDATE unclaimed_receipts SET received_minor = $2, returned_minor = $3, payment_id = $4,"
        " updated_at = $5 WHERE id = $1",
        receipt.id,
        receipt.received_minor,
        receipt.returned_minor,
        receipt.payment_id,
        receipt.updated_at,
    )


async def unclaimed(connection: Connection) -> list[UnclaimedReceipt]:
    """All of which something lies in suspense, oldest first: nobody's yet, so the operator's."""
    records = await connection.fetch(
        f"SELECT {_COLUMNS} FROM unclaimed_receipts"
        " WHERE payment_id IS NULL AND received_minor > returned_minor ORDER BY id"
    )
    return [UnclaimedReceipt._make(tuple(record)) for record in records]
