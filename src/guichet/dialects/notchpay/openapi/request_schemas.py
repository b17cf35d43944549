"""What Notch Pay's clients send: open objects, with all the names that clients use."""

from __future__ import annotations

from guichet.dialects.notchpay.event_names import NAMES
from guichet.dialects.openapi.schemas import (
    Schema,
    address,
    any_object,
    boolean,
    either,
    fields,
    integer,
    listed,
    nullable,
    number,
    text,
    words,
)
from guichet.domain.channels import CHANNELS
from guichet.domain.endpoints import PROFILES

_AMOUNT = either(
    number(exclusiveMinimum=0),
    text(pattern=r"^[0-9]{1,15}(\.[0-9]+)?$"),
    description="In the currency's major unit (5000 is 5,000 FCFA), without more decimals than "
    "it has: nothing is rounded.",
)
_CURRENCY = text("ISO 4217, in any case.", pattern="^[A-Za-z]{3}$")
_PHONE = either(
    text(pattern=r"^\+?[0-9][0-9 ().-]{5,23}$"),
    integer(minimum=1_000_000),
    description="A phone, also as a number.",
)
_CHANNEL = words(CHANNELS, "`cm.mobile` finds the operator by the number.")
_EMAIL = text(maxLength=240, examples=["ada@example.cm"])
_FREE = either(any_object(), listed({}), {"type": "null"})
_METADATA = nullable(any_object("Yours: kept and shown as it is."))
_REFERENCE = nullable(text("Yours, to be used once: a second use is refused.", maxLength=255))

_PLACE = nullable(
    fields(
        {
            name: nullable(text())
            for name in (
                "country", "state", "city", "postal_code", "address_line1", "address_line2",
            )
        }
    )
)  # fmt: skip
_CUSTOMER: dict[str, Schema] = {
    "name": nullable(text(maxLength=128)),
    "email": nullable(_EMAIL),
    "phone": nullable(_PHONE),
    "company_name": nullable(text(maxLength=255)),
    "tax_number": nullable(text(maxLength=64)),
    "description": nullable(text(maxLength=255)),
    "metadata": nullable(any_object("Replaces what was there.")),
    "address": _PLACE,
    "billing": _PLACE,
    "shipping": _PLACE,
}
_DESCRIBED: dict[str, Schema] = {
    "id": text("Of one that is kept; the rest is not needed then."),
    "name": nullable(text(maxLength=128)),
    "account_number": nullable(_PHONE),
    "phone": nullable(_PHONE),
    "email": nullable(_EMAIL),
    "bank_code": nullable(text(maxLength=64)),
    "channel": _CHANNEL,
}
_WHO = either(
    text("A kept beneficiary's id, or a number."),
    fields(_DESCRIBED),
    description="Who gets the money: named by id or number, or described.",
)
_ENDPOINT: dict[str, Schema] = {
    "url": address("Live: https, on the public internet.", maxLength=2048),
    "events": either(
        listed(words(sorted(NAMES)), minItems=1),
        text(),
        description="Names of events, also as one text with commas; `*` is everything.",
    ),
    "description": nullable(text(maxLength=255)),
    "active": either(boolean(), words(["true", "false", "1", "0"])),
    "status": words(["active", "inactive"], "Another way to say `active`."),
    "signature_profile": words(PROFILES, "Which signatures it is sent (ours)."),
}

REQUEST_SCHEMAS: dict[str, Schema] = {
    "NewPayment": fields(
        {
            "amount": _AMOUNT,
            "currency": _CURRENCY,
            "email": nullable(text(maxLength=255)),
            "phone": nullable(_PHONE),
            "customer": either(
                text("A customer's id."),
                fields({name: _CUSTOMER[name] for name in ("name", "email", "phone")}),
                {"type": "null"},
                description="Who pays; at least one of `email`, `phone`, `customer` is needed.",
            ),
            "name": nullable(text("The customer's.", maxLength=255)),
            "description": nullable(text(maxLength=256)),
            "reference": _REFERENCE,
            "callback": nullable(
                address("Where the payer's browser goes afterwards.", maxLength=2048)
            ),
            "locked_currency": nullable(_CURRENCY),
            "locked_channel": nullable(_CHANNEL),
            "locked_country": nullable(text(pattern="^[A-Za-z]{2}$")),
            "metadata": _METADATA,
            "customer_meta": _FREE,
            "items": _FREE,
            "shipping": _FREE,
            "address": _FREE,
        },
        required=("amount", "currency"),
        anyOf=[{"required": ["email"]}, {"required": ["phone"]}, {"required": ["customer"]}],
    ),
    "Charge": fields(
        {
            "channel": _CHANNEL,
            "data": fields(
                {"phone": _PHONE, "account_number": _PHONE},
                "Whose wallet: either name. They may also stand beside `channel`.",
            ),
        },
        required=("channel",),
    ),
    "OldCharge": fields(
        {
            "gateway": text("`mtn`, `orange`, `mobile`, or a channel."),
            "channel": _CHANNEL,
            "data": fields({"phone": _PHONE, "account_number": _PHONE}),
        }
    ),
    "NewCustomer": fields(_CUSTOMER, anyOf=[{"required": ["email"]}, {"required": ["phone"]}]),
    "CustomerChanges": fields(_CUSTOMER, "What is left out stays as it is.", minProperties=1),
    "NewTransfer": fields(
        {
            "amount": _AMOUNT,
            "currency": _CURRENCY,
            "beneficiary": _WHO,
            "recipient": _WHO,
            "beneficiary_data": fields(_DESCRIBED),
            "channel": _CHANNEL,
            "description": nullable(text(maxLength=256)),
            "reference": _REFERENCE,
            "statement": nullable(text(maxLength=22)),
            "metadata": _METADATA,
        },
        "One of `beneficiary`, `recipient` and `beneficiary_data` says who gets the money; "
        "`channel` is needed unless they are kept.",
        required=("amount", "currency"),
    ),
    "NewBeneficiary": fields(
        {
            "name": text(maxLength=128),
            "channel": _CHANNEL,
            "account_number": _PHONE,
            "email": nullable(_EMAIL),
            "phone": nullable(_PHONE),
            "country": nullable(text("What the channel implies; nothing else.")),
            "currency": nullable(text("What the channel implies; nothing else.")),
            "type": nullable(words(["mobile_money"])),
            "bank_code": nullable(text(maxLength=64)),
            "reference": _REFERENCE,
            "description": nullable(text(maxLength=255)),
            "metadata": _METADATA,
        },
        "The number may also be called `number`, `account` or `phone`.",
        required=("name", "channel"),
    ),
    "BeneficiaryChanges": fields(
        {
            "name": text(maxLength=128),
            "account_number": _PHONE,
            "email": nullable(_EMAIL),
            "phone": nullable(_PHONE),
            "bank_code": nullable(text(maxLength=64)),
            "description": nullable(text(maxLength=255)),
            "metadata": _METADATA,
        },
        "What is left out stays as it is; country, currency, type and channel do always.",
        minProperties=1,
    ),
    "NewRefund": fields(
        {
            "payment": text("Any of the payment's references.", maxLength=255),
            "amount": nullable(_AMOUNT),
            "currency": nullable(_CURRENCY),
            "reason": nullable(text(maxLength=255)),
        },
        "Without an amount, all that is left of the payment.",
        required=("payment",),
    ),
    "NewEndpoint": fields(_ENDPOINT, required=("url", "events")),
    "EndpointChanges": fields(
        _ENDPOINT, "What is left out stays as it is; `events` replaces the list.", minProperties=1
    ),
}
