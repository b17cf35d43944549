"""MTN's JSON: bodies checked, results written, errors as MTN says them.

Shapes as in the portal's schema of the Collection and Disbursement APIs (September 2026), rules as
on its page "Common Error Codes".
"""

from __future__ import annotations

import re
from collections.abc import Collection
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from guichet.simulators.common.wire import Refusal as PlainRefusal

from .operators import Operator
from .reasons import REASONS
from .records import Request

#: ``reason`` as MTN's schema has it, an object; or a text, as its sandbox has been seen to answer.
ReasonForm = Literal["object", "text"]

_STATUSES = {
    "RESOURCE_ALREADY_EXIST": 409,
    "RESOURCE_NOT_FOUND": 404,
    "SERVICE_UNAVAILABLE": 503,
    "BAD_REQUEST": 400,
    "FORBIDDEN_IP": 403,
}
_WORDS = {"pending": "PENDING", "completed": "SUCCESSFUL", "failed": "FAILED"}
_AMOUNT = re.compile(r"(0|[1-9][0-9]{0,14})(\.[0-9]{1,4})?")
_NUMBER = re.compile(r"[0-9]{6,15}")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_CURRENCY = re.compile(r"[A-Z]{3}")
_UNSUPPORTED = re.compile("['’‘`´<>]")
_LONGEST_MESSAGE = 160
_LONGEST_EXTERNAL_ID = 64
_PARTY_TYPES = ("MSISDN", "EMAIL", "PARTY_CODE")


class Refusal(PlainRefusal):
    """MTN's ``{"code", "message"}``; its HTTP status follows from the code."""

    def __init__(self, code: str, message: str = "") -> None:
        reason = REASONS.get(code)
        super().__init__(_STATUSES.get(code, 500), message or (reason.text if reason else code))
        self.code = code


class Unauthorised(PlainRefusal):
    """The API manager's own ``{"statusCode", "message"}``."""

    def __init__(self, message: str) -> None:
        super().__init__(401, message)


def error_json(refusal: PlainRefusal) -> dict[str, Any]:
    """The body of an error."""
    if isinstance(refusal, Refusal):
        return {"code": refusal.code, "message": refusal.message}
    if refusal.status == 401:
        return {"statusCode": 401, "message": refusal.message}
    codes = {404: "RESOURCE_NOT_FOUND", 503: "SERVICE_UNAVAILABLE", 400: "BAD_REQUEST"}
    code = codes.get(refusal.status, "INTERNAL_PROCESSING_ERROR")
    return {"code": code, "message": refusal.message}


def reference_of(text: str | None) -> str:
    """A UUID of version 4 as MTN asks for it, in small letters; raises ``Refusal`` 400."""
    try:
        value = UUID(text or "")
    except ValueError:
        value = UUID(int=0)
    if value.version != 4 or str(value) != (text or "").lower():
        raise Refusal("BAD_REQUEST", "X-Reference-Id must be a UUID of version 4")
    return str(value)


def check_names(body: dict[str, Any], names: Collection[str]) -> None:
    """Raises ``Refusal`` 400 for a field that the specification does not have."""
    for name in body:
        if name not in names:
            raise Refusal("BAD_REQUEST", f"{name} is not a field of this request")


def amount_of(body: dict[str, Any], operator: Operator) -> Decimal:
    """The amount; raises ``Refusal`` 400 for what is none, 500 for another currency."""
    text, currency = body.get("amount"), body.get("currency")
    if not isinstance(text, str) or not _AMOUNT.fullmatch(text) or Decimal(text) <= 0:
        raise Refusal("BAD_REQUEST", "amount must be a positive number as text")
    if not isinstance(currency, str) or not _CURRENCY.fullmatch(currency):
        raise Refusal("BAD_REQUEST", "currency must be an ISO 4217 code")
    if currency != operator.currency:
        raise Refusal("INVALID_CURRENCY", "Currency not supported.")
    amount = Decimal(text)
    if amount != round(amount, operator.places):
        raise Refusal("BAD_REQUEST", f"amount has more decimals than {currency}")
    return amount


def party_of(party: object, name: str) -> str:
    """Who pays or is paid: the id alone; raises ``Refusal`` 400."""
    if not isinstance(party, dict) or set(party) != {"partyIdType", "partyId"}:
        raise Refusal("BAD_REQUEST", f"{name} must be an object of partyIdType and partyId")
    kind, text = party["partyIdType"], party["partyId"]
    if kind not in _PARTY_TYPES or not isinstance(text, str):
        raise Refusal("BAD_REQUEST", f"{name}.partyIdType must be one of {', '.join(_PARTY_TYPES)}")
    if kind == "MSISDN" and not _NUMBER.fullmatch(text):
        raise Refusal("BAD_REQUEST", f"{name}.partyId must be digits with the country code")
    if kind == "EMAIL" and not _EMAIL.fullmatch(text):
        raise Refusal("BAD_REQUEST", f"{name}.partyId must be an e-mail address")
    if kind == "PARTY_CODE":
        reference_of(text)
    return text


def check_texts(body: dict[str, Any]) -> None:
    """The external id and the two messages; raises ``Refusal`` 400."""
    limits = {
        "externalId": _LONGEST_EXTERNAL_ID,
        "payerMessage": _LONGEST_MESSAGE,
        "payeeNote": _LONGEST_MESSAGE,
    }
    for name, longest in limits.items():
        text = body.get(name, "")
        if not isinstance(text, str) or len(text) > longest:
            raise Refusal("BAD_REQUEST", f"{name} must be a text of at most {longest} characters")
        if _UNSUPPORTED.search(text):
            raise Refusal("BAD_REQUEST", f"{name} has an unsupported character")
    if not body.get("externalId"):
        raise Refusal("BAD_REQUEST", "externalId is missing")


def result_json(request: Request, reason_form: ReasonForm) -> dict[str, Any]:
    """``RequestToPayResult``, ``TransferResult`` or the result of a refund."""
    body = {name: value for name, value in request.body.items() if name != "referenceIdToRefund"}
    if request.kind == "refund":
        body["payee"] = {"partyIdType": "MSISDN", "partyId": request.number}
    if request.status == "completed":
        body["financialTransactionId"] = request.reference
    body["status"] = _WORDS[request.status]
    if request.reason is not None:
        reason = REASONS[request.reason]
        told = {"code": request.reason, "message": reason.text}
        body["reason"] = told if reason_form == "object" else request.reason
    return body
