"""The parts that are tortured, each a process group of its own: programs, and the database.

A program is started again whenever it ends, as systemd would. How it is started is a launcher's
work: ``Spawning`` runs a new interpreter, as an operator does; ``Forking`` (``forking.py``) forks
one that has imported everything, which makes a start cheap enough for hundreds of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

import psutil

from guichet.embedded import EmbeddedPostgres, Endpoints
from guichet.embedded.children import die_with_parent

#: Where the running release lies: its programs are run from there and from nowhere else.
_RELEASE = Path(__file__).parents[2]
_PAUSE_SECONDS = 0.02
_STOP_SECONDS = 20.0
#: What ends so soon has a reason, which may go away: a database that is starting, say.
_SHORT_SECONDS = 1.5
_AGAIN_SECONDS = 0.2
#: What a release leaves in the environment of the programs that it is run beside.
ENTRY = "guichet.torture.entry"


class Running(Protocol):
    """A process that was started; its process group has its id."""

    @property
    def pid(self) -> int:
        """Its id."""

    def ended(self) -> bool:
        """Whether it is gone; one that is has been reaped."""


class Launcher(Protocol):
    """Starts processes."""

    def start(self, arguments: list[str], environment: Mapping[str, str], log: Path) -> Running:
        """Run ``python -m ARGUMENTS`` in a session of its own, its output appended to ``log``."""


class _Spawned:
    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        return self._process.pid

    def ended(self) -> bool:
        return self._process.poll() is not None


class Spawning:
    """A new interpreter for each start."""

    def start(self, arguments: list[str], environment: Mapping[str, str], log: Path) -> Running:
        with log.open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=dict(environment),
                start_new_session=True,
                preexec_fn=die_with_parent,  # noqa: PLW1509 - one call of libc
            )
        return _Spawned(process)


class Program:
    """A command that is kept running. ``environment`` counts from its next start on."""

    def __init__(
        self,
        arguments: list[str],
        log: Path,
        environment: dict[str, str],
        launcher: Launcher | None = None,
    ) -> None:
        self.kills = 0
        self.ends = 0
        #: Called before each start, so that it can change the environment.
        self.before_start: Callable[[], None] | None = None
        self.log = log
        self.environment = environment
        self._arguments = arguments
        self.launcher: Launcher = launcher or Spawning()
        self._running: Running | None = None
        self._keeper: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start, and keep it running until ``stop``."""
        self._spawn()
        self._keeper = asyncio.create_task(self._keep())

    def kill(self) -> None:
        """SIGKILL to the whole group."""
        assert self._running is not None
        if not self._running.ended():
            self.kills += 1
        self._signal(signal.SIGKILL)

    def pause(self) -> None:
        """SIGSTOP to the whole group: it hangs, and may come back."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT to the whole group."""
        self._signal(signal.SIGCONT)

    async def stop(self) -> bool:
        """SIGTERM; whether it ended in time by itself."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
            self._keeper = None
        if self._running is None:
            return True
        self._signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await self._gone()
        except TimeoutError:
            self._signal(signal.SIGKILL)
            await self._gone()
            return False
        finally:
            self._running = None
        return True

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        running = self._running
        return None if running is None or running.ended() else running.pid

    def _spawn(self) -> None:
        if self.before_start is not None:
            self.before_start()
        self._started_at = time.monotonic()
        self._running = self.launcher.start(self._arguments, self.environment, self.log)

    def _signal(self, number: int) -> None:
        assert self._running is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._running.pid, number)

    async def _gone(self) -> None:
        while self._running is not None and not self._running.ended():
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(_PAUSE_SECONDS)
            assert self._running is not None
            if self._running.ended():
                self.ends += 1
                self._signal(signal.SIGKILL)  # what it may have left behind
                if time.monotonic() - self._started_at < _SHORT_SECONDS:
                    await asyncio.sleep(_AGAIN_SECONDS)
                self._spawn()


class CommandFailed(Exception):
    """A command of the release ended with an error; the message is what it said."""


async def command(environment: Mapping[str, str], *arguments: str) -> str:
    """What ``guichet ARGUMENTS`` prints; raises ``CommandFailed``."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "guichet",
        *arguments,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=dict(environment),
    )
    said, complained = await process.communicate()
    if process.returncode != 0:
        raise CommandFailed(f"guichet {' '.join(arguments)}: {(said + complained).decode()}")
    return said.decode()


class Cluster:
    """An embedded PostgreSQL, with nothing about its durability changed."""

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        self.kills = 0
        self.folder = folder
        self._launcher = EmbeddedPostgres(folder, {"shared_buffers": "128MB", **settings})

    @property
    def is_running(self) -> bool:
        """Whether the postmaster is there."""
        return self._launcher.pid is not None

    async def start(self) -> Endpoints:
        """Start, and recover if needed; the addresses stay the same while it is not stopped."""
        return await self._launcher.start()

    def kill(self) -> None:
        """SIGKILL to the postmaster and to everything it has started."""
        children = self.children()
        self._launcher.kill()
        for child in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        self.kills += 1

    def children(self) -> set[int]:
        """The processes that the postmaster has started and that are there."""
        pid = self._launcher.pid
        if pid is None:
            return set()
        try:
            return {each.pid for each in psutil.Process(pid).children(recursive=True)}
        except psutil.NoSuchProcess:
            return set()

    async def stop(self) -> None:
        """Stop in order."""
        await self._launcher.stop()


def environment(**settings: str) -> dict[str, str]:
    """The environment of a program: ours without settings, the settings, and the release."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("GUICHET_")}
    path = os.pathsep.join(filter(None, (str(_RELEASE), os.environ.get("PYTHONPATH", ""))))
    return kept | settings | {"PYTHONPATH": path}


@asynccontextmanager
async def running(program: Program) -> AsyncIterator[Program]:
    """The program, until the end of the block."""
    program.start()
    try:
        yield program
    finally:
        await program.stop()
