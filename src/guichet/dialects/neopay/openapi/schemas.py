"""The objects of Neopay's wire: what we answer (closed) and what we are sent (open)."""

from __future__ import annotations

from guichet.dialects.neopay.openapi.link_schemas import LINK_FIELDS, LINK_SCHEMAS
from guichet.dialects.neopay.statuses import LINKS_SERVICE, RAIL_OF_SERVICE, WORDS
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
from guichet.dialects.validation import TEXT_MAX, URL_MAX
from guichet.domain.customers import CUSTOMER_FIELDS

_MOMENT = ref("Moment")
_AMOUNT = number("In the currency's usual unit.", exclusiveMinimum=0)

_CUSTOMER_SAYS = {
    "name": "Full name.",
    "email": "Kept as given; compared without regard to case.",
    "phone": "In any form.",
    "city": "City.",
    "state": "State or region.",
    "country": "Country, usually two letters.",
    "zip_code": "Postal code.",
    "street": "Street.",
    "house_number": "House number.",
    "currency": "The currency that they usually pay in.",
    "tax_number": "Tax number; for Pix a CPF or CNPJ.",
    "company_number": "Registration number of a company.",
}
_CUSTOMER_WRITES: dict[str, Schema] = {
    name: nullable(text(_CUSTOMER_SAYS[name], maxLength=TEXT_MAX)) for name in CUSTOMER_FIELDS
}
_EMAIL = text(_CUSTOMER_SAYS["email"], maxLength=TEXT_MAX, examples=["jhondoe@email.com"])

_PAYMENT = record(
    {
        "id": uuid("Ids sort by the time of creation."),
        "application_id": uuid(),
        "amount": _AMOUNT,
        "status": words(
            WORDS,
            "`pending`: not decided. `completed`: the payer's bank accepted it. `declined`: the "
            "payer or the bank refused. `failed`: it could not be made, or was taken back. "
            "`expired`: its time was over.",
        ),
        "currency": text("ISO 4217.", pattern="^[A-Z]{3}$"),
        "country": nullable(text("The bank's country, else the payee's, else the payer's.")),
        "service": words([*RAIL_OF_SERVICE, LINKS_SERVICE], "`links` for a link's payment."),
        "environment": words(["sandbox", "live"]),
        "institution": nullable(
            record({"id": integer(), "name": text()}, "The payer's bank; null for Pix.")
        ),
        "customer": ref("PaymentCustomer"),
        "payee": record(
            {
                "name": text(),
                "country_code": text(),
                "bank_name": text(),
                "accountable": text("The account's number, an IBAN where there are any."),
                "swift_bic": text(),
            },
            "The account that is paid.",
        ),
        "fee": nullable(number("The fixed part of the fee; null while there is no tariff.")),
        "percentual_fee": nullable(number("The fee in per cent of the amount.")),
        "total_fee": nullable(number("The whole fee of this payment.")),
        "created_at": _MOMENT,
        "updated_at": _MOMENT,
        "authorisationUrl": nullable(
            address(
                "Where the payer goes to pay. For Pix it is left out when the payment is created, "
                "and null elsewhere."
            )
        ),
        "qr_code": nullable(text("Pix: the BR Code's text; null where it is not known (yet).")),
        "qr_code_image": nullable(
            text("Pix: the code as a picture; null once it cannot be paid, not in lists.")
        ),
        "reference": nullable(text("As given.")),
        "callback_url": nullable(text("Where its notifications go.")),
        "link_id": uuid("The payment link that it was made by; only there if one was."),
        "refunding_amount": number("On its way back to the payer; only there if any is."),
        "refunded_amount": number("Back at the payer; only there if any is."),
        "returned_amount": number("Taken back by the rail; only there if any was."),
    },
    "A payment, with its payer as they are now.",
    optional=(
        "authorisationUrl",
        "qr_code",
        "qr_code_image",
        "link_id",
        "refunding_amount",
        "refunded_amount",
        "returned_amount",
    ),
)

_NEW_PAYMENT = fields(
    {
        "serviceId": words(RAIL_OF_SERVICE, "`api`, the default, is a bank; `pix` a code."),
        "institutionId": either(
            integer(),
            text(),
            description="A bank by `id` (number or text) or `code`. Needed for `api`.",
        ),
        "payment": fields(
            {
                "amount": either(
                    number(exclusiveMinimum=0, maximum=99_999_999.99),
                    text(pattern=r"^[0-9]{1,8}(\.[0-9]+)?$"),
                    description="With no more decimals than the currency has: nothing is rounded.",
                ),
                "currency": text("ISO 4217.", pattern="^[A-Z]{3}$"),
            },
            required=("amount", "currency"),
        ),
        "customer": fields(
            {
                "id": nullable(uuid("A customer on file; what else is sent updates them.")),
                **_CUSTOMER_WRITES,
                "country": text("Country, usually two letters.", maxLength=TEXT_MAX),
            },
            "Who pays: found by `id`, else by `email`, else made.",
            required=("country",),
            anyOf=[{"required": ["id"]}, {"required": ["email"]}],
        ),
        "reference": nullable(
            text("Yours; banks are sent its first 18 characters.", maxLength=TEXT_MAX)
        ),
        "callback_url": nullable(
            address(
                "Notified by `POST` at every change; the payer's browser comes back to it by "
                "`GET`. Live: https, on the public internet.",
                maxLength=URL_MAX,
            )
        ),
    },
    required=("payment", "customer"),
)

_PAGE_LINKS = record(
    {"first": text(), "last": text(), "prev": nullable(text()), "next": nullable(text())},
    "Addresses of other pages; they keep the request's filters.",
)
_PAGE_META = record(
    {
        "current_page": integer(),
        "from": nullable(integer("Position of the first item; null on an empty page.")),
        "last_page": integer(minimum=1),
        "links": listed(
            record({"url": nullable(text()), "label": text(), "active": boolean()}),
            "Buttons for a pager; more than 13 pages are abbreviated by `...`.",
        ),
        "path": text(),
        "per_page": integer(minimum=1, maximum=100),
        "to": nullable(integer("Position of the last item; null on an empty page.")),
        "total": integer(minimum=0),
    }
)


def page_of(name: str, description: str) -> Schema:
    """One page of a list in Laravel's envelope."""
    return record(
        {"data": listed(ref(name)), "links": ref("PageLinks"), "meta": ref("PageMeta")}, description
    )


SCHEMAS: dict[str, Schema] = {
    "Moment": text(
        "UTC, to the second, with six decimals that are always zero.",
        format="date-time",
        pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000000Z$",
    ),
    "Payment": _PAYMENT,
    "PaymentCustomer": record(
        {
            "id": uuid(),
            **{
                name: nullable(text(_CUSTOMER_SAYS[name]))
                for name in ("name", "email", "currency", "phone", "country", "state")
            },
        },
        "Who pays, as they are now.",
    ),
    "NewPayment": _NEW_PAYMENT,
    "Customer": record(
        {"id": uuid()} | {name: nullable(text(_CUSTOMER_SAYS[name])) for name in CUSTOMER_FIELDS},
        "A customer of the application; every key is always there.",
    ),
    "NewCustomer": fields(
        {
            "id": uuid("A customer on file, who is updated then."),
            **_CUSTOMER_WRITES,
            "email": _EMAIL,
        },
        required=("email",),
    ),
    "CustomerChanges": fields(_CUSTOMER_WRITES | {"email": _EMAIL}, "Null clears a field."),
    "NamedCustomerChanges": fields(
        {"id": uuid("Whom to change."), **_CUSTOMER_WRITES, "email": _EMAIL},
        "With `id` the e-mail is the new one; without it names the customer.",
        anyOf=[{"required": ["id"]}, {"required": ["email"]}],
    ),
    **LINK_SCHEMAS,
    "NewLink": fields(LINK_FIELDS, required=("product",)),
    "LinkChanges": fields(LINK_FIELDS, "What is left out stays as it is."),
    "Institution": record(
        {
            "id": integer("Ours; the value for `institutionId`."),
            "code": text("The provider's name for it."),
            "name": text(),
            "medias": record({"logo": nullable(text()), "icon": nullable(text())}),
            "environment": words(["SANDBOX", "LIVE"]),
            "available_countries": listed(record({"displayName": text(), "countryCode2": text()})),
            "instant_payment_enabled": boolean(),
            "bulk_payment_enabled": boolean(),
        },
        "A bank that payers can pay from.",
    ),
    "PageLinks": _PAGE_LINKS,
    "PageMeta": _PAGE_META,
    "Error": record(
        {
            "message": text("What is wrong, for people."),
            "code": integer("The HTTP status; only where the request never reached the API."),
            "status": text("Its phrase; only there, too."),
        },
        optional=("code", "status"),
    ),
    "ValidationError": record(
        {
            "message": text("The first sentence, and how many more there are."),
            "errors": {
                "type": "object",
                "description": "Every broken field by its dotted path, with its sentences.",
                "minProperties": 1,
                "additionalProperties": listed(text(), minItems=1),
            },
        }
    ),
}
