"""A bulk transfer: rows asked for at once, each of which becomes a transfer or says why not."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

#: All of a bulk's money is set aside in one transaction, which must end well within the five
#: seconds that a statement may take and the two that others wait for the balance.
ROWS_MAX = 1000


class Mode(StrEnum):
    """What a row that cannot be sent means for the others."""

    ALL_OR_NOTHING = "all_or_nothing"
    CONTINUE = "continue"


class RowRefusal(StrEnum):
    """Why a row became no transfer."""

    INVALID = "invalid"  # it breaks a rule of the dialect's
    REPEATED = "repeated"  # another row of the bulk has its reference
    TAKEN = "taken"  # its reference names another transfer
    INSUFFICIENT_FUNDS = "insufficient_funds"


class BulkTransfer(NamedTuple):
    """What the rows of a bulk have in common."""

    id: UUID
    application_id: UUID
    environment: str
    mode: str
    currency: str
    description: str | None
    created_at: datetime


class BulkRow(NamedTuple):
    """Row ``number`` (from 0) of a bulk, and what became of it.

    ``content`` is the row as it was asked for, JSON in the dialect's words; ``null`` once it is a
    transfer. ``errors`` is JSON of what the dialect says of an ``invalid`` one. ``transfer_id``
    and ``reason`` exclude each other.
    """

    bulk_id: UUID
    application_id: UUID
    number: int
    content: str
    transfer_id: UUID | None
    reason: str | None
    errors: str | None
    updated_at: datetime
