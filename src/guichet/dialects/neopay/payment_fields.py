"""The fields of a request for a payment (contract 6.3), by whichever service."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from guichet.dialects import validation as rules
from guichet.dialects.neopay.bodies import read_fields_leniently
from guichet.dialects.neopay.errors import IDEMPOTENCY_KEY
from guichet.dialects.neopay.statuses import RAIL_OF_SERVICE
from guichet.dialects.validation import Field, Form, ValidationFailed, Values, parse_uuid
from guichet.domain.access import Caller, Environment
from guichet.domain.customers import CUSTOMER_FIELDS, is_email
from guichet.domain.money import parse_money
from guichet.domain.payments import CustomerDetails, NewPayment
from guichet.gateway import Gateway
from guichet.outbound.policy import ANYWHERE, PUBLIC_ONLY
from guichet.rails.port import Rail
from guichet.services.charges import known_tax_number
from guichet.services.institutions import find_institution
from guichet.services.offers import offered_rail
from guichet.services.tax_numbers import clean_tax_number
from guichet.web.asgi import Request

_DEFAULT_SERVICE = "api"
_INVALID = "The selected {} is invalid."
#: Numbers are kept as they were written (``strict_json.Number``).
_CANONICAL = msgspec.json.Encoder(order="deterministic", enc_hook=str)
_REQUEST_KEY = re.compile(r"[\x20-\x7e]{1,255}")
_CUSTOMER_PATHS = tuple((name, f"customer.{name}") for name in CUSTOMER_FIELDS)
_TAX_NUMBER = "customer.tax_number"
#: What the rules must know beside the request; no field is called so.
_APPLICATION = "(application)"
_KNOWN_TAX_NUMBER = "(tax number on file)"


class PaymentFields:
    """Reads and checks requests for payments; one serves all applications."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._forms = {each.value: self._form(each) for each in Environment}

    async def read(self, request: Request, caller: Caller) -> NewPayment:
        """What the request asks for; raises ``ValidationFailed`` with everything that is wrong."""
        body = read_fields_leniently(request, caller)
        known = {
            _APPLICATION: caller.application,
            _KNOWN_TAX_NUMBER: await self._known_tax_number(body, caller),
        }
        values = self._forms[caller.application.environment.value].check(body, known)
        request_key = request.headers.get("idempotency-key")
        if request_key is not None and not _REQUEST_KEY.fullmatch(request_key):
            sentence = "The key must be 1 to 255 printable ASCII characters."
            raise ValidationFailed({IDEMPOTENCY_KEY: [sentence]})
        return NewPayment(
            rail=RAIL_OF_SERVICE[values["serviceId"] or _DEFAULT_SERVICE],
            institution_key=None if self._rail_of_codes(values) else values["institutionId"],
            money=parse_money(values["payment.amount"], values["payment.currency"]),
            customer=CustomerDetails(
                id=parse_uuid(values["customer.id"]),
                email=values["customer.email"],
                fields={
                    name: values[path] for name, path in _CUSTOMER_PATHS if values[path] is not None
                },
            ),
            reference=values["reference"],
            notify_url=values["callback_url"],
            request_key=request_key,
            request_hash=_fingerprint(body) if request_key is not None else None,
        )

    def _form(self, environment: Environment) -> Form:
        """The fields of contract 6.3, in its order."""
        policy = PUBLIC_ONLY if environment is Environment.LIVE else ANYWHERE
        special = {"name", "email", "country", "tax_number"}
        return Form(
            Field("serviceId", (self._offered,)),
            Field(
                "institutionId",
                (self._known_institution,),
                rules.required_if("serviceId", _DEFAULT_SERVICE),
            ),
            Field("payment", (rules.array,), rules.required),
            Field("payment.amount", (rules.amount_in("payment.currency"),), rules.required),
            Field("payment.currency", (rules.currency, self._collected), rules.required),
            Field("customer", (rules.array,), rules.required),
            Field("customer.id", (rules.uuid,)),
            Field("customer.email", (rules.email,), rules.required_without("customer.id")),
            Field("customer.name", (rules.text,)),
            Field("customer.country", (rules.text,), rules.required),
            *(
                Field(f"customer.{name}", (rules.text,))
                for name in CUSTOMER_FIELDS
                if name not in special
            ),
            Field(_TAX_NUMBER, (rules.text, self._is_tax_number), self._needs_tax_number),
            Field("reference", (rules.text,)),
            Field("callback_url", (rules.url_under(policy),)),
        )

    # --- what depends on the service ---------------------------------------------------------

    def _rail(self, values: Values) -> Rail | None:
        """The connector behind the service asked for; None if the application has none."""
        service = values["serviceId"] or _DEFAULT_SERVICE
        name = RAIL_OF_SERVICE.get(service) if isinstance(service, str) else None
        return offered_rail(self._gateway, values[_APPLICATION], name) if name else None

    def _rail_of_codes(self, values: Values) -> Rail | None:
        """The same where the payer pays by a code, from whichever bank."""
        rail = self._rail(values)
        return rail if rail is not None and rail.card.begins_at_creation else None

    def _offered(self, _: Any, values: Values) -> str | None:
        return _INVALID if self._rail(values) is None else None

    def _known_institution(self, value: Any, values: Values) -> str | None:
        if values["serviceId"] not in (None, _DEFAULT_SERVICE):
            return None  # ignored, or told about the service already
        environment = values[_APPLICATION].environment
        if not isinstance(value, str):
            return _INVALID
        found = find_institution(self._gateway, environment, value)
        return None if found and found.rail == RAIL_OF_SERVICE[_DEFAULT_SERVICE] else _INVALID

    def _collected(self, value: Any, values: Values) -> str | None:
        rail = self._rail_of_codes(values)
        return _INVALID if rail is not None and value not in rail.card.currencies else None

    def _needs_tax_number(self, values: Values) -> str | None:
        if self._rail_of_codes(values) is None:
            return None
        known = values[_KNOWN_TAX_NUMBER]
        if known is None:
            return f"The {{}} field is required when service id is {values['serviceId']}."
        return self._is_tax_number(known, values)

    def _is_tax_number(self, value: Any, values: Values) -> str | None:
        if self._rail_of_codes(values) is None:
            return None
        checks = self._gateway.settings.check_tax_numbers
        return None if clean_tax_number(value, check_digits=checks) else _INVALID

    async def _known_tax_number(self, body: Mapping[str, Any], caller: Caller) -> str | None:
        """That of the customer on file, where the request needs it and has none."""
        customer = body.get("customer")
        asked = {"serviceId": body.get("serviceId"), _APPLICATION: caller.application}
        if not isinstance(customer, dict) or customer.get("tax_number") not in (None, ""):
            return None
        if self._rail_of_codes(asked) is None:
            return None
        email = customer.get("email")
        return await known_tax_number(
            self._gateway,
            caller,
            parse_uuid(customer.get("id")),
            email if isinstance(email, str) and is_email(email) else None,
        )


def _fingerprint(body: Mapping[str, Any]) -> bytes:
    """The same for bodies that say the same, whatever their blanks and the order of their keys."""
    return hashlib.sha256(_CANONICAL.encode(body)).digest()
