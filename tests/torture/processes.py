"""The parts that are killed: server, worker and database, each with all its processes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil

from guichet.embedded import EmbeddedPostgres, Endpoints

_TESTS = Path(__file__).parents[1]
_PAUSE_SECONDS = 0.02
_STOP_SECONDS = 20.0


class Program:
    """A command in a process group of its own, started again whenever it ends, as systemd would."""

    def __init__(self, arguments: list[str], log: Path, environment: dict[str, str]) -> None:
        self.kills = 0
        self.ends = 0
        self._command = [sys.executable, "-m", *arguments]
        self._log = log
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        self._keeper: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start, and keep it running until ``stop``."""
        self._spawn()
        self._keeper = asyncio.create_task(self._keep())

    async def run(self) -> int:
        """Run once, to its end; returns the exit code."""
        self._spawn()
        assert self._process is not None
        return await asyncio.to_thread(self._process.wait, _STOP_SECONDS)

    def kill(self) -> None:
        """SIGKILL to the whole group."""
        assert self._process is not None
        if self._process.poll() is None:
            self.kills += 1
        self._kill_group()

    async def stop(self) -> int | None:
        """SIGTERM; returns the exit code, None if it had to be killed."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        process = self._process
        if process is None:
            return None
        process.terminate()
        try:
            return await asyncio.to_thread(process.wait, _STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._kill_group()
            return None

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        running = self._process is not None and self._process.poll() is None
        return self._process.pid if self._process and running else None

    def _spawn(self) -> None:
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                self._command,
                stdout=output,
                stderr=output,
                env=self._environment,
                start_new_session=True,
            )

    def _kill_group(self) -> None:
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(_PAUSE_SECONDS)
            assert self._process is not None
            if self._process.poll() is not None:
                self.ends += 1
                self._kill_group()  # what it may have left behind
                self._spawn()


class Cluster:
    """An embedded PostgreSQL, with nothing about its durability changed."""

    def __init__(self, folder: Path) -> None:
        self.kills = 0
        self._launcher = EmbeddedPostgres(folder, {"shared_buffers": "128MB"})

    async def start(self) -> Endpoints:
        return await self._launcher.start()

    def kill(self) -> None:
        """SIGKILL to the postmaster and to everything it has started."""
        pid = self._launcher.pid
        assert pid is not None
        children = psutil.Process(pid).children(recursive=True)
        self._launcher.kill()
        for child in children:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
        self.kills += 1

    async def stop(self) -> None:
        await self._launcher.stop()


def environment(**settings: str) -> dict[str, str]:
    """The environment of a program: ours without settings, the settings, and where tests are."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("GUICHET_")}
    return kept | settings | {"PYTHONPATH": f"{_TESTS}:{_TESTS.parent / 'src'}"}


@asynccontextmanager
async def running(program: Program) -> AsyncIterator[Program]:
    """The program, until the end of the block."""
    program.start()
    try:
        yield program
    finally:
        await program.stop()
