"""The JSON of GSMA's Mobile Money API 1.2: bodies checked, results written, its error object."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from guichet.simulators.common.wire import Refusal as PlainRefusal
from guichet.simulators.common.wire import timestamp

from .operators import Operator
from .reasons import REASONS
from .records import Request

LONGEST_TEXT = 160

STATUSES = {
    "businessRule": 400,
    "validation": 400,
    "authorisation": 401,
    "identification": 404,
    "internal": 500,
    "serviceUnavailable": 503,
}
_TYPES = {"collect": "merchantpay", "disburse": "disbursement"}
_AMOUNT = re.compile(r"(0|[1-9][0-9]{0,17})(\.[0-9]{1,4})?")
_NUMBER = re.compile(r"\+?[0-9 ]+")
_ACCOUNT = re.compile(r"([a-z]+)@([^$\n]+)")
_PARTY_KEYS = 10
_LONGEST = 256


class Refusal(PlainRefusal):
    """GSMA's ``errorObject``; its HTTP status follows from the category."""

    def __init__(self, category: str, code: str, message: str) -> None:
        super().__init__(STATUSES[category], message)
        self.category = category
        self.code = code


@dataclass(frozen=True, slots=True)
class Order:
    """What a transaction or a reversal asks for; ``amount`` None: all of it."""

    amount: Decimal | None
    debit: str | None
    credit: str | None
    reference: str
    text: str


def date(moment: datetime) -> str:
    """The moment as ``X-Date`` has it in the file: RFC 3339."""
    return timestamp(moment)


def error_json(refusal: PlainRefusal, now: datetime) -> dict[str, Any]:
    """The body of an error."""
    if isinstance(refusal, Refusal):
        category, code = refusal.category, refusal.code
    else:
        by_status = {status: name for name, status in STATUSES.items() if name != "validation"}
        category = by_status.get(refusal.status, "internal")
        code = "identifierError" if category == "identification" else "genericError"
        if category == "authorisation":
            code = "clientAuthorisationError"
    return {
        "errorCategory": category,
        "errorCode": code,
        "errordescription": refusal.message[:_LONGEST],
        "errorDateTime": timestamp(now),
    }


def reason_json(request: Request) -> dict[str, Any]:
    """Why a request failed, as ``errorObject``."""
    name = request.reason or "INTERNAL_PROCESSING_ERROR"
    reason = REASONS[name]
    return {
        "errorCategory": reason.category,
        "errorCode": reason.code,
        "errordescription": reason.text,
        "errorDateTime": timestamp(request.changed_at),
        "errorParameters": [{"key": "providerErrorCode", "value": name}],
    }


def state_json(request: Request, poll_limit: int) -> dict[str, Any]:
    """``requestStateObject``: how an order stands, and how often one may ask."""
    body: dict[str, Any] = {
        "serverCorrelationId": request.id,
        "status": request.status,
        "notificationMethod": "polling" if request.callback_url is None else "callback",
        "objectReference": request.reference,
        "pollLimit": poll_limit,
    }
    if request.status == "pending":
        body["pendingReason"] = "Waiting for the customer" if request.asks else "In process"
    if request.kind == "collect":
        body["expiryTime"] = timestamp(request.expires_at)
    if request.status == "failed":
        body["error"] = reason_json(request)
    return body


def transaction_json(request: Request) -> dict[str, Any]:
    """``responseTransaction``, also of a reversal."""
    customer = [{"key": "msisdn", "value": f"+{request.number}"}]
    merchant = [{"key": "organisationid", "value": "merchant"}]
    comes_in = request.kind == "collect"
    body: dict[str, Any] = {
        "transactionReference": request.reference,
        "transactionStatus": request.status,
        "type": _TYPES.get(request.kind) or request.body.get("type", "reversal"),
        "amount": text_of(request.amount),
        "currency": request.operator.currency,
        "debitParty": customer if comes_in else merchant,
        "creditParty": merchant if comes_in else customer,
        "creationDate": timestamp(request.created_at),
        "modificationDate": timestamp(request.changed_at),
    }
    if request.status == "completed":
        body["transactionReceipt"] = request.reference
    if request.original is not None:
        body["originalTransactionReference"] = request.original.reference
    for name in (
        "requestingOrganisationTransactionReference",
        "descriptionText",
        "requestDate",
        "metadata",
    ):
        if name in request.body:
            body[name] = request.body[name]
    return body


def callback_json(request: Request) -> dict[str, Any]:
    """What a callback carries: the transaction, or the error that it failed with."""
    return reason_json(request) if request.status == "failed" else transaction_json(request)


def text_of(amount: Decimal) -> str:
    """An amount without superfluous digits: 5000, 12.50."""
    return f"{amount:f}"


# Checks -------------------------------------------------------------------------------------------


def correlation_id_of(text: str) -> str:
    """A UUID in small letters; raises ``Refusal``."""
    try:
        value = str(UUID(text))
    except ValueError:
        value = ""
    if value != text.lower():
        raise Refusal("validation", "formatError", "The correlation id must be a UUID")
    return value


def order_of(body: dict[str, Any], operator: Operator, *, whole: bool) -> Order:
    """What the body asks for; ``whole``: amount and currency must be there. Raises ``Refusal``."""
    amount = None
    if whole or "amount" in body or "currency" in body:
        amount = _amount_of(body, operator)
    text = _text(body, "descriptionText", LONGEST_TEXT)
    reference = _text(body, "requestingOrganisationTransactionReference", _LONGEST)
    _text(body, "requestDate", _LONGEST)
    if "metadata" in body:
        _pairs(body, "metadata", 20)
    return Order(amount, _msisdn(body, "debitParty"), _msisdn(body, "creditParty"), reference, text)


def number_of(text: str) -> str:
    """An MSISDN's digits; raises ``Refusal``."""
    digits = text.lstrip("+").replace(" ", "")
    if not _NUMBER.fullmatch(text) or not 6 <= len(digits) <= 15:
        raise Refusal("validation", "formatError", "An msisdn has 6 to 15 digits")
    return digits


def account_number_of(path: Mapping[str, str]) -> str:
    """The MSISDN that an account's path names, either way; raises ``Refusal``."""
    kind, value = path.get("identifierType"), path.get("identifier", "")
    if "accountId" in path:
        match = _ACCOUNT.fullmatch(path["accountId"])
        if match is None:
            raise Refusal("validation", "formatError", "The account must be named as type@value")
        kind, value = match[1], match[2]
    if kind != "msisdn":
        raise Refusal("identification", "identifierError", "Accounts are known by msisdn alone")
    return number_of(value)


def _amount_of(body: dict[str, Any], operator: Operator) -> Decimal:
    text, currency = body.get("amount"), body.get("currency")
    for name, value in (("amount", text), ("currency", currency)):
        if value is None:
            raise Refusal("validation", "mandatoryValueNotSupplied", f"{name} is missing")
    if isinstance(text, str) and text.startswith("-"):
        raise Refusal("validation", "negativeValue", "amount is negative")
    if not isinstance(text, str) or not _AMOUNT.fullmatch(text):
        raise Refusal("validation", "formatError", "amount must be a number as text")
    if currency != operator.currency:
        raise Refusal("validation", "currencyNotSupported", f"Only {operator.currency} is taken")
    amount = Decimal(text)
    if amount != round(amount, operator.places):
        raise Refusal("validation", "formatError", f"{currency} has fewer decimals")
    if amount == 0:
        raise Refusal("businessRule", "lessThanTransactionMinValue", "amount is nothing")
    return round(amount, operator.places)


def _msisdn(body: dict[str, Any], name: str) -> str | None:
    if name not in body:
        return None
    pairs = _pairs(body, name, _PARTY_KEYS)
    if not pairs:
        raise Refusal("validation", "lengthError", f"{name} is empty")
    found = next((value for key, value in pairs if key == "msisdn"), None)
    return None if found is None else number_of(found)


def _pairs(body: dict[str, Any], name: str, most: int) -> list[tuple[str, str]]:
    value = body[name]
    if not isinstance(value, list) or len(value) > most:
        raise Refusal("validation", "formatError", f"{name} must be a list of at most {most}")
    pairs = []
    for each in value:
        fits = isinstance(each, dict) and set(each) == {"key", "value"}
        if not fits or not all(
            isinstance(v, str) and 0 < len(v) <= _LONGEST for v in each.values()
        ):
            raise Refusal("validation", "formatError", f"{name} must have keys and values as texts")
        pairs.append((each["key"], each["value"]))
    return pairs


def _text(body: dict[str, Any], name: str, longest: int) -> str:
    text = body.get(name, "")
    if not isinstance(text, str):
        raise Refusal("validation", "formatError", f"{name} must be a text")
    if len(text) > longest:
        raise Refusal("validation", "lengthError", f"{name} has more than {longest} characters")
    return text
