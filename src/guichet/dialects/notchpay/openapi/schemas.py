"""The objects of Notch Pay's wire that we answer: closed, every key named."""

from __future__ import annotations

from guichet.dialects.notchpay.event_names import EVERYTHING, NAMES
from guichet.dialects.notchpay.openapi.request_schemas import REQUEST_SCHEMAS
from guichet.dialects.notchpay.statuses import (
    FAILURE_WORDS,
    PAYMENT_WORDS,
    REFUND_WORDS,
    TRANSFER_WORDS,
)
from guichet.dialects.openapi.schemas import (
    Schema,
    address,
    any_object,
    boolean,
    either,
    integer,
    listed,
    nullable,
    number,
    record,
    ref,
    text,
    words,
)
from guichet.domain.beneficiaries import KINDS
from guichet.domain.channels import CHANNELS
from guichet.domain.endpoints import PROFILES

_MOMENT = ref("Moment")
_AMOUNT = number("In the currency's major unit; without decimals wherever there are none.")
_POSITIVE = _AMOUNT | {"exclusiveMinimum": 0}
_CURRENCY = text("ISO 4217.", pattern="^[A-Z]{3}$")
_COUNTRY = text("ISO 3166-1, two letters.", pattern="^[A-Z]{2}$")
_SANDBOX: Schema = {"type": "integer", "enum": [0, 1], "description": "1 in sandbox, 0 live."}
_CHANNEL = words(CHANNELS, "The operator or network.")
_METADATA = nullable(any_object("Yours, as you sent it."))
_PLACE = nullable(any_object("The keys that were set."))

_AMOUNTS = record(
    {"total": _POSITIVE, "converted": _POSITIVE, "currency": _CURRENCY, "rate": number()}
)
#: The names that all money has, in and out.
_MONEY: dict[str, Schema] = {
    "merchant_reference": nullable(text("The `reference` that you gave.")),
    "trxref": nullable(text("The same.")),
    "amount": _POSITIVE,
    "amount_total": _POSITIVE,
    "converted_amount": _POSITIVE,
}
_TIMES: dict[str, Schema] = {
    "initiated_at": _MOMENT,
    "created_at": _MOMENT,
    "updated_at": _MOMENT,
    "completed_at": nullable(_MOMENT),
}


def _id(prefix: str, description: str) -> Schema:
    return text(f"{description} Opaque.", pattern=rf"^{prefix}[._](test[._])?[0-9A-Za-z]{{22}}$")


_TRANSACTION = record(
    {
        "id": _id("pay", "Another name of the payment."),
        "reference": _id("trx", "Our reference: the payment's name."),
        **_MONEY,
        "currency": _CURRENCY,
        "amounts": _AMOUNTS,
        "fee": _AMOUNT,
        "fees": listed(record({"name": text(), "amount": _AMOUNT})),
        "charge": words(["business", "customer"], "Who bears the fee."),
        "status": words(
            PAYMENT_WORDS,
            "`pending`: nobody has begun to pay. `processing`: the operator was asked. "
            "`complete`: the money is here. `failed`, `canceled`, `expired`: no money came.",
        ),
        "failure_reason": nullable(words(FAILURE_WORDS, "Why, as far as the operator says.")),
        "customer": _id("cus", "Who pays."),
        "sandbox": _SANDBOX,
        "description": nullable(text()),
        "callback": nullable(text("Where the payer's browser goes afterwards.")),
        "metadata": _METADATA,
        "geo": nullable(text("The address of who made the payment.")),
        "locked_currency": nullable(text()),
        "locked_channel": nullable(text()),
        "locked_country": nullable(text()),
        "channel": nullable(_CHANNEL),
        "payment_method": nullable(_id("pm", "The wallet; null until the payment is processed.")),
        **_TIMES,
    },
    "A payment.",
)
_TRANSFER = record(
    {
        "id": _id("trf", "The transfer's name."),
        "reference": _id("trf", "The same."),
        **_MONEY,
        "fee": _AMOUNT,
        "amounts": _AMOUNTS,
        "currency": _CURRENCY,
        "status": words(
            TRANSFER_WORDS,
            "`pending`: waits for its approval or its turn. `processing`: the operator was asked.",
        ),
        "failure_reason": nullable(text("Why, as far as the operator says.")),
        "beneficiary": _id("ben", "Who gets it."),
        "beneficary": _id("ben", "The same, as an older client spells it."),
        "channel": words([*CHANNELS, "bank"], "The operator; `bank`: a payout to you."),
        "payment_method": _id("pm", "Their wallet."),
        "description": nullable(text()),
        "statement": nullable(text()),
        "metadata": _METADATA,
        "sandbox": _SANDBOX,
        **_TIMES,
    },
    "Money sent from the balance to a wallet.",
)
_CUSTOMER = record(
    {
        "id": _id("cus", "The customer's name."),
        "name": nullable(text()),
        "email": nullable(text()),
        "phone": nullable(text()),
        "company_name": nullable(text()),
        "tax_number": nullable(text()),
        "description": nullable(text()),
        "metadata": _METADATA,
        "address": _PLACE,
        "billing": _PLACE,
        "shipping": _PLACE,
        "blocked": boolean("A blocked customer cannot pay."),
        "sandbox": _SANDBOX,
        "created_at": _MOMENT,
        "updated_at": _MOMENT,
    },
    "A payer that the application knows.",
)
_BENEFICIARY = record(
    {
        "id": _id("ben", "The beneficiary's name."),
        "name": text(),
        "email": nullable(text()),
        "phone": text(),
        "account_number": text("Of mobile money the phone, without a plus."),
        "bank_code": nullable(text()),
        "country": _COUNTRY,
        "currency": _CURRENCY,
        "type": words(KINDS),
        "channel": _CHANNEL,
        "metadata": _METADATA,
        "sandbox": _SANDBOX,
        "payment_method": _id("pm", "Their wallet."),
        "reference": nullable(text("Yours.")),
        "description": nullable(text()),
        "created_at": _MOMENT,
        "updated_at": _MOMENT,
    },
    "Somebody whom money is sent to.",
)
_ENDPOINT_KEYS: dict[str, Schema] = {
    "id": _id("ep", "The endpoint's name."),
    "url": address(),
    "description": nullable(text()),
    "events": listed(words(sorted(NAMES)), f"What it is told of; `{EVERYTHING}` is everything."),
    "status": words(["active", "inactive"]),
    "active": boolean(),
    "signature_profile": words(PROFILES, "Which signatures it is sent."),
    "health": words(["healthy", "failing", "disabled", "recovered"]),
    "sandbox": _SANDBOX,
    "created_at": _MOMENT,
    "updated_at": _MOMENT,
}

SCHEMAS: dict[str, Schema] = {
    "Moment": text(
        "UTC with six decimals.",
        format="date-time",
        pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$",
    ),
    "Transaction": _TRANSACTION,
    "Transfer": _TRANSFER,
    "Customer": _CUSTOMER,
    "PaymentMethod": record(
        {
            "id": _id("pm", "The wallet's name."),
            "type": text(),
            "channel": _CHANNEL,
            "email": nullable(text()),
            "name": nullable(text()),
            "country": _COUNTRY,
            "account_number": text(),
            "issuer": text(),
            "issuer_code": text(),
            "phone": text(),
            "created_at": _MOMENT,
        },
        "A wallet that a customer has paid by.",
    ),
    "Beneficiary": _BENEFICIARY,
    "Balance": record(
        {
            "reserved": _AMOUNT | {"description": "On its way out."},
            "total": _AMOUNT | {"description": "All of it."},
            "pending": _AMOUNT | {"description": "Not released yet."},
            "credit": _AMOUNT | {"description": "Owed to us, after money was taken back."},
            "available": _AMOUNT | {"description": "What can be sent."},
            "currency": _CURRENCY,
            "environment": words(["sandbox", "live"]),
        },
        "What the application has, by the ledger.",
    ),
    "Refund": record(
        {
            "id": _id("ref", "The refund's name."),
            "reference": _id("ref", "The same."),
            "payment": _id("trx", "Whose money."),
            "amount": _POSITIVE,
            "currency": _CURRENCY,
            "status": words(REFUND_WORDS),
            "reason": nullable(text("Yours.")),
            "failure_reason": nullable(text()),
            "sandbox": _SANDBOX,
            "created_at": _MOMENT,
            "updated_at": _MOMENT,
        },
        "Money of a payment given back.",
    ),
    "Endpoint": record(_ENDPOINT_KEYS, "An address that is told of events."),
    "NewEndpointWithSecret": record(
        _ENDPOINT_KEYS | {"secret": text("Standard Webhooks' secret, shown this once.")},
        "An endpoint as it was made.",
    ),
    "Channel": record(
        {
            "name": text(),
            "desc": text(),
            "active": boolean(),
            "enabled": boolean(),
            "countries": listed(_COUNTRY),
            "id": _CHANNEL,
            "slug": _CHANNEL,
            "type": words(["card", "wallet", "mobile", "bank"]),
            "reference": text(),
            "delivery": nullable(text()),
            "payment_delivery": nullable(text()),
            "live": boolean(),
            "min_amount": _AMOUNT,
            "max_amount": _AMOUNT,
            "payout": {"type": "integer", "enum": [0, 1]},
            "charge": {"type": "integer", "enum": [0, 1]},
            "collect": {"type": "integer", "enum": [0, 1]},
            "currency": _CURRENCY,
        },
        "An operator in one country.",
    ),
    "Country": record({"name": text(), "code": _COUNTRY}),
    "Currency": record(
        {
            "name": text(),
            "code": _CURRENCY,
            "symbol": text(),
            "fraction": integer("Decimals."),
            "faction": integer("The same, as the live API spells it."),
        }
    ),
    "Greeting": record(
        {
            "env": words(["sandbox", "live"]),
            "code": {"const": 200},
            "message": text(),
            "merchant": text(),
            "greeting": text(),
        },
        "Who you are: exactly these five keys.",
    ),
    "Error": record(
        {
            "code": either(
                integer(minimum=400, maximum=599),
                text(pattern="^[45][0-9]{2}$"),
                description="The HTTP status; a text where the application chose so.",
            ),
            "status": text("Its phrase."),
            "message": text("What is wrong, for people."),
            "errors": {
                "type": "object",
                "description": "Sentences by field, where fields are to blame.",
                "minProperties": 1,
                "additionalProperties": listed(text(), minItems=1),
            },
        },
        optional=("errors",),
    ),
    **REQUEST_SCHEMAS,
}
