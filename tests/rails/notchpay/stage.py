"""A stage for the connector to Notch Pay: its simulator on a real port, every request kept."""

from __future__ import annotations

import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import uvicorn

from guichet.domain.clock import MovableClock
from guichet.outbound.client import GuardedClient
from guichet.outbound.policy import ANYWHERE
from guichet.rails.notchpay.account import NotchpayAccount
from guichet.rails.notchpay.rail import NotchpayRail
from guichet.simulators.notchpay import Credentials, build_app
from outbound.listeners import untrusting
from rails.mobile.stage import OrderStage, after, after_send
from rails.stage import JudgedClient

__all__ = ["after", "after_send"]

CREDENTIALS = Credentials(
    "pk_test.canary-of-the-public-key",
    "sk_test.canary-of-the-private-key",
    "hsk_test.canary-of-the-hash-key",
)
FIRST = 237690000000


def account_at(url: str, **changes: str) -> NotchpayAccount:
    """The simulator's account."""
    account = NotchpayAccount(
        base_url=url,
        public_key=CREDENTIALS.public_key,
        private_key=CREDENTIALS.private_key,
        hash_key=CREDENTIALS.hash_key,
    )
    return replace(account, **changes)


@dataclass
class Stage(OrderStage):
    """The simulated Notch Pay, its control API and one connector to it."""

    @property
    def channel(self) -> str:
        return "cm.orange"

    def number(self, distance: int) -> str:
        return f"+{FIRST + distance}"

    async def api(self, method: str, path: str, **body: Any) -> Any:
        """One call of the API beside the connector's; the answer."""
        answer = await self.control_client.send(
            method,
            f"{self.url}{path}",
            policy=ANYWHERE,
            timeout_seconds=5,
            headers={
                "authorization": CREDENTIALS.public_key,
                "x-grant": CREDENTIALS.private_key,
                "content-type": "application/json",
            },
            body=msgspec.json.encode(body) if body else b"",
        )
        assert answer.status in (200, 201, 202), answer.body
        return msgspec.json.decode(answer.body)

    async def known(self, key: str) -> list[dict[str, Any]]:
        """What the simulator's book says of all that was ordered under our key."""
        state = await self.control("state")
        return [
            each
            for each in state["orders"]
            if each["merchant_reference"] == key or key in (each["why"] or "")
        ]

    async def decide(self, key: str, decision: str, **more: Any) -> None:
        (order,) = await self.known(key)
        await self.control("decide", order=order["reference"], decision=decision, **more)

    async def show(self, key: str, **fields: Any) -> None:
        """Have the simulator show other fields of our order than its own."""
        await self.control("show", order=key, **fields)


@contextmanager
def simulator() -> Iterator[str]:
    """The simulator in a thread of its own; its address."""
    with served(lambda url: build_app(url, CREDENTIALS)) as url:
        yield url


@contextmanager
def served(build: Callable[[str], Any]) -> Iterator[str]:
    """A program, built for its address, under uvicorn in a thread of its own; the address."""
    # With the protocol named, or asyncio leaves Nagle on and every answer waits 40 ms.
    with socket.socket(proto=socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        config = uvicorn.Config(build(url), log_level="critical", lifespan="off", loop="asyncio")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield url
        server.should_exit = True
        thread.join()


@asynccontextmanager
async def staged(url: str) -> AsyncIterator[Stage]:
    """A connector to the simulator at ``url``, which forgets all it knew."""
    async with JudgedClient(None) as client, GuardedClient(untrusting()) as control:
        clock = MovableClock()
        rail = NotchpayRail(client, "sandbox", 5, account_at(url), clock)
        stage = Stage(url, client, rail, control, clock)
        await stage.control("reset")
        yield stage
