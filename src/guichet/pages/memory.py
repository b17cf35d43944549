"""What a payer's browser is asked to remember: the payment it began from a link.

One cookie, sent back to that link's address alone. It opens nothing that the payment's own address
does not; without it the link's page works as well, and cannot say that there is a payment already.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from uuid import UUID

from guichet.web.asgi import Request

_NAME = "payment"
_VALUE = re.compile(rf"{_NAME}=([0-9a-f]{{32}})\.([A-Za-z0-9_-]{{10,64}})", re.ASCII)
_SECONDS = 30 * 86_400


class Remembered(NamedTuple):
    """A payment's id and the secret of its page."""

    payment_id: UUID
    token: str


def remembered(request: Request) -> Remembered | None:
    """The payment that the browser says it began here; nothing of it is proved yet."""
    for part in request.headers.get("cookie", "").split(";"):
        match = _VALUE.fullmatch(part.strip())
        if match:
            return Remembered(UUID(match.group(1)), match.group(2))
    return None


def remember(payment: Remembered, path: str, *, secure: bool) -> tuple[str, str]:
    """The header that makes the browser remember ``payment`` at ``path`` and below."""
    value = f"{_NAME}={payment.payment_id.hex}.{payment.token}; Path={path}; Max-Age={_SECONDS}"
    return "set-cookie", f"{value}; HttpOnly; SameSite=Lax{'; Secure' if secure else ''}"
