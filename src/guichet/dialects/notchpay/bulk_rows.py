"""The rows of a bulk transfer: read from what was sent, and told with what became of them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from guichet.dialects.notchpay import fields
from guichet.dialects.notchpay.bodies import trimmed
from guichet.dialects.notchpay.errors import invalid_sentences
from guichet.dialects.notchpay.tables import Table
from guichet.dialects.notchpay.transfer_fields import kept_id, read_wanted
from guichet.dialects.validation import ValidationFailed, say
from guichet.domain.access import Application
from guichet.domain.beneficiaries import Beneficiary
from guichet.domain.bulk_transfers import BulkRow, RowRefusal
from guichet.domain.errors import Invalid
from guichet.gateway import Gateway
from guichet.services.beneficiaries import read_beneficiaries
from guichet.services.bulk_transfers import NewRow
from guichet.web.strict_json import read_json

Broken = Mapping[str, Sequence[str]]

#: Rows that are read before others get their turn: numbers of phones take their time.
_ROWS_AT_ONCE = 25
_REFUSED: Mapping[str, Broken] = {
    RowRefusal.REPEATED: {"reference": ["The reference field has a duplicate value."]},
    RowRefusal.TAKEN: {"reference": ["The reference has already been taken."]},
    RowRefusal.INSUFFICIENT_FUNDS: {"amount": ["Insufficient funds"]},
}


async def read_rows(
    gateway: Gateway, application: Application, currency: str, bodies: Mapping[int, Any]
) -> list[NewRow]:
    """The rows by their numbers, each with what it asks for in ``currency`` or what is wrong."""
    ids = [found for body in bodies.values() if (found := _kept_id(body)) is not None]
    kept = await read_beneficiaries(gateway, application, ids)
    rows = []
    for number, body in bodies.items():
        rows.append(_read_row(gateway, application, currency, number, body, kept))
        if len(rows) % _ROWS_AT_ONCE == 0:
            await asyncio.sleep(0)
    return rows


async def read_again(
    gateway: Gateway, application: Application, currency: str, rows: Sequence[BulkRow]
) -> list[NewRow]:
    """Rows of a kept bulk, as ``read_rows``: what they ask for may be possible now."""
    bodies = {row.number: trimmed(read_json(row.content.encode())) for row in rows}
    return await read_rows(gateway, application, currency, bodies)


def errors_of(row: BulkRow) -> Broken:
    """What is wrong with a row by field, as if it were alone; empty if nothing is."""
    if row.reason == RowRefusal.INVALID:
        found: Broken = json.loads(row.errors or "{}")
        return found
    return _REFUSED[row.reason] if row.reason else {}


def errors_in_bulk(row: BulkRow, table: Table | None = None) -> dict[str, list[str]]:
    """What is wrong with a row by its fields' paths in the bulk, ``transfers.2.amount``, and where
    that is in the table it came from.
    """
    told = {}
    for field, sentences in errors_of(row).items():
        path = f"transfers.{row.number}.{field}" if field else f"transfers.{row.number}"
        former, words = say("{}", field) if field else "row", say("{}", path)
        where = f" ({table.place(row.number, field)})" if table else ""
        told[path] = [sentence.replace(former, words, 1) + where for sentence in sentences]
    return told


def _kept_id(body: Any) -> UUID | None:
    try:
        return kept_id(body) if isinstance(body, dict) else None
    except ValidationFailed:
        return None  # said when the row is read


def _read_row(
    gateway: Gateway,
    application: Application,
    currency: str,
    number: int,
    body: Any,
    kept: Mapping[UUID, Beneficiary],
) -> NewRow:
    content = json.dumps(fields.numbers_made(body), ensure_ascii=False)
    try:
        _check(body, currency)
        beneficiary_id = kept_id(body)
        beneficiary = kept.get(beneficiary_id) if beneficiary_id else None
        in_bulk = {**body, "currency": currency}
        wanted = read_wanted(gateway, application, in_bulk, beneficiary)
    except ValidationFailed as error:
        return NewRow(number, content, None, None, json.dumps(dict(error.errors)))
    except Invalid as error:
        return NewRow(number, content, None, None, json.dumps(invalid_sentences(error)))
    return NewRow(number, content, wanted.transfer, wanted.beneficiary, None)


def _check(body: Any, currency: str) -> None:
    """A row is an object; it may name the currency, but no other than its bulk's."""
    if not isinstance(body, dict):
        raise ValidationFailed({"": ["The row field must be an array."]})
    named = body.get("currency")
    if named is not None and (not isinstance(named, str) or named.upper() != currency):
        raise ValidationFailed({"currency": [say("The selected {} is invalid.", "currency")]})
