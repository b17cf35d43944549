"""Ways in: for each account and product its access token, kept while it is good."""

from __future__ import annotations

from guichet.outbound.client import Answer, GuardedClient
from guichet.outbound.policy import ANYWHERE
from guichet.rails.accounts import Accounts
from guichet.rails.mtn.account import Credentials, MtnAccount, Product, parse_account
from guichet.rails.port import RailUnavailable
from guichet.rails.tokens import TokenKeeper, basic_authorization


class Door(TokenKeeper):
    """The way into one product of one account."""

    def __init__(
        self,
        client: GuardedClient,
        account: MtnAccount,
        product: Product,
        credentials: Credentials,
        timeout_seconds: float,
    ) -> None:
        super().__init__(self._ask)
        self.root = f"{account.base_url.rstrip('/')}/{product}"
        self.environment = account.target_environment
        self.subscription_key = credentials.subscription_key
        self._authorization = basic_authorization(credentials.api_user, credentials.api_key)
        self._client = client
        self._timeout_seconds = timeout_seconds

    async def _ask(self) -> Answer:
        return await self._client.send(
            "POST",
            f"{self.root}/token/",
            policy=ANYWHERE,
            about="mtn",
            timeout_seconds=self._timeout_seconds,
            headers={
                "authorization": self._authorization,
                "ocp-apim-subscription-key": self.subscription_key,
                "accept": "application/json",
            },
        )


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

    @property
    def doors(self) -> list[Door]:
        """All ways in that the account has."""
        return list(self._doors.values())


def sessions(
    client: GuardedClient, environment: str, timeout_seconds: float, default: MtnAccount | None
) -> Accounts[Session]:
    """The sessions of one connector; ``default`` serves orders without an account."""

    def session(account: MtnAccount) -> Session:
        return Session(client, account, timeout_seconds)

    return Accounts(
        lambda settings: session(parse_account(settings, environment)),
        None if default is None else session(default),
        "MTN",
    )
