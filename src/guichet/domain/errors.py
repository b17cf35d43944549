"""What can go wrong, named once. No HTTP here: each dialect has one table from these to its wire.

A docstring's first line is the default message.
"""

from __future__ import annotations


class GuichetError(Exception):
    """Something went wrong."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (type(self).__doc__ or "").partition("\n")[0])


class Unauthenticated(GuichetError):
    """The credentials are missing, unknown or revoked."""


class Forbidden(GuichetError):
    """The caller may not do this from here."""


class CustomerBlocked(Forbidden):
    """Customer is blocked."""


class NotFound(GuichetError):
    """No such object for this application.

    ``noun`` is the core's word (``payment``, ``customer``…), ``key`` what was asked for.
    """

    def __init__(self, noun: str, key: str) -> None:
        super().__init__(f"no {noun} {key}")
        self.noun = noun
        self.key = key


class Invalid(GuichetError):
    """A value breaks a rule that only the core can check.

    ``field`` is the core's name of the value (``institution``, ``customer``, ``email``); ``rule``
    is ``unknown``, ``taken``, ``required``…; the dialect finds its own field and sentence.
    """

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(f"{field}: {rule}")
        self.field = field
        self.rule = rule


class RequestKeyReused(GuichetError):
    """The idempotency key was used with another request."""


class RequestInProgress(GuichetError):
    """A request with this idempotency key is still running."""


class RateLimited(GuichetError):
    """Too many requests; try again in ``retry_after_seconds``.

    ``limit`` is how many requests the window allows.
    """

    def __init__(self, limit: int, retry_after_seconds: int) -> None:
        super().__init__()
        self.limit = limit
        self.retry_after_seconds = retry_after_seconds


class Unavailable(GuichetError):
    """The service cannot take the request now; try again in ``retry_after_seconds``."""

    def __init__(self, retry_after_seconds: int = 1) -> None:
        super().__init__()
        self.retry_after_seconds = retry_after_seconds


class Overloaded(Unavailable):
    """Too many requests are waiting."""


class Conflicted(Unavailable):
    """Another transaction was in the way and nothing happened; alone it may succeed."""


class DatabaseUnavailable(Unavailable):
    """The database cannot be reached; whether a write under way happened is not known."""


class Halted(Unavailable):
    """The books are wrong: no new money moves until a person has looked."""


class NotPayable(GuichetError):
    """The payment cannot be paid any more; ``status`` says what became of it."""

    def __init__(self, status: str) -> None:
        super().__init__(f"payment is {status}")
        self.status = status


class LinkNotPayable(NotPayable):
    """The payment link takes no payments now; ``state`` says why (``domain.links.state_of``)."""

    def __init__(self, state: str) -> None:
        super().__init__(f"link_{state}")
        self.state = state


class DuplicateReference(GuichetError):
    """The application has used this reference before; ``key`` is the id of what it names."""

    def __init__(self, noun: str, reference: str, key: str) -> None:
        super().__init__(f"a {noun} with the reference {reference} exists")
        self.noun = noun
        self.reference = reference
        self.key = key


class NotCancellable(GuichetError):
    """It is under way or closed; ``status`` says which."""

    def __init__(self, status: str) -> None:
        super().__init__(f"it is {status}")
        self.status = status


class InsufficientFunds(GuichetError):
    """The application has less available than this would take."""


class NotRefundable(GuichetError):
    """The payment cannot be refunded like this; ``rule`` says why: ``status``, ``amount`` (more
    than is left of it), ``window`` (too long ago) or ``rail`` (its rail cannot give money back).
    """

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule


class ForbiddenTransition(GuichetError):
    """A life cycle was asked for a move it does not have: a defect, never a user's mistake."""

    def __init__(self, noun: str, source: str, target: str) -> None:
        super().__init__(f"{noun}: {source} -> {target} is not an edge")
