"""Pools of connections, one per policy and per identity of ours: never shared between two."""

from __future__ import annotations

import ssl
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpcore2

from guichet.outbound.network import JudgedNetwork
from guichet.outbound.policy import ANYWHERE, PUBLIC_ONLY, Policy

_CONNECTIONS_MAX = 256
_IDLE_CONNECTIONS_MAX = 32
_CONNECTIONS_OF_IDENTITY_MAX = 32
_IDLE_CONNECTIONS_OF_IDENTITY_MAX = 4
#: Identities whose idle connections are kept.
_IDENTITIES_MAX = 64
# Below the five seconds after which common servers close an idle connection: a request sent into
# a connection that is being closed is lost without our knowing whether it was read.
_IDLE_SECONDS = 4.0


class Pools:
    """The pools of one client.

    Those without an identity live as long as the client. The others are made when first used, and
    beyond 64 of them those that serve no request are closed, the longest unused first.
    """

    def __init__(self, context: ssl.SSLContext) -> None:
        self._common = {
            policy: _pool(context, policy, _CONNECTIONS_MAX, _IDLE_CONNECTIONS_MAX)
            for policy in (PUBLIC_ONLY, ANYWHERE)
        }
        self._own: OrderedDict[tuple[ssl.SSLContext, Policy], _Own] = OrderedDict()

    def common(self, policy: Policy) -> httpcore2.AsyncConnectionPool:
        """The pool for requests without an identity."""
        return self._common[policy]

    @asynccontextmanager
    async def own(
        self, identity: ssl.SSLContext, policy: Policy
    ) -> AsyncIterator[httpcore2.AsyncConnectionPool]:
        """The pool of this very identity, kept open while the block runs."""
        key = (identity, policy)
        own = self._own.get(key)
        if own is None:
            own = self._own[key] = _Own(identity, policy)
        self._own.move_to_end(key)
        own.users += 1
        try:
            await self._close_surplus()
            yield own.pool
        finally:
            own.users -= 1

    async def _close_surplus(self) -> None:
        surplus = len(self._own) - _IDENTITIES_MAX
        if surplus <= 0:
            return
        idle = [key for key, own in self._own.items() if own.users == 0][:surplus]
        for own in [self._own.pop(key) for key in idle]:
            await own.pool.aclose()

    async def aclose(self) -> None:
        """Close every connection."""
        for pool in [*self._common.values(), *(own.pool for own in self._own.values())]:
            await pool.aclose()
        self._own.clear()


class _Own:
    """The pool of one identity, and how many requests are using it."""

    def __init__(self, identity: ssl.SSLContext, policy: Policy) -> None:
        self.pool = _pool(
            identity, policy, _CONNECTIONS_OF_IDENTITY_MAX, _IDLE_CONNECTIONS_OF_IDENTITY_MAX
        )
        self.users = 0


def _pool(
    context: ssl.SSLContext, policy: Policy, connections_max: int, idle_max: int
) -> httpcore2.AsyncConnectionPool:
    return httpcore2.AsyncConnectionPool(
        ssl_context=context,
        max_connections=connections_max,
        max_keepalive_connections=idle_max,
        keepalive_expiry=_IDLE_SECONDS,
        network_backend=JudgedNetwork(policy),
    )
