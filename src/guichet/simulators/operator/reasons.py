"""Why a request fails: one word for it, and how each API says it.

The words are MTN's ``ErrorReason`` codes and what its pages name beside them; an operator that
speaks GSMA's API says the nearest ``errorCategory`` and ``errorCode``, and the word itself in
``errorParameters`` as ``providerErrorCode``.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reason:
    """What it means in words, and GSMA's category and code for it."""

    text: str
    category: str
    code: str


REASONS = {
    "PAYEE_NOT_FOUND": Reason("The payee has no wallet", "identification", "identifierError"),
    "PAYER_NOT_FOUND": Reason("The payer has no wallet", "identification", "identifierError"),
    "NOT_ALLOWED": Reason(
        "The account may not do this", "authorisation", "requestingPartyAuthorisationError"
    ),
    "NOT_ALLOWED_TARGET_ENVIRONMENT": Reason(
        "Access to the target environment is forbidden", "validation", "genericError"
    ),
    "INVALID_CALLBACK_URL_HOST": Reason(
        "The callback address has another host than was registered", "validation", "formatError"
    ),
    "INVALID_CURRENCY": Reason("Currency not supported", "validation", "currencyNotSupported"),
    "SERVICE_UNAVAILABLE": Reason(
        "The service is not available, try again later", "serviceUnavailable", "genericError"
    ),
    "INTERNAL_PROCESSING_ERROR": Reason("An internal error occurred", "internal", "genericError"),
    "NOT_ENOUGH_FUNDS": Reason(
        "There is not enough money in the wallet", "businessRule", "insufficientFunds"
    ),
    "PAYER_LIMIT_REACHED": Reason(
        "The payer has reached a limit", "businessRule", "dailyValueLimitExceeded"
    ),
    "PAYEE_NOT_ALLOWED_TO_RECEIVE": Reason(
        "The payee may not receive money", "businessRule", "incorrectState"
    ),
    "PAYMENT_NOT_APPROVED": Reason(
        "The payment was not approved", "authorisation", "requestDeclined"
    ),
    "RESOURCE_NOT_FOUND": Reason("Not found", "identification", "identifierError"),
    "APPROVAL_REJECTED": Reason("The payer refused", "authorisation", "requestDeclined"),
    "EXPIRED": Reason("The payer did not answer in time", "businessRule", "genericError"),
    "TRANSACTION_CANCELED": Reason("It was cancelled", "businessRule", "genericError"),
    "RESOURCE_ALREADY_EXIST": Reason("It was seen before", "businessRule", "duplicateRequest"),
    "COULD_NOT_PERFORM_TRANSACTION": Reason(
        "The payer did not approve in time", "businessRule", "genericError"
    ),
}
