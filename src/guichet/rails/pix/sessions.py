"""Ways in: for each account its certificate and its access token, kept while they are good."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from urllib.parse import urlencode

from guichet.outbound.client import Answer, GuardedClient
from guichet.outbound.identity import UnusableIdentity, client_identity
from guichet.outbound.policy import ANYWHERE
from guichet.rails.accounts import Accounts
from guichet.rails.pix.account import PixAccount, parse_account
from guichet.rails.port import RailUnavailable
from guichet.rails.tokens import TokenKeeper, basic_authorization

_FORM = "application/x-www-form-urlencoded"


class Session(TokenKeeper):
    """One account's way in. ``identity`` is its side of mutual TLS, None where it has none."""

    def __init__(self, client: GuardedClient, account: PixAccount, timeout_seconds: float) -> None:
        super().__init__(self._ask)
        self.account = account
        self.identity: ssl.SSLContext | None = None
        if account.certificate or account.ca:
            self.identity = client_identity(account.certificate, account.private_key, account.ca)
        self._client = client
        self._timeout_seconds = timeout_seconds

    async def _ask(self) -> Answer:
        account = self.account
        form = {"grant_type": "client_credentials"}
        if account.scope:
            form["scope"] = account.scope
        return await self._client.send(
            "POST",
            account.token_url,
            policy=ANYWHERE,
            about="pix",
            timeout_seconds=self._timeout_seconds,
            headers={
                "authorization": basic_authorization(account.client_id, account.client_secret),
                "content-type": _FORM,
                "accept": "application/json",
            },
            body=urlencode(form).encode(),
            identity=self.identity,
        )


def sessions(
    client: GuardedClient, environment: str, timeout_seconds: float, default: PixAccount | None
) -> Accounts[Session]:
    """The sessions of one connector; ``default`` serves orders without an account."""

    def opened(settings: Mapping[str, str]) -> Session:
        account = parse_account(settings, environment)
        try:
            return Session(client, account, timeout_seconds)
        except UnusableIdentity as error:
            raise RailUnavailable("the account's certificate cannot be used") from error

    session = None if default is None else Session(client, default, timeout_seconds)
    return Accounts(opened, session, "a PSP")
