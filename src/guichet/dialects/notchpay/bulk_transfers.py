"""Bulk transfers (contract section 14.3): many at once, as JSON, a form or a CSV file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import UUID

from guichet.dialects import validation as rules
from guichet.dialects.notchpay import fields
from guichet.dialects.notchpay.bodies import read_fields
from guichet.dialects.notchpay.bulk_rows import errors_in_bulk, read_again, read_rows
from guichet.dialects.notchpay.bulk_views import (
    bulk_table,
    render_balance_for,
    render_bulk,
    render_summary,
)
from guichet.dialects.notchpay.envelope import answer, listing
from guichet.dialects.notchpay.errors import invalid_reply
from guichet.dialects.notchpay.ids import read_id
from guichet.dialects.notchpay.queries import asked_page, asked_text
from guichet.dialects.notchpay.tables import Table, read_table
from guichet.dialects.validation import Field, Form, Values
from guichet.domain.access import Application, Caller
from guichet.domain.bulk_transfers import ROWS_MAX, Mode, RowRefusal
from guichet.domain.errors import NotFound
from guichet.gateway import Gateway
from guichet.services.bulk_transfers import (
    Bulk,
    NewBulk,
    check_bulk,
    create_bulk,
    list_bulks,
    read_bulk,
    resume_bulk,
)
from guichet.web.asgi import Reply, Request

_OPTIONS = ("currency", "description", "mode", "dry_run")


def _rows(value: Any, _: Values) -> str | None:
    if not isinstance(value, list | dict):
        return "The {} field must be an array."
    if len(value) > ROWS_MAX:
        return f"The {{}} field must not have more than {ROWS_MAX} items."
    return None if value else "The {} field is required."


_HEAD = (
    Field("currency", (fields.currency,), rules.required),
    Field("description", (fields.text(256),)),
    Field("mode", (rules.one_of(*Mode),)),
    Field("dry_run", (fields.boolean,)),
)
_BY_FILE = Form(*_HEAD)
_BY_FIELDS = Form(*_HEAD, Field("transfers", (_rows,), rules.required))


class _Asked(NamedTuple):
    """A bulk as it was asked for: its rows' bodies by number, and the table that they were in."""

    values: Values
    bodies: Mapping[int, Any]
    table: Table | None

    @property
    def mode(self) -> Mode:
        # A client that knows of no modes takes 201 for "all of them are on their way".
        return Mode(self.values["mode"] or Mode.ALL_OR_NOTHING)


class BulkTransfers:
    """The handlers of bulk transfers."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def create(self, request: Request, caller: Caller) -> Reply:
        """POST /transfers/bulk; with ``dry_run`` it says what would be, and nothing happens."""
        application = caller.application
        asked = _read(request, application)
        currency = str(asked.values["currency"])
        rows = await read_rows(self._gateway, application, currency, asked.bodies)
        new = NewBulk(asked.mode, currency, asked.values["description"], rows)
        if fields.as_boolean(asked.values["dry_run"]):
            checked = await check_bulk(self._gateway, application, new)
            rendered = render_bulk(checked, asked.table) | {"balance": render_balance_for(checked)}
            return answer(200, "Bulk transfer checked", bulk_transfer=rendered)
        made = await create_bulk(self._gateway, application, new)
        if not made.is_kept:
            return _refused(made, asked.table)
        rendered = render_bulk(made, asked.table)
        return answer(201, "Bulk transfer initialized", "Accepted", bulk_transfer=rendered)

    async def list(self, request: Request, caller: Caller) -> Reply:
        """GET /transfers/bulk."""
        page = asked_page(request)
        found = await list_bulks(self._gateway, caller.application, page)
        items = [render_summary(summary) for summary in found.items]
        keys = ("items", "data", "bulk_transfers")
        return listing("Bulk transfers retrieved", items, page, found.total, keys)

    async def show(self, request: Request, caller: Caller) -> Reply:
        """GET /transfers/bulk/{id}: as JSON, or as a table with ``.csv`` behind the id or with
        ``Accept: text/csv``; ``rows=failed`` leaves the others out of the table.
        """
        key = request.parameters["id"]
        bulk_id = key.removesuffix(".csv")
        found = await read_bulk(self._gateway, caller.application, _id_of(bulk_id))
        if key == bulk_id and "text/csv" not in request.headers.get("accept", "").lower():
            return answer(200, "Bulk transfer retrieved", bulk_transfer=render_bulk(found))
        failed = asked_text(request, "rows") == "failed"
        name = f"{bulk_id}-failed.csv" if failed else f"{bulk_id}.csv"
        headers = (("Content-Disposition", f'attachment; filename="{name}"'),)
        table = bulk_table(found, only_failed=failed)
        return Reply(200, table.encode(), "text/csv; charset=utf-8", headers)

    async def resume(self, request: Request, caller: Caller) -> Reply:
        """POST /transfers/bulk/{id}/resume: tries the rows again that became no transfer."""
        application = caller.application
        bulk_id = _id_of(request.parameters["id"])
        before = await read_bulk(self._gateway, application, bulk_id)
        rows = await read_again(self._gateway, application, before.head.currency, before.refused)
        after = await resume_bulk(self._gateway, application, bulk_id, rows)
        return answer(202, "Bulk transfer resumed", bulk_transfer=render_bulk(after))


def _read(request: Request, application: Application) -> _Asked:
    """What a request asks for; raises ``InvalidBody`` and ``ValidationFailed``."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    by_query = {name: asked_text(request, name) for name in _OPTIONS}
    if media_type == "text/csv":
        return _from_table(application, by_query, read_table(request.body, ROWS_MAX))
    body = by_query | read_fields(request)
    if isinstance(body.get("currency"), str):
        body["currency"] = body["currency"].upper()
    if isinstance(body.get("file"), str) and body.get("transfers") is None:
        return _from_table(application, body, read_table(body["file"], ROWS_MAX))
    values = _BY_FIELDS.check(body)
    sent = values["transfers"]
    return _Asked(values, dict(enumerate(sent if isinstance(sent, list) else sent.values())), None)


def _from_table(application: Application, options: dict[str, Any], table: Table) -> _Asked:
    """A file need not name the currency: it is then its first row's, or the application's own."""
    currency = options.get("currency") or table.currency or application.currency
    values = _BY_FILE.check({**options, "currency": currency.upper()})
    return _Asked(values, dict(enumerate(table.bodies())), table)


def _refused(bulk: Bulk, table: Table | None) -> Reply:
    """422: every broken field of every row, by its path; nothing was written."""
    broken: dict[str, list[str]] = {}
    for row in bulk.refused:
        broken |= errors_in_bulk(row, table)
    if all(row.reason == RowRefusal.INSUFFICIENT_FUNDS for row in bulk.refused):
        return invalid_reply(broken, message="Insufficient funds")
    return invalid_reply(broken)


def _id_of(key: str) -> UUID:
    bulk_id = read_id("bulk", key)
    if bulk_id is None:
        raise NotFound("bulk", key)
    return bulk_id
