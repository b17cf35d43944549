"""The real server in the test's own process, as often as a test wants it on one database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import NamedTuple

from gateways import running_gateway
from guichet.domain.clock import Clock
from guichet.gateway import Gateway
from guichet.server.http import HttpServer, bind
from guichet.server.site import Site
from guichet.settings import LimitsMode, Settings
from guichet.torture.providers import CREDENTIALS, PixSimulator
from rails.mobile.stage import CREDENTIALS as OPERATORS

#: The secret in the address of the provider's notices.
NOTICE_SECRET = "notices"


class Served(NamedTuple):
    """A gateway and where it is reached."""

    gateway: Gateway
    url: str

    @property
    def notice_url(self) -> str:
        """Where the provider sends its notices."""
        return f"{self.url}/notices/yapily/sandbox/{NOTICE_SECRET}"


@asynccontextmanager
async def serving(
    database_url: str,
    provider_url: str = "http://127.0.0.1:9",
    clock: Clock | None = None,
    provider_timeout_seconds: float = 1.0,
    lease_seconds: float = 5.0,
    public_url: str = "",
    psp: PixSimulator | None = None,
    operators_url: str = "",
) -> AsyncIterator[Served]:
    """A server on a free port, over its own gateway on a seeded database.

    ``public_url`` is the address that several servers share, ``psp`` the sandbox's PSP,
    ``operators_url`` that of the simulated operators (``rails.mobile.stage``).
    """
    listener = bind("127.0.0.1", 0)
    port = listener.getsockname()[1]
    settings = Settings(
        port=port,
        public_url=public_url,
        yapily_sandbox_url=provider_url,
        yapily_sandbox_id=CREDENTIALS[0],
        yapily_sandbox_secret=CREDENTIALS[1],
        yapily_webhook_secret=NOTICE_SECRET,
        provider_timeout_seconds=provider_timeout_seconds,
        lease_seconds=lease_seconds,
        limits=LimitsMode.OFF,  # races ask for more at once than one caller may
        provider_failures_max=0,  # calls that come to nothing are what is looked at
    )
    if psp is not None:
        settings = replace(settings, **psp.account)  # type: ignore[arg-type]
    if operators_url:
        settings = replace(
            settings,
            mtn_sandbox_url=f"{operators_url}/mtn",
            mtn_sandbox_subscription_key=OPERATORS.key,
            mtn_sandbox_api_user=OPERATORS.user,
            mtn_sandbox_api_key=OPERATORS.secret,
        )
    with listener:
        async with running_gateway(database_url, settings, clock) as gateway:
            site = Site()
            server = HttpServer(site, listener)
            server.start()
            site.open(gateway)
            try:
                yield Served(gateway, f"http://127.0.0.1:{port}")
            finally:
                await server.stop()
