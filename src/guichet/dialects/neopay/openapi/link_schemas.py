"""Payment links on Neopay's wire."""

from __future__ import annotations

from guichet.dialects.neopay.link_fields import (
    CUSTOMER_DATA,
    DESCRIPTION_MAX,
    PRODUCT_MAX,
    REFERENCE_MAX,
)
from guichet.dialects.neopay.statuses import RAIL_OF_SERVICE
from guichet.dialects.openapi.schemas import (
    Schema,
    address,
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
    uuid,
    words,
)
from guichet.domain.links import LINK

_FALSE = {"type": "boolean", "const": False}
_SCALAR: Schema = {"type": ["string", "boolean", "number"]}
_MOMENT = ref("Moment")
_FLAG = either(boolean(), words(["0", "1"]))
_AMOUNT_TYPE = words(["fixed", "flexible"], "Whether the payer chooses the amount.")
_REDIRECTION = words(["default", "custom"], "`custom` sends the payer on when they are done.")
_WRITTEN_MOMENT = text(
    "`2030-10-31 18:00:00`, ISO 8601 or a day; without a zone UTC. Read only when "
    "`settings.expirationDate` is true.",
    examples=["2030-10-31 18:00:00"],
)

_LINK = record(
    {
        "id": uuid(),
        "application_id": uuid(),
        "status": words(LINK.states, "Only a `published` link can be paid."),
        "slug": text("The end of its address.", pattern="^[A-Za-z0-9]{10}$"),
        "product": text(maxLength=PRODUCT_MAX),
        "amount": nullable(number("Null where the payer chooses it.", exclusiveMinimum=0)),
        "description": nullable(text(maxLength=DESCRIPTION_MAX)),
        "communication": nullable(text("The same as `reference`, under its older name.")),
        "expired_at": nullable(_MOMENT),
        "request_customer_data": either(
            _FALSE, words(CUSTOMER_DATA), description="What payers are asked beside their e-mail."
        ),
        "show_payee_data": boolean(),
        "enabled": boolean("A published link that is not enabled takes no payments."),
        "settings": record(
            {
                "expirationDate": boolean(),
                "showPayeeData": boolean(),
                "requestCustomerData": boolean(),
                "theme": record(
                    {
                        "selected": _SCALAR | {"description": "A colour's name or `#rrggbb`."},
                        "logo": _SCALAR | {"description": "An address, or a picture as `data:`."},
                        "logoType": _SCALAR,
                    },
                    optional=("logo", "logoType"),
                ),
            }
        ),
        "created_at": _MOMENT,
        "updated_at": _MOMENT,
        "deleted_at": nullable(_MOMENT),
        "reference": nullable(text("Shown on the bank statement.", maxLength=REFERENCE_MAX)),
        "url": address("Its page: what payers are sent."),
        "currency": text("ISO 4217.", pattern="^[A-Z]{3}$"),
        "amount_type": _AMOUNT_TYPE,
        "services": listed(words(RAIL_OF_SERVICE), "What the payer may choose from."),
        "payments_limit": nullable(integer("How many payments it takes.", minimum=1)),
        "redirection_type": _REDIRECTION,
        "success_url": nullable(text()),
        "error_url": nullable(text()),
        "callback_url": nullable(text("Where notifications of its payments go.")),
    },
    "A payment link.",
)

#: What a request may say of a link.
LINK_FIELDS: dict[str, Schema] = {
    "product": text("What is sold.", maxLength=PRODUCT_MAX),
    "amount": either(
        number(exclusiveMinimum=0, maximum=99_999_999.99),
        text(pattern=r"^[0-9]{1,8}(\.[0-9]+)?$"),
        {"type": "null"},
        description="Needed unless `amount_type` is `flexible`.",
    ),
    "description": nullable(text(maxLength=DESCRIPTION_MAX)),
    "reference": nullable(text("Shown on the bank statement.", maxLength=REFERENCE_MAX)),
    "communication": nullable(
        text("The older name of `reference`, which wins.", maxLength=REFERENCE_MAX)
    ),
    "expired_at": nullable(_WRITTEN_MOMENT),
    "expires_at": nullable(text("Another name of `expired_at`.")),
    "request_customer_data": either(
        words(CUSTOMER_DATA),
        boolean(),
        {"type": "null"},
        description="Read only when `settings.requestCustomerData` is true; `true` is all.",
    ),
    "settings": fields(
        {
            "expirationDate": _FLAG,
            "showPayeeData": _FLAG,
            "requestCustomerData": _FLAG,
            "theme": fields(
                {
                    "selected": _SCALAR,
                    "logo": nullable(
                        text("An https address, or a PNG, JPEG or WebP as `data:` up to 64 KiB.")
                    ),
                    "logoType": nullable(text()),
                }
            ),
        }
    ),
    "currency": nullable(text("ISO 4217; by default the application's.", pattern="^[A-Z]{3}$")),
    "amount_type": _AMOUNT_TYPE,
    "services": listed(words(RAIL_OF_SERVICE), "By default all that fit.", minItems=1),
    "payments_limit": either(integer(minimum=1, maximum=999_999_999), {"type": "null"}),
    "redirection_type": _REDIRECTION,
    "success_url": nullable(address()),
    "error_url": nullable(address()),
    "callback_url": nullable(address("Where notifications of its payments go.")),
    "enabled": _FLAG,
    "subscription": _FALSE | {"description": "Not supported: false only."},
}

LINK_SCHEMAS: dict[str, Schema] = {"Link": _LINK}
