"""What Neopay's document says besides its operations."""

from __future__ import annotations

from guichet.dialects.neopay.openapi import examples
from guichet.dialects.neopay.openapi.customer_operations import CUSTOMERS, INSTITUTIONS
from guichet.dialects.neopay.openapi.link_operations import LINKS
from guichet.dialects.neopay.openapi.payment_operations import PAYMENTS
from guichet.dialects.neopay.openapi.schemas import SCHEMAS
from guichet.dialects.openapi.documents import Dialect, notice, response
from guichet.dialects.openapi.operations import in_header
from guichet.dialects.openapi.schemas import Schema, integer, record, ref, text

_DESCRIPTION = """\
Payments by open banking and by Pix, payment links, customers and banks, as Neopay's published \
documents describe them: paths, envelopes, and the requests exactly as printed there.

Bodies are JSON under any name that contains `json` (`application/json/`, too), or forms with \
brackets: `payment[amount]=122.44`. Unknown fields are ignored. A trailing slash is as none. \
Amounts are numbers, or digits in a string; more decimals than the currency has are refused, \
never rounded.

What is marked *ours* is not in Neopay's documents. The examples use the demo merchant that \
`guichet run` makes; elsewhere the two credentials are those of your application."""


def _failed(description: str, message: str, *headers: str) -> Schema:
    return response(description, ref("Error"), {"error": {"message": message}}, *headers)


_RESPONSES: dict[str, Schema] = {
    "BadRequest": _failed("The request is none that HTTP or we know.", "Bad Request"),
    "Unauthenticated": _failed("No credentials, or wrong ones.", "Unauthenticated."),
    "Forbidden": _failed(
        "The application does not allow this address or domain.", "This action is unauthorized."
    ),
    "NotFound": _failed(
        "There is none of this id, or it is another application's.",
        f"No query results for model [App\\Models\\Payment] {examples.PAYMENT_ID}",
    ),
    "RequestTimeout": _failed("The body did not arrive in time.", "Request Timeout"),
    "Conflict": _failed(
        "A request with this key is still running.",
        "A request with this Idempotency-Key is still running.",
    ),
    "TooLarge": _failed("The body is over 256 KiB.", "The POST data is too large."),
    "TargetTooLong": _failed("The address is too long.", "Request-URI Too Long"),
    "HeadTooLarge": _failed(
        "The headers are too large, or too many.", "Request Header Fields Too Large"
    ),
    "UnsupportedMediaType": _failed("The body is compressed.", "Unsupported Media Type"),
    "Invalid": response(
        "Broken fields, all of them at once.",
        ref("ValidationError"),
        {
            "two fields": {
                "message": "The payment.amount field is required. (and 1 more error)",
                "errors": {
                    "payment.amount": ["The payment.amount field is required."],
                    "customer.country": ["The customer.country field is required."],
                },
            }
        },
    ),
    "TooManyRequests": _failed(
        "More requests than the application, or the address, may make.",
        "Too Many Attempts.",
        "Retry-After",
        "X-RateLimit-Limit",
        "X-RateLimit-Remaining",
    ),
    "ServerError": _failed("A defect of ours.", "Server Error", "X-Request-Id"),
    "Unavailable": _failed(
        "Nothing was done that a repetition would double: try again.",
        "Service Unavailable",
        "Retry-After",
    ),
}
_FAILURES = {
    400: "BadRequest",
    401: "Unauthenticated",
    403: "Forbidden",
    404: "NotFound",
    408: "RequestTimeout",
    409: "Conflict",
    413: "TooLarge",
    414: "TargetTooLong",
    415: "UnsupportedMediaType",
    422: "Invalid",
    429: "TooManyRequests",
    431: "HeadTooLarge",
    500: "ServerError",
    503: "Unavailable",
}
_HEADERS: dict[str, Schema] = {
    "Retry-After": {
        "description": "Seconds to wait.",
        "required": True,
        "schema": integer(minimum=0),
    },
    "X-RateLimit-Limit": {
        "description": "Requests that are allowed; only where there is a limit.",
        "schema": integer(minimum=0),
    },
    "X-RateLimit-Remaining": {
        "description": "Requests that are left.",
        "schema": integer(minimum=0),
    },
    "X-Request-Id": {
        "description": "Names the request in the server's log.",
        "schema": text(),
    },
}

_NOTICE_HEADERS = (
    in_header("X-Neopay-Event", "What it is about.", text(const="payment.updated")),
    in_header(
        "X-Neopay-Signature",
        '`t=<unix time>,v1=<hex HMAC-SHA256 of "<t>.<body>">` by the application\'s secret.',
        text(pattern="^t=[0-9]+,v1=[0-9a-f]{64}$"),
    ),
    in_header("webhook-id", "The same on every try (Standard Webhooks).", text()),
    in_header("webhook-timestamp", "Unix time of this try.", text()),
    in_header("webhook-signature", "Standard Webhooks' signature.", text()),
)

NEOPAY = Dialect(
    title="Neopay",
    version="1.0",
    summary="Payments by open banking and by Pix, payment links, customers and banks.",
    description=_DESCRIPTION,
    tags={
        "Payments": "By a bank or by Pix: made, listed, read.",
        "Payment links": "Pages at which anybody who has the address can pay.",
        "Customers": "The payers that an application knows.",
        "Institutions": "The banks that payers can pay from.",
    },
    operations=(*PAYMENTS, *CUSTOMERS, *LINKS, *INSTITUTIONS),
    schemas=SCHEMAS,
    responses=_RESPONSES,
    headers=_HEADERS,
    failures=_FAILURES,
    everywhere=(400, 401, 403, 408, 413, 414, 415, 429, 431, 500, 503),
    security_schemes={
        "token": {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "The application's token, bare or after `Bearer`.",
        },
        "application": {
            "type": "apiKey",
            "in": "header",
            "name": "x-app-key",
            "description": "The application's id.",
        },
    },
    security=({"token": [], "application": []},),
    credentials={"Authorization": "np_test.demo", "x-app-key": examples.APPLICATION_ID},
    webhooks={
        "payment.updated": notice(
            "A payment has changed",
            "Sent to the payment's `callback_url` when it is completed, declined, failed or "
            "expired, when a refund reached the payer or failed, and when the rail took money "
            "back. It may come twice, and late: the truth is one GET away.",
            record({"payment": ref("Payment")}),
            {"completed": {"payment": examples.COMPLETED_PAYMENT}},
            _NOTICE_HEADERS,
        )
    },
)
