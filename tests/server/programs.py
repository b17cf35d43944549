"""``guichet`` as a program of its own: started, asked, signalled."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2

from relay import judging_hooks

SOURCES = Path(__file__).parents[2] / "src"
SECRET_KEY = "dGVzdHMgb25seSwgbmV2ZXIgYSByZWFsIHNlY3JldCE="


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def environment(**settings: object) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if "GUICHET" not in name}
    named = {f"GUICHET_{name.upper()}": str(value) for name, value in settings.items()}
    return {**inherited, "PYTHONPATH": str(SOURCES), **named}


def guichet(*arguments: str, **settings: object) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "guichet", *arguments],
        env=environment(**settings),
        capture_output=True,
        text=True,
        check=False,
    )


class Program:
    """A command that runs until it is stopped."""

    def __init__(self, process: subprocess.Popen[str], url: str, folder: object) -> None:
        self.process = process
        self.url = url
        self.folder = folder

    async def get(self, path: str, **headers: str) -> httpx2.Response:
        async with httpx2.AsyncClient(trust_env=False, event_hooks=judging_hooks()) as client:
            return await client.get(self.url + path, headers=headers)

    async def health(self) -> int:
        """The status of /healthz; 0 while nothing listens."""
        try:
            return (await self.get("/healthz")).status_code
        except httpx2.TransportError:
            return 0

    async def until_healthy(self) -> list[int]:
        """Wait until ready; the different answers on the way."""
        seen: list[int] = []
        while not seen or seen[-1] != 200:
            assert self.process.poll() is None, self.output()
            status = await self.health()
            if status and (not seen or seen[-1] != status):
                seen.append(status)
            await asyncio.sleep(0.01)
        return seen

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(how)
        return self.process.wait()

    def output(self) -> str:
        """What it said, once it has ended."""
        assert self.process.stdout is not None
        return self.process.stdout.read()


@contextmanager
def running(*arguments: str, **settings: object) -> Iterator[Program]:
    port = int(str(settings.setdefault("port", free_port())))
    process = subprocess.Popen(
        [sys.executable, "-m", "guichet", *arguments],
        env=environment(**settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield Program(process, f"http://127.0.0.1:{port}", settings.get("data_dir"))
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()
        assert process.stdout is not None
        process.stdout.close()
