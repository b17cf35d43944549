"""Whose call it is: the account's public key, and for some operations the private one."""

from __future__ import annotations

import hmac

from starlette.requests import Request as HttpRequest

from .wire import Refusal

_BEARER = "bearer "
_GRANTS = ("x-grant", "grant-authorization", "x-auth")


class Keys:
    """The keys of the one account there is."""

    def __init__(self, public_key: str, private_key: str) -> None:
        self._public = public_key
        self._private = private_key

    def identify(self, request: HttpRequest, *, grant: bool) -> None:
        """Raises ``Refusal``: 401 for a stranger, 403 if ``grant`` and no private key."""
        given = request.headers.get("authorization", "")
        key = given[len(_BEARER) :] if given[: len(_BEARER)].lower() == _BEARER else given
        if not key:
            raise Refusal(401, "API key is missing")
        if not any(_same(key, known) for known in (self._public, self._private)):
            raise Refusal(401, "Invalid API key")
        if not grant or _same(key, self._private):
            return
        granted = next((found for name in _GRANTS if (found := request.headers.get(name))), None)
        if granted is None:
            raise Refusal(403, "This endpoint requires additional authentication")
        if not _same(granted, self._private):
            raise Refusal(403, "Invalid grant key")


def _same(given: str, known: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), known.encode())
