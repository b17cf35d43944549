"""MTN's credentials: API users and keys, and access tokens of a product."""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from .mtn_wire import Refusal, Unauthorised

Product = Literal["collection", "disbursement"]

TOKEN_SECONDS = 3600


@dataclass(slots=True)
class ApiUser:
    """``callback_host`` None takes callback addresses anywhere; ``everywhere``: in production's
    environments too, and not in the sandbox alone.
    """

    id: str
    key: str | None
    callback_host: str | None = None
    everywhere: bool = False


@dataclass(frozen=True, slots=True)
class _Token:
    user: ApiUser
    product: Product
    expires_at: datetime


class Users:
    """All API users and the tokens they hold."""

    def __init__(self, first: ApiUser) -> None:
        self._first = first
        self.reset()

    def reset(self) -> None:
        self._users = {self._first.id: self._first}
        self._tokens: dict[str, _Token] = {}

    def get(self, user_id: str) -> ApiUser:
        """An API user; raises ``Refusal`` 404."""
        if user_id not in self._users:
            raise Refusal("RESOURCE_NOT_FOUND", "Requested resource was not found.")
        return self._users[user_id]

    def create(self, user_id: str, callback_host: str) -> None:
        """A sandbox user without a key; raises ``Refusal`` 409 for an id that is taken."""
        if user_id in self._users:
            raise Refusal("RESOURCE_ALREADY_EXIST", "Duplicated reference id.")
        self._users[user_id] = ApiUser(user_id, None, callback_host)

    def new_key(self, user: ApiUser) -> str:
        """A new key; the former one is good no more."""
        user.key = secrets.token_hex(16)
        return user.key

    def token(self, authorization: str, product: Product, now: datetime) -> str | None:
        """An access token for a user and key in HTTP's Basic form; None if they are wrong."""
        user = self._by_key(authorization)
        if user is None:
            return None
        token = secrets.token_urlsafe(48)
        self._tokens[token] = _Token(user, product, now + timedelta(seconds=TOKEN_SECONDS))
        return token

    def user(self, authorization: str, product: Product, now: datetime) -> ApiUser:
        """The user behind a bearer token; raises ``Unauthorised`` 401."""
        scheme, _, text = authorization.partition(" ")
        token = self._tokens.get(text)
        if scheme != "Bearer" or token is None or token.product != product:
            raise Unauthorised("The access token is missing or not known")
        if token.expires_at <= now:
            raise Unauthorised("The access token has expired")
        return token.user

    def _by_key(self, authorization: str) -> ApiUser | None:
        scheme, _, text = authorization.partition(" ")
        try:
            user_id, _, key = base64.b64decode(text, validate=True).decode().partition(":")
        except ValueError:
            return None
        user = self._users.get(user_id)
        if scheme != "Basic" or user is None or user.key is None:
            return None
        return user if secrets.compare_digest(user.key.encode(), key.encode()) else None
