"""From everything that can go wrong to its answer: one table, total (contract 4.4 and 5.2)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from guichet.dialects.limits import refused_headers
from guichet.dialects.notchpay.auth import GrantMissing, GrantWrong, KeyMissing
from guichet.dialects.notchpay.bodies import InvalidBody
from guichet.dialects.notchpay.envelope import encode, status_of
from guichet.dialects.notchpay.options import WireOption, has_option
from guichet.dialects.validation import ValidationFailed, say
from guichet.domain import errors
from guichet.web import asgi
from guichet.web.asgi import Reply, Request

_NOUNS = {
    "payment": "Payment",
    "transfer": "Transfer",
    "bulk": "Bulk transfer",
    "customer": "Customer",
    "beneficiary": "Beneficiary",
    "endpoint": "Webhook endpoint",
    "refund": "Refund",
    "delivery": "Delivery",
}
_SENTENCES = {
    "taken": "The {} has already been taken.",
    "required": "The {} field is required.",
    "unknown": "The selected {} is invalid.",
    "currency": "The selected {} does not fit the currency.",
    "amount": "The {} field is out of the channel's bounds.",
    "locked": "The selected {} is not one that this payment is locked to.",
}


def error_reply(request: Request, error: Exception) -> Reply:
    """The answer to whatever went wrong; 500 for what has no line in the table."""
    kinds = (kind for kind in type(error).__mro__ if kind in _ANSWERS)
    reply = _ANSWERS[next(kinds, Exception)](request, error)
    if has_option(request, WireOption.TEXT_ERROR_CODES):
        body = json.loads(reply.body)
        return reply._replace(body=encode(body | {"code": str(body["code"])}))
    return reply


def failure(
    code: int,
    message: str,
    broken: Mapping[str, Sequence[str]] | None = None,
    headers: Sequence[tuple[str, str]] = (),
) -> Reply:
    """An error as the wire has it; ``broken`` are sentences by field."""
    body: dict[str, Any] = {"code": code, "status": status_of(code), "message": message}
    if broken is not None:
        body["errors"] = broken
    return Reply(code, encode(body), headers=tuple(headers))


def invalid_reply(broken: Mapping[str, Sequence[str]], message: str | None = None) -> Reply:
    """422: the ``message``, else the first sentence and how many more there are, then all of them
    by field.
    """
    if message is not None:
        return failure(422, message, broken)
    sentences = [sentence for group in broken.values() for sentence in group]
    more = len(sentences) - 1
    message = sentences[0]
    if more:
        message += f" (and {more} more error{'s' if more > 1 else ''})"
    return failure(422, message, broken)


def _fixed(code: int, message: str) -> Callable[[Request, Any], Reply]:
    reply = failure(code, message)
    return lambda _request, _error: reply


def _not_found(_: Request, error: errors.NotFound) -> Reply:
    return failure(404, f"{_NOUNS.get(error.noun, error.noun.title())} not found")


def invalid_sentences(error: errors.Invalid) -> dict[str, list[str]]:
    """What the core says of a value, by field."""
    sentence = _SENTENCES.get(error.rule, _SENTENCES["unknown"])
    return {error.field: [say(sentence, error.field)]}


def _invalid(_: Request, error: errors.Invalid) -> Reply:
    return invalid_reply(invalid_sentences(error))


def _duplicate(_: Request, error: errors.DuplicateReference) -> Reply:
    message = f"A {error.noun} with this reference already exists"
    return failure(409, message, {"reference": ["The reference has already been taken."]})


def _not_refundable(_: Request, error: errors.NotRefundable) -> Reply:
    field = "amount" if error.rule == "amount" else "payment"
    return invalid_reply({field: [f"{str(error)[:1].upper()}{str(error)[1:]}."]})


def _rate_limited(_: Request, error: errors.RateLimited) -> Reply:
    reset = ("X-RateLimit-Reset", str(error.retry_after_seconds))
    return failure(429, "Too many requests", headers=[*refused_headers(error), reset])


def _unavailable(_: Request, error: errors.Unavailable) -> Reply:
    retry = ("Retry-After", str(error.retry_after_seconds))
    return failure(503, "Service Unavailable", headers=[retry])


def _method_not_allowed(_: Request, error: asgi.MethodNotAllowed) -> Reply:
    return failure(405, "Method Not Allowed", headers=[("Allow", ", ".join(error.allowed))])


def _grant_missing(request: Request, _: GrantMissing) -> Reply:
    code = 406 if has_option(request, WireOption.GRANT_406) else 403
    return failure(code, "This endpoint requires additional authentication")


_ANSWERS: dict[type[Any], Callable[[Request, Any], Reply]] = {
    ValidationFailed: lambda _, error: invalid_reply(error.errors),
    InvalidBody: _fixed(400, "Invalid JSON payload"),
    KeyMissing: _fixed(401, "API key is missing"),
    errors.Unauthenticated: _fixed(401, "Invalid API key"),
    GrantMissing: _grant_missing,
    GrantWrong: _fixed(403, "Invalid grant key"),
    errors.CustomerBlocked: _fixed(403, "Customer is blocked"),
    errors.Forbidden: _fixed(403, "This action is unauthorized"),
    errors.NotFound: _not_found,
    errors.Invalid: _invalid,
    errors.DuplicateReference: _duplicate,
    errors.InsufficientFunds: _fixed(422, "Insufficient funds"),
    errors.NotRefundable: _not_refundable,
    errors.NotCancellable: _fixed(422, "Transfer cannot be canceled"),
    errors.RequestKeyReused: _fixed(422, "This Idempotency-Key was used with another request"),
    errors.RequestInProgress: _fixed(409, "A request with this Idempotency-Key is still running"),
    errors.RateLimited: _rate_limited,
    errors.Unavailable: _unavailable,
    errors.NotPayable: _fixed(422, "Payment cannot be processed"),
    errors.ForbiddenTransition: _fixed(500, "Server Error"),
    asgi.RouteNotFound: _fixed(404, "Not Found"),
    asgi.MethodNotAllowed: _method_not_allowed,
    asgi.BodyTooSlow: _fixed(408, "Request Timeout"),
    asgi.BodyTooLarge: _fixed(413, "Payload Too Large"),
    asgi.EncodingNotSupported: _fixed(415, "Unsupported Media Type"),
    asgi.Refusal: _fixed(400, "Invalid request parameters"),
    Exception: _fixed(500, "Server Error"),
}
