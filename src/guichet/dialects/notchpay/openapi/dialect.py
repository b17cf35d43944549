"""What Notch Pay's document says besides its operations."""

from __future__ import annotations

from typing import Any

from guichet.dialects.notchpay.envelope import status_of
from guichet.dialects.notchpay.event_names import NAMES
from guichet.dialects.notchpay.openapi import examples
from guichet.dialects.notchpay.openapi.bulk_operations import BULK_SCHEMAS, BULK_TRANSFERS
from guichet.dialects.notchpay.openapi.customer_operations import CUSTOMERS
from guichet.dialects.notchpay.openapi.money_out_operations import (
    BENEFICIARIES,
    REFUNDS,
    TRANSFERS,
)
from guichet.dialects.notchpay.openapi.other_operations import REFERENCE, WEBHOOKS
from guichet.dialects.notchpay.openapi.payment_operations import LEGACY, PAYMENTS
from guichet.dialects.notchpay.openapi.schemas import SCHEMAS
from guichet.dialects.openapi.documents import Dialect, notice, response
from guichet.dialects.openapi.operations import in_header
from guichet.dialects.openapi.schemas import Schema, integer, record, ref, text, words

_DESCRIPTION = """\
Mobile money in and out, as Notch Pay's clients know it: three generations of paths, headers and \
words are understood, and what is answered is the union of what documents and clients know.

Bodies are JSON under any name, forms, or multipart; on `GET` and `DELETE` they are ignored. \
Numbers may be texts, empty texts are none, `[]` is no fields, unknown fields are ignored. A \
trailing slash is as none. Amounts are in the currency's major unit; more decimals than it has \
are refused, never rounded.

Pages of any origin may call: preflights need no key, and every answer carries \
`Access-Control-Allow-Origin`.

The examples use the demo shop that `guichet run` makes; elsewhere the keys are those of your \
application. The prefix of a key says its environment: `pk_test.` and `sk_test.` are the \
sandbox's, `pk.` and `sk.` are live."""


def _failed(status: int, description: str, message: str, *headers: str) -> Schema:
    shown = {"code": status, "status": status_of(status), "message": message}
    return response(description, ref("Error"), {"error": shown}, *headers)


_TAKEN: dict[str, Any] = {
    "code": 409,
    "status": status_of(409),
    "message": "A payment with this reference already exists",
    "errors": {"reference": ["The reference has already been taken."]},
}
_BROKEN: dict[str, Any] = {
    "code": 422,
    "status": status_of(422),
    "message": "The channel field is required. (and 1 more error)",
    "errors": {
        "channel": ["The channel field is required."],
        "account_number": ["The account number field is required."],
    },
}
_STATE: dict[str, Any] = {
    "code": 422,
    "status": status_of(422),
    "message": "Payment cannot be processed",
}
_RESPONSES: dict[str, Schema] = {
    "BadRequest": _failed(
        400, "The body is neither a JSON object nor a form.", "Invalid JSON payload"
    ),
    "Unauthorized": _failed(401, "No key, or none that is known.", "API key is missing"),
    "Forbidden": _failed(
        403,
        "The private key is missing or wrong, the address is not allowed, or the customer is "
        "blocked.",
        "This endpoint requires additional authentication",
    ),
    "NotAcceptable": _failed(
        406,
        "The private key is missing, and the application chose the live API's word for that.",
        "This endpoint requires additional authentication",
    ),
    "NotFound": _failed(404, "There is none, or it is another account's.", "Payment not found"),
    "RequestTimeout": _failed(408, "The body did not arrive in time.", "Request Timeout"),
    "Conflict": response("The reference was used before.", ref("Error"), {"taken": _TAKEN}),
    "TooLarge": _failed(413, "The body is over 256 KiB.", "Payload Too Large"),
    "TargetTooLong": _failed(414, "The address is too long.", "Request-URI Too Long"),
    "HeadTooLarge": _failed(
        431, "The headers are too large, or too many.", "Request Header Fields Too Large"
    ),
    "UnsupportedMediaType": _failed(415, "The body is compressed.", "Unsupported Media Type"),
    "Unprocessable": response(
        "Broken fields, all of them at once; or the state of things does not allow it.",
        ref("Error"),
        {"two fields": _BROKEN, "wrong state": _STATE},
    ),
    "TooManyRequests": _failed(
        429,
        "More requests than the application, or the address, may make.",
        "Too many requests",
        "Retry-After",
        "X-RateLimit-Limit",
        "X-RateLimit-Remaining",
        "X-RateLimit-Reset",
    ),
    "ServerError": _failed(500, "A defect of ours.", "Server Error", "X-Request-Id"),
    "Unavailable": _failed(
        503,
        "Nothing was done that a repetition would double: try again.",
        "Service Unavailable",
        "Retry-After",
    ),
}
_FAILURES = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    406: "NotAcceptable",
    408: "RequestTimeout",
    409: "Conflict",
    413: "TooLarge",
    414: "TargetTooLong",
    415: "UnsupportedMediaType",
    422: "Unprocessable",
    429: "TooManyRequests",
    431: "HeadTooLarge",
    500: "ServerError",
    503: "Unavailable",
}
_SECONDS = {"description": "Seconds to wait.", "required": True, "schema": integer(minimum=0)}
_HEADERS: dict[str, Schema] = {
    "Retry-After": _SECONDS,
    "X-RateLimit-Limit": {
        "description": "Requests that are allowed; only where there is a limit.",
        "schema": integer(minimum=0),
    },
    "X-RateLimit-Remaining": {
        "description": "Requests that are left.",
        "schema": integer(minimum=0),
    },
    "X-RateLimit-Reset": {"description": "Seconds to wait.", "schema": integer(minimum=0)},
    "X-Request-Id": {"description": "Names the request in the server's log.", "schema": text()},
}


def _key(header: str, description: str) -> Schema:
    return {"type": "apiKey", "in": "header", "name": header, "description": description}


_NOTICE_HEADERS = (
    in_header(
        "x-notch-signature",
        "Hex HMAC-SHA256 of the body by the hash key (`hsk…`).",
        text(pattern="^[0-9a-f]{64}$"),
    ),
    in_header("X-Notchpay-Signature", "The same.", text(pattern="^[0-9a-f]{64}$")),
    in_header("x-noth-signature", "The same by the private key.", text(pattern="^[0-9a-f]{64}$")),
    in_header("webhook-id", "The same on every try (Standard Webhooks).", text()),
    in_header("webhook-timestamp", "Unix time of this try.", text()),
    in_header("webhook-signature", "Standard Webhooks' signature by the secret.", text()),
)


def _event(noun: str, schema: str, example: dict[str, Any]) -> Schema:
    names = sorted(name for name in NAMES if name.startswith(f"{noun}."))
    name = words(names, "What happened; both names have the same value.")
    shape = record(
        {
            "id": text("The same on every try."),
            "event": name,
            "type": name,
            "created_at": ref("Moment"),
            "data": ref(schema),
        }
    )
    return notice(
        f"Something happened to a {noun}" if noun != "endpoint" else "An endpoint's health changed",
        "Sent to every endpoint that listens to it, again until it is answered by a 2xx. It may "
        "come twice, late and out of order.",
        shape,
        {names[0]: examples.event(names[0], example)},
        _NOTICE_HEADERS,
    )


NOTCHPAY = Dialect(
    title="Notch Pay",
    version="2.1.0",
    summary="Payments by mobile money, transfers, refunds, customers and webhooks.",
    description=_DESCRIPTION,
    tags={
        "Payments": "Made, collected, read, cancelled.",
        "Customers": "The payers that an application knows.",
        "Transfers": "Money sent from the balance, with the private key.",
        "Beneficiaries": "Whom money is sent to, with the private key.",
        "Refunds": "Money given back, with the private key.",
        "Webhooks": "Addresses that are told of events.",
        "Reference data": "What does not change, and who you are.",
        "Paths of 2021": "The first paths, for clients that still use them.",
    },
    operations=(
        *PAYMENTS,
        *CUSTOMERS,
        *TRANSFERS,
        *BULK_TRANSFERS,
        *BENEFICIARIES,
        *REFUNDS,
        *WEBHOOKS,
        *REFERENCE,
        *LEGACY,
    ),
    schemas=SCHEMAS | BULK_SCHEMAS,
    responses=_RESPONSES,
    headers=_HEADERS,
    failures=_FAILURES,
    everywhere=(400, 401, 403, 406, 408, 413, 414, 415, 429, 431, 500, 503),
    security_schemes={
        "key": _key(
            "Authorization",
            "The public key, bare or after `Bearer`. The private key here grants everything. Older "
            "clients send it as `N-Authorization`.",
        ),
        "nKey": _key("N-Authorization", "The key, as clients of 2021 send it."),
        "grant": _key("X-Grant", "The private key."),
        "grantAuthorization": _key(
            "Grant-Authorization", "The private key; answers speak the first generation's words."
        ),
        "xAuth": _key("X-Auth", "The private key."),
    },
    security=({"key": []}, {"nKey": []}),
    credentials={
        "Authorization": "pk_test.demo",
        "N-Authorization": "pk_test.demo",
        "X-Grant": "sk_test.demo",
    },
    webhooks={
        "payment": _event("payment", "Transaction", examples.COMPLETE),
        "transfer": _event("transfer", "Transfer", examples.SENT),
        "customer": _event("customer", "Customer", examples.CUSTOMER),
        "beneficiary": _event("beneficiary", "Beneficiary", examples.BENEFICIARY),
        "refund": _event("refund", "Refund", examples.REFUND),
        "endpoint": _event("endpoint", "Endpoint", examples.ENDPOINT),
    },
)
