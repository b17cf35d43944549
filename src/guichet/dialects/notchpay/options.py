"""Where Notch Pay's documents and its live API disagree, what a merchant's clients want instead.

Chosen per application (``guichet application update --wire-option``); contract 1 and 18.
"""

from __future__ import annotations

from enum import StrEnum

from guichet.domain.access import Caller
from guichet.web.asgi import Request

_KEPT_AS = "notchpay.options"


class WireOption(StrEnum):
    """A choice, by the word under which it is kept."""

    GRANT_406 = "grant_406"  # a missing private key is 406, as live, in place of 403
    TEXT_ERROR_CODES = "text_error_codes"  # the code in the body of an error is a text
    WEBHOOKS_200 = "webhooks_200"  # changing and deleting an endpoint answer 200, not 202
    WEBHOOKS_NEED_GRANT = "webhooks_need_grant"  # endpoints ask for the private key in sandbox too


def keep_options(request: Request, caller: Caller) -> None:
    """Remember what the caller's application chose, for whatever answers the request."""
    request.scope[_KEPT_AS] = caller.application.dialect_options


def has_option(request: Request, option: WireOption) -> bool:
    """Whether the application that asks, once it is known, chose the option."""
    return option in request.scope.get(_KEPT_AS, ())
