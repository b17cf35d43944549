"""From everything that can go wrong to its answer: one table, total (contract 3.6)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import json

from guichet.dialects.limits import refused_headers
from guichet.dialects.validation import ValidationFailed, say
from guichet.domain import errors
from guichet.web import asgi
from guichet.web.asgi import Reply, Request

_MODELS = {
    "payment": "Payment",
    "customer": "Customer",
    "institution": "Institution",
    "link": "PaymentLink",
}

#: The core's names of values, where the wire's are others.
_PATHS = {
    "rail": "serviceId",
    "institution": "institutionId",
    "currency": "payment.currency",
}
_SENTENCES = {
    "taken": "The {} has already been taken.",
    "required": "The {} field is required.",
    "unknown": "The selected {} is invalid.",
    "closed": "The payment link is closed and cannot be changed.",
}

IDEMPOTENCY_KEY = "Idempotency-Key"


def error_reply(request: Request, error: Exception) -> Reply:
    """The answer to whatever went wrong; 500 for what has no line in the table."""
    for kind in type(error).__mro__:
        answer = _ANSWERS.get(kind)
        if answer is not None:
            return answer(request, error)
    return failure(500, "Server Error")


def failure(status: int, message: str, headers: Sequence[tuple[str, str]] = ()) -> Reply:
    """An error that is a sentence alone."""
    return Reply(status, json.encode({"message": message}), headers=tuple(headers))


def invalid_reply(broken: Mapping[str, Sequence[str]]) -> Reply:
    """422: the first sentence and how many more there are, then all of them by field."""
    sentences = [sentence for group in broken.values() for sentence in group]
    message = sentences[0]
    more = len(sentences) - 1
    if more:
        message += f" (and {more} more error{'s' if more > 1 else ''})"
    return Reply(422, json.encode({"message": message, "errors": broken}))


def _fixed(status: int, message: str) -> Callable[[Request, Any], Reply]:
    reply = failure(status, message)
    return lambda _request, _error: reply


def _not_found(_: Request, error: errors.NotFound) -> Reply:
    model = _MODELS.get(error.noun, error.noun.title())
    return failure(404, f"No query results for model [App\\Models\\{model}] {error.key}")


def _invalid(_: Request, error: errors.Invalid) -> Reply:
    path = _PATHS.get(error.field, error.field)
    sentence = _SENTENCES.get(error.rule, _SENTENCES["unknown"])
    return invalid_reply({path: [say(sentence, path)]})


def _key_reused(_: Request, __: errors.RequestKeyReused) -> Reply:
    return invalid_reply({IDEMPOTENCY_KEY: ["This key was used with another request."]})


def _rate_limited(_: Request, error: errors.RateLimited) -> Reply:
    return failure(429, "Too Many Attempts.", refused_headers(error))


def _unavailable(_: Request, error: errors.Unavailable) -> Reply:
    return failure(503, "Service Unavailable", [("Retry-After", str(error.retry_after_seconds))])


def _route_not_found(request: Request, _: asgi.RouteNotFound) -> Reply:
    return failure(404, f"The route {request.path.lstrip('/')} could not be found.")


def _method_not_allowed(request: Request, error: asgi.MethodNotAllowed) -> Reply:
    allowed = ", ".join(error.allowed)
    return failure(
        405,
        f"The {request.method} method is not supported for route {request.path.lstrip('/')}. "
        f"Supported methods: {allowed}.",
        [("Allow", allowed)],
    )


_ANSWERS: dict[type[Any], Callable[[Request, Any], Reply]] = {
    ValidationFailed: lambda _, error: invalid_reply(error.errors),
    errors.Unauthenticated: _fixed(401, "Unauthenticated."),
    errors.Forbidden: _fixed(403, "This action is unauthorized."),
    errors.NotFound: _not_found,
    errors.Invalid: _invalid,
    errors.RequestKeyReused: _key_reused,
    errors.RequestInProgress: _fixed(409, "A request with this Idempotency-Key is still running."),
    errors.RateLimited: _rate_limited,
    errors.Unavailable: _unavailable,
    errors.NotPayable: _fixed(409, "The payment cannot be paid any more."),
    errors.DuplicateReference: _fixed(409, "The reference was used before."),
    errors.NotCancellable: _fixed(409, "It cannot be cancelled any more."),
    errors.NotRefundable: _fixed(409, "The payment cannot be refunded like this."),
    errors.InsufficientFunds: _fixed(409, "There is less money available than this would take."),
    errors.ForbiddenTransition: _fixed(500, "Server Error"),
    asgi.RouteNotFound: _route_not_found,
    asgi.MethodNotAllowed: _method_not_allowed,
    asgi.BodyTooSlow: _fixed(408, "Request Timeout"),
    asgi.BodyTooLarge: _fixed(413, "The POST data is too large."),
    asgi.EncodingNotSupported: _fixed(415, "Unsupported Media Type"),
    asgi.Refusal: _fixed(400, "Bad Request"),
}
