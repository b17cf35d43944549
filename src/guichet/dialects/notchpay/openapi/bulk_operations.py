"""Operations of bulk transfers, with their objects and examples."""

from __future__ import annotations

from typing import Any

from guichet.dialects.notchpay.openapi import examples
from guichet.dialects.notchpay.openapi.parts import GRANTED, PAGES, answered, page_of
from guichet.dialects.notchpay.statuses import TRANSFER_WORDS
from guichet.dialects.openapi.operations import (
    CSV,
    FORM,
    JSON,
    MULTIPART,
    Answer,
    Body,
    Operation,
    in_path,
    in_query,
)
from guichet.dialects.openapi.schemas import (
    Schema,
    any_object,
    boolean,
    either,
    fields,
    integer,
    listed,
    nullable,
    number,
    record,
    ref,
    text,
    words,
)
from guichet.domain.bulk_transfers import ROWS_MAX, Mode

_AMOUNT = number("In the currency's major unit.")
_CURRENCY = text("ISO 4217.", pattern="^[A-Z]{3}$")
_HEAD: dict[str, Schema] = {
    "id": text("The bulk's name. Opaque.", pattern=r"^blk\.(test_)?[0-9A-Za-z]{22}$"),
    "description": nullable(text()),
    "currency": _CURRENCY,
    "mode": words(Mode, "What a row that cannot be sent means for the others."),
    "total_amount": _AMOUNT | {"description": "Of its transfers."},
    "total_fee": _AMOUNT | {"description": "Of its transfers."},
    "total_transfers": integer("Rows that are transfers.", minimum=0),
    "failed_rows": integer("Rows that became none.", minimum=0),
    "statuses": {
        "type": "object",
        "description": "How many of its transfers are in each state.",
        "propertyNames": words(TRANSFER_WORDS),
        "additionalProperties": integer(minimum=1),
    },
    "sandbox": {"type": "integer", "enum": [0, 1], "description": "1 in sandbox, 0 live."},
    "created_at": ref("Moment"),
}
_DRY_RUN = either(boolean(), words(["true", "false", "1", "0"]), {"type": "null"})
_OPTIONS: dict[str, Schema] = {
    "description": nullable(text(maxLength=256)),
    "mode": nullable(
        words(Mode, "`all_or_nothing` by default: one row that cannot be sent refuses all.")
    ),
    "dry_run": _DRY_RUN | {"description": "Judge everything, write nothing."},
}

BULK_SCHEMAS: dict[str, Schema] = {
    "BulkTransfer": record(
        _HEAD
        | {
            "id": nullable(_HEAD["id"]),
            "dry_run": boolean("Whether nothing was written."),
            "transfers": listed(ref("Transfer"), "In the order of the rows."),
            "rows": listed(ref("BulkRow")),
            "balance": record(
                {
                    "currency": _CURRENCY,
                    "available": _AMOUNT,
                    "needed": _AMOUNT | {"description": "By all rows in order, with fees."},
                    "missing": _AMOUNT,
                },
                "Of a dry run: whether there is enough.",
            ),
        },
        "Many transfers asked for at once.",
        optional=("balance",),
    ),
    "BulkRow": record(
        {
            "row": integer("From 0.", minimum=0),
            "status": words(["accepted", "failed"]),
            "transfer": nullable(text("The transfer's reference.")),
            "amount": _AMOUNT,
            "fee": _AMOUNT,
            "existed": boolean("Whether its reference had made the transfer before."),
            "errors": nullable(
                {
                    "type": "object",
                    "description": "Sentences by field: `transfers.2.amount`.",
                    "additionalProperties": listed(text(), minItems=1),
                }
            ),
        },
        "What became of a row.",
        optional=("amount", "fee", "existed"),
    ),
    "BulkSummary": record(_HEAD, "A bulk without its rows."),
    "NewBulkTransfer": fields(
        {
            "currency": text("Of all rows; a file need not say it.", pattern="^[A-Za-z]{3}$"),
            "transfers": either(
                listed(any_object("As `NewTransfer`, without the currency.")),
                any_object("The same by number, as forms have it."),
            ),
            "file": text("A CSV file in place of `transfers`."),
            **_OPTIONS,
        },
        f"Up to {ROWS_MAX} transfers.",
        anyOf=[{"required": ["currency", "transfers"]}, {"required": ["file"]}],
    ),
}

_ID = "blk.test_4yAWYm2XnT7b1cQzK9wRfD"
_SUMMARY: dict[str, Any] = {
    "id": _ID,
    "description": "Salaries",
    "currency": "XAF",
    "mode": "continue",
    "total_amount": 1500,
    "total_fee": 0,
    "total_transfers": 1,
    "failed_rows": 1,
    "statuses": {"processing": 1},
    "sandbox": 1,
    "created_at": examples.TRANSFER["created_at"],
}
_BULK: dict[str, Any] = _SUMMARY | {
    "dry_run": False,
    "transfers": [examples.TRANSFER],
    "rows": [
        {
            "row": 0,
            "status": "accepted",
            "transfer": examples.TRANSFER_ID,
            "amount": 1500,
            "fee": 0,
            "existed": False,
            "errors": None,
        },
        {
            "row": 1,
            "status": "failed",
            "transfer": None,
            "errors": {"transfers.1.channel": ["The selected transfers.1.channel is invalid."]},
        },
    ],
}
_NEW: dict[str, Any] = {
    "currency": "XAF",
    "description": "Salaries",
    "mode": "continue",
    "transfers": [
        {
            "amount": 1500,
            "channel": "cm.mtn",
            "reference": "salary-7",
            "beneficiary_data": {"name": "Amina Kamga", "phone": "+237670000000"},
        },
        {"amount": 2000, "channel": "cm.nobody", "recipient": "+237690000000"},
    ],
}
_CHECKED: dict[str, Any] = _BULK | {
    "id": None,
    "dry_run": True,
    "statuses": {"pending": 1},
    "transfers": [],
    "rows": [{**_BULK["rows"][0], "transfer": None}, _BULK["rows"][1]],
    "balance": {"currency": "XAF", "available": 1000, "needed": 1500, "missing": 500},
}
_TABLE = text("A table: a line of column names, then a line for each row.")
_WITH_TABLE: dict[str, Schema] = {CSV: _TABLE}
_SHOWN = {"bulk_transfer": (ref("BulkTransfer"), _BULK)}
_BY_ID = in_path("id", "The bulk's id.", _ID)


def _read() -> dict[int, Answer]:
    [(code, answer)] = answered(
        200, "Bulk transfer retrieved", "The bulk, or its table.", _SHOWN
    ).items()
    return {
        code: Answer(
            description=answer.description,
            schema=answer.schema,
            examples=answer.examples,
            headers=answer.headers,
            also=_WITH_TABLE,
        )
    }


BULK_TRANSFERS = (
    Operation(
        route="GET /transfers/bulk",
        name="listBulkTransfers",
        tag="Transfers",
        summary="List bulk transfers",
        parameters=PAGES,
        answers=page_of(
            "Bulk transfers retrieved", "BulkSummary", ("items", "data", "bulk_transfers"), _SUMMARY
        ),
        failures=(422,),
        security=GRANTED,
    ),
    Operation(
        route="POST /transfers/bulk",
        name="createBulkTransfer",
        tag="Transfers",
        summary="Send money to many",
        description=(
            "The money of all rows is set aside at once, then the operators are asked.\n\nA row "
            "whose `reference` names a transfer of the same amount to the same number is that "
            "transfer: a bulk whose rows have references can be sent again. A CSV file has its "
            "options in the query."
        ),
        parameters=(
            in_query("currency", "Of a CSV file that does not say it.", text()),
            *(in_query(name, "Of a CSV file.", schema) for name, schema in _OPTIONS.items()),
        ),
        body=Body(
            schema=ref("NewBulkTransfer"),
            examples={"one row that cannot be sent": _NEW},
            media=(JSON, FORM, MULTIPART),
            also=_WITH_TABLE,
        ),
        answers=answered(
            200,
            "Bulk transfer checked",
            "What would become of it: `dry_run`.",
            {"bulk_transfer": (ref("BulkTransfer"), _CHECKED)},
        )
        | answered(201, "Bulk transfer initialized", "The bulk.", _SHOWN, word="Accepted"),
        failures=(422,),
        security=GRANTED,
    ),
    Operation(
        route="GET /transfers/bulk/{id}",
        name="readBulkTransfer",
        tag="Transfers",
        summary="Read a bulk transfer",
        description=(
            "As JSON; as a table with `.csv` behind the id, or with `Accept: text/csv`. The table "
            "can be mended and sent again."
        ),
        parameters=(
            _BY_ID,
            in_query("rows", "`failed`: in the table, what became no transfer or failed.", text()),
        ),
        answers=_read(),
        failures=(404, 422),
        security=GRANTED,
    ),
    Operation(
        route="POST /transfers/bulk/{id}/resume",
        name="resumeBulkTransfer",
        tag="Transfers",
        summary="Try a bulk's failed rows again",
        description="The rows that became no transfer, and no others; at once or never twice.",
        parameters=(_BY_ID,),
        answers=answered(202, "Bulk transfer resumed", "The bulk.", _SHOWN),
        failures=(404, 422),
        security=GRANTED,
    ),
)
