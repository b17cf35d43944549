"""Access tokens (OAuth 2, RFC 6749): fetched once however many calls wait, kept while good.

A token is renewed before it runs out, and after a 401; it is never logged nor shown.
"""

from __future__ import annotations

import asyncio
import base64
import re
import time
from collections.abc import Awaitable, Callable

import msgspec

from guichet.outbound.client import Answer, NoAnswer, NotSent
from guichet.outbound.policy import RefusedAddress
from guichet.rails.port import RailUnavailable

#: A token is given up so long before its time, or after half of a shorter life.
_MARGIN_SECONDS = 30.0
_TOKEN_SECONDS_DEFAULT = 300.0
_TOKEN_SECONDS_MAX = 86_400.0
_BEARER = re.compile(r"[A-Za-z0-9._~+/-]{1,8192}=*")
_WORD = re.compile(r"[a-z_]{1,40}")


class Token(msgspec.Struct):
    """The answer of a token endpoint, or its error."""

    access_token: str = ""
    expires_in: object = None
    error: str = ""

    def __repr__(self) -> str:
        return "<Token>"


class TokenKeeper:
    """The token of one way in; ``fetch`` asks for a new one and raises as the guarded client."""

    def __init__(self, fetch: Callable[[], Awaitable[Answer]]) -> None:
        self._fetch = fetch
        self._fetching: asyncio.Task[str] | None = None
        self._token = ""
        self._good_until = 0.0

    async def token(self) -> str:
        """An access token; raises ``RailUnavailable`` when none can be had."""
        if self._token and time.monotonic() < self._good_until:
            return self._token
        if self._fetching is None or self._fetching.done():
            self._fetching = asyncio.create_task(self._renew())
            self._fetching.add_done_callback(_look_at)
        # Others wait for the same fetch: who gives up waiting does not end it.
        return await asyncio.shield(self._fetching)

    def forget(self, token: str) -> None:
        """Let go of a token that is not taken any more, unless it was replaced since."""
        if token == self._token:
            self._token = ""

    async def _renew(self) -> str:
        asked_at = time.monotonic()
        try:
            answer = await self._fetch()
        except (NotSent, NoAnswer, RefusedAddress) as error:
            raise RailUnavailable(f"POST token: {error}") from error
        token = _understood(answer)
        if not _BEARER.fullmatch(token.access_token):
            raise RailUnavailable("POST token: not a token")
        life_seconds = _life_seconds(token.expires_in)
        margin_seconds = min(_MARGIN_SECONDS, life_seconds / 2)
        self._token, self._good_until = token.access_token, asked_at + life_seconds - margin_seconds
        return self._token


def basic_authorization(user: str, secret: str) -> str:
    """The value of ``Authorization`` for HTTP Basic."""
    return f"Basic {base64.b64encode(f'{user}:{secret}'.encode()).decode()}"


def _look_at(task: asyncio.Task[str]) -> None:
    # A failure for which nobody waits any more is no news for the log.
    if not task.cancelled():
        task.exception()


def _understood(answer: Answer) -> Token:
    try:
        token = msgspec.json.decode(answer.body, type=Token)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        token = Token()
    if answer.status != 200 or not token.access_token:
        word = token.error if _WORD.fullmatch(token.error) else "no token"
        raise RailUnavailable(f"POST token: {answer.status} {word}")
    return token


def _life_seconds(expires_in: object) -> float:
    """How long a token lives; RFC 6749 wants a number, and some write it as text."""
    text = str(expires_in)
    if not re.fullmatch(r"[0-9]{1,9}", text, re.ASCII):
        return _TOKEN_SECONDS_DEFAULT
    return min(float(text), _TOKEN_SECONDS_MAX)
