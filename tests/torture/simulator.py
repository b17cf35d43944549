"""The provider: the Yapily simulator as its own process, its book the truth about money."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2

CREDENTIALS = ("torture", "torture-secret")
_PATIENCE_SECONDS = 30.0
_PAUSE_SECONDS = 0.05


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


class Simulator:
    """Decides at the simulator's banks and reads its book."""

    def __init__(self, url: str, client: httpx2.AsyncClient) -> None:
        self.url = url
        self._client = client

    async def decide(self, decision: str, **asked: str) -> dict[str, Any]:
        """A decision of a payer (``consent=…``) or of a bank (``payment=…``)."""
        return await self.control("decide", decision=decision, **asked)

    async def control(self, name: str, **asked: Any) -> dict[str, Any]:
        answer = await self._client.post(f"/_control/{name}", json=asked)
        assert answer.status_code == 200, answer.text
        return _read(answer)

    async def clear_faults(self) -> dict[str, Any]:
        """Nothing goes wrong any more; answers the faults that are left."""
        return _read(await self._client.delete("/_control/faults"))

    async def state(self) -> dict[str, Any]:
        """The book: ``consents`` and ``payments``, amounts as texts."""
        return _read(await self._client.get("/_control/state"))


@asynccontextmanager
async def simulating(log: Path) -> AsyncIterator[Simulator]:
    """A simulator with an empty book, until the end of the block."""
    port = free_port()
    command = [sys.executable, "-m", "guichet.simulators.yapily", f"--port={port}"]
    command += [f"--application-id={CREDENTIALS[0]}", f"--application-secret={CREDENTIALS[1]}"]
    with log.open("ab") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    url = f"http://127.0.0.1:{port}"
    try:
        # No connection is kept: one that the simulator closes meanwhile would fail the next call.
        limits = httpx2.Limits(max_keepalive_connections=0)
        async with httpx2.AsyncClient(
            base_url=url, trust_env=False, timeout=20, limits=limits
        ) as client:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                while not await _answers(client):
                    assert process.poll() is None, log.read_text()
                    await asyncio.sleep(_PAUSE_SECONDS)
            yield Simulator(url, client)
    finally:
        process.kill()
        process.wait()


async def _answers(client: httpx2.AsyncClient) -> bool:
    try:
        return (await client.get("/_control/state")).status_code == 200
    except httpx2.TransportError:
        return False


def _read(answer: httpx2.Response) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(answer.content, parse_float=Decimal)
    return content
