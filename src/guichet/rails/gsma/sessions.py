"""Ways in: HTTP Basic, or where the operator has a token endpoint, OAuth 2 client credentials."""

from __future__ import annotations

from guichet.outbound.client import Answer, GuardedClient
from guichet.outbound.policy import ANYWHERE
from guichet.rails.accounts import Accounts
from guichet.rails.gsma.account import GsmaAccount, parse_account
from guichet.rails.tokens import TokenKeeper, basic_authorization

_FORM = b"grant_type=client_credentials"


class Session(TokenKeeper):
    """One account's way in."""

    def __init__(self, client: GuardedClient, account: GsmaAccount, timeout_seconds: float) -> None:
        super().__init__(self._ask)
        self.account = account
        self._basic = basic_authorization(account.client_id, account.client_secret)
        self._client = client
        self._timeout_seconds = timeout_seconds

    async def authorization(self) -> str:
        """The value of ``Authorization``; raises ``RailUnavailable`` when no token can be had."""
        return f"Bearer {await self.token()}" if self.account.token_url else self._basic

    def refuse(self, authorization: str) -> None:
        """Let go of the token that was answered with 401, unless it was replaced since."""
        self.forget(authorization.removeprefix("Bearer "))

    async def _ask(self) -> Answer:
        return await self._client.send(
            "POST",
            self.account.token_url,
            policy=ANYWHERE,
            timeout_seconds=self._timeout_seconds,
            headers={
                "authorization": self._basic,
                "content-type": "application/x-www-form-urlencoded",
                "accept": "application/json",
            },
            body=_FORM,
        )


def sessions(
    client: GuardedClient, environment: str, timeout_seconds: float, default: GsmaAccount | None
) -> Accounts[Session]:
    """The sessions of one connector; ``default`` serves orders without an account."""

    def session(account: GsmaAccount) -> Session:
        return Session(client, account, timeout_seconds)

    return Accounts(
        lambda settings: session(parse_account(settings, environment)),
        None if default is None else session(default),
        "an operator",
    )
