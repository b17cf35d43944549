"""Ways in: for each account and product its access token, kept while it is good.

A token is fetched once however many calls wait for it, renewed before it runs out, and after a 401;
it is never logged nor shown.
"""

from __future__ import annotations

import asyncio
import base64
import re
import time
from collections import OrderedDict
from collections.abc import Mapping
from uuid import UUID

import msgspec

from guichet.domain.orders import ProviderAccount
from guichet.outbound.client import Answer, GuardedClient, NoAnswer, NotSent
from guichet.outbound.policy import ANYWHERE, RefusedAddress
from guichet.rails.mobile_money import InvalidAccount
from guichet.rails.mtn.account import Credentials, MtnAccount, Product, parse_account
from guichet.rails.mtn.wire import Token
from guichet.rails.port import RailUnavailable

_SESSIONS_MAX = 256
#: A token is given up so long before its time, or after half of a shorter life.
_MARGIN_SECONDS = 30.0
_TOKEN_SECONDS_DEFAULT = 300.0
_TOKEN_SECONDS_MAX = 86_400.0
_BEARER = re.compile(r"[A-Za-z0-9._~+/-]{1,8192}=*")
_WORD = re.compile(r"[a-z_]{1,40}")


class Door:
    """The way into one product of one account."""

    def __init__(
        self,
        client: GuardedClient,
        account: MtnAccount,
        product: Product,
        credentials: Credentials,
        timeout_seconds: float,
    ) -> None:
        self.root = f"{account.base_url.rstrip('/')}/{product}"
        self.environment = account.target_environment
        self.subscription_key = credentials.subscription_key
        pair = f"{credentials.api_user}:{credentials.api_key}"
        self._authorization = f"Basic {base64.b64encode(pair.encode()).decode()}"
        self._client = client
        self._timeout_seconds = timeout_seconds
        self._fetching: asyncio.Task[str] | None = None
        self._token = ""
        self._good_until = 0.0

    async def token(self) -> str:
        """An access token; raises ``RailUnavailable`` when none can be had."""
        if self._token and time.monotonic() < self._good_until:
            return self._token
        if self._fetching is None or self._fetching.done():
            self._fetching = asyncio.create_task(self._fetch())
            self._fetching.add_done_callback(_look_at)
        # Others wait for the same fetch: who gives up waiting does not end it.
        return await asyncio.shield(self._fetching)

    def forget(self, token: str) -> None:
        """Let go of a token that MTN does not take any more, unless it was replaced since."""
        if token == self._token:
            self._token = ""

    async def _fetch(self) -> str:
        asked_at = time.monotonic()
        try:
            answer = await self._client.send(
                "POST",
                f"{self.root}/token/",
                policy=ANYWHERE,
                timeout_seconds=self._timeout_seconds,
                headers={
                    "authorization": self._authorization,
                    "ocp-apim-subscription-key": self.subscription_key,
                    "accept": "application/json",
                },
            )
        except (NotSent, NoAnswer, RefusedAddress) as error:
            raise RailUnavailable(f"POST token: {error}") from error
        token = _understood(answer)
        if not _BEARER.fullmatch(token.access_token):
            raise RailUnavailable("POST token: not a token")
        life_seconds = _life_seconds(token.expires_in)
        margin_seconds = min(_MARGIN_SECONDS, life_seconds / 2)
        self._token, self._good_until = token.access_token, asked_at + life_seconds - margin_seconds
        return self._token


class Session:
    """One account's ways in, one for each product that it has."""

    def __init__(self, client: GuardedClient, account: MtnAccount, timeout_seconds: float) -> None:
        self.account = account
        products: tuple[Product, ...] = ("collection", "disbursement")
        self._doors = {
            product: Door(client, account, product, credentials, timeout_seconds)
            for product in products
            if (credentials := account.credentials(product)) is not None
        }

    def door(self, product: Product) -> Door:
        """The way into the product; raises ``RailUnavailable`` if the account has none."""
        if product not in self._doors:
            raise RailUnavailable(f"the account has no credentials for {product}")
        return self._doors[product]


class Sessions:
    """The sessions of one connector, the longest unused let go beyond 256.

    ``default`` serves orders without an account. Changed settings make a new session.
    """

    def __init__(
        self,
        client: GuardedClient,
        environment: str,
        timeout_seconds: float,
        default: MtnAccount | None,
    ) -> None:
        self._client = client
        self._environment = environment
        self._timeout_seconds = timeout_seconds
        self._default = None if default is None else self._session(default)
        self._known: OrderedDict[UUID, tuple[dict[str, str], Session]] = OrderedDict()

    def of(self, account: ProviderAccount | None) -> Session:
        """The account's session; raises ``RailUnavailable`` if there is none to be had."""
        if account is None:
            if self._default is None:
                raise RailUnavailable("no account at MTN")
            return self._default
        settings, session = self._known.get(account.id, (None, None))
        if session is None or settings != account.settings:
            session = self._opened(account.settings)
            self._known[account.id] = (dict(account.settings), session)
        self._known.move_to_end(account.id)
        if len(self._known) > _SESSIONS_MAX:
            self._known.popitem(last=False)
        return session

    def _opened(self, settings: Mapping[str, str]) -> Session:
        try:
            return self._session(parse_account(settings, self._environment))
        except InvalidAccount as error:
            raise RailUnavailable(f"the account cannot be used: {error}") from error

    def _session(self, account: MtnAccount) -> Session:
        return Session(self._client, account, self._timeout_seconds)


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
    text = str(expires_in)
    if not re.fullmatch(r"[1-9][0-9]{0,8}", text, re.ASCII):
        return _TOKEN_SECONDS_DEFAULT
    return min(float(text), _TOKEN_SECONDS_MAX)
