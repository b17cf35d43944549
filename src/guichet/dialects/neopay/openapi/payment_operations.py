"""Operations of payments."""

from __future__ import annotations

from guichet.dialects.neopay.errors import IDEMPOTENCY_KEY
from guichet.dialects.neopay.openapi import examples
from guichet.dialects.neopay.openapi.parts import PAGES, answered, saved, shown
from guichet.dialects.neopay.openapi.schemas import page_of
from guichet.dialects.neopay.statuses import LINKS_SERVICE, RAIL_OF_SERVICE, WORDS
from guichet.dialects.openapi.operations import (
    Body,
    Operation,
    in_header,
    in_path,
    in_query,
)
from guichet.dialects.openapi.schemas import (
    record,
    ref,
    text,
    uuid,
)

_SERVICES = (*RAIL_OF_SERVICE, LINKS_SERVICE)

PAYMENTS = (
    Operation(
        route="GET /api/payments",
        name="listPayments",
        tag="Payments",
        summary="List payments",
        description="Newest first. A service or status that is unknown gives an empty list.",
        parameters=(
            in_query("service", "Which service.", text(), examples=shown(_SERVICES)),
            in_query(
                "status",
                "Which status.",
                text(),
                examples={word: {"value": word} for word in WORDS},
            ),
            in_query("fromDate", "Created on this day (UTC) or later.", text(format="date")),
            in_query("toDate", "Created on this day (UTC) or earlier.", text(format="date")),
            in_query("reference", "With exactly this reference (ours).", text(maxLength=255)),
            in_query("customer_id", "Of this customer (ours).", uuid()),
            in_query("uuid", "The payment of this id (ours).", uuid()),
            *PAGES,
        ),
        answers=answered(
            "One page of the application's payments.",
            page_of("Payment", "A page of payments."),
            {"one payment": examples.page_of("/api/payments", examples.PAYMENT)},
        ),
        failures=(422,),
    ),
    Operation(
        route="POST /api/payments",
        name="createPayment",
        tag="Payments",
        summary="Create a payment",
        description=(
            "By a bank (`api`), the payer goes to `authorisationUrl`; by Pix they pay `qr_code`."
            "\n\nWhere an answer may be lost, send an `Idempotency-Key`: the same key with the "
            "same body is the same payment for ever. Sandbox applications may forget commas, as "
            "the published examples do."
        ),
        parameters=(
            in_header(
                IDEMPOTENCY_KEY,
                "1 to 255 printable ASCII characters, unique to this payment (ours).",
                text(pattern=r"^[\x20-\x7e]{1,255}$"),
            ),
        ),
        body=Body(
            schema=ref("NewPayment"),
            examples={"by a bank": examples.NEW_PAYMENT, "by Pix": examples.NEW_PIX_PAYMENT},
        ),
        answers=answered(
            "The payment.",
            saved("payment", "Payment", "saved"),
            {
                "by a bank": {
                    "message": "Payment saved successfully!",
                    "payment": examples.PAYMENT,
                },
                "by Pix": {
                    "message": "Payment saved successfully!",
                    "payment": examples.PIX_PAYMENT,
                },
            },
        ),
        failures=(409, 422),
    ),
    Operation(
        route="GET /api/payments/{id}",
        name="readPayment",
        tag="Payments",
        summary="Read a payment",
        parameters=(in_path("id", "The payment's id.", examples.PAYMENT_ID),),
        answers=answered(
            "The payment as it stands.",
            record({"payment": ref("Payment")}),
            {"completed": {"payment": examples.COMPLETED_PAYMENT}},
        ),
        failures=(404,),
    ),
)
