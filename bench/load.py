"""Load from a process of its own: HTTP/1.1 over raw sockets, or one SQL statement in a loop.

A pickled ``HttpLoad`` or ``SqlLoad`` goes in, a ``Sample`` comes out. Every client waits for its
answer before it asks again (closed loop).
"""

from __future__ import annotations

import asyncio
import itertools
import math
import os
import pickle
import select
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.processes import ROOT, machine_cpu_seconds, tree_cpu_seconds

#: Payers of all applications together.
PAYERS = 20_000
#: A run goes on until it has so many answers: its slowest hundredth is one of them.
_ANSWERS_MIN = 100


@dataclass(frozen=True)
class HttpLoad:
    """``requests`` are sent in turn, again and again, or each at most once (``once``).

    With ``serial`` they are templates of ``%(serial)d``, counted from there, and ``%(payer)d``,
    one of 20,000.
    """

    port: int
    clients: int
    seconds: float
    requests: list[bytes]
    roots: dict[str, int] = field(default_factory=dict)
    once: bool = False
    serial: int | None = None
    warm_up_seconds: float = 0.3


@dataclass(frozen=True)
class SqlLoad:
    """``statement`` with each of ``arguments`` in turn; those that are functions are called with
    the number of the call, counted from ``serial``. ``session`` holds PostgreSQL settings.
    """

    dsn: str
    clients: int
    seconds: float
    statement: str
    arguments: list[tuple[Any, ...]]
    roots: dict[str, int] = field(default_factory=dict)
    session: dict[str, str] = field(default_factory=dict)
    serial: int = 0
    warm_up_seconds: float = 0.3


@dataclass(frozen=True)
class Sample:
    """One run. ``cpu_us`` is CPU time per request of each process tree, the client's own too;
    ``foreign_cores`` is how many cores were busy with something else.
    """

    rate: float
    p50_ms: float
    p99_ms: float
    cpu_us: dict[str, float]
    foreign_cores: float
    count: int

    @property
    def cost_us(self) -> float:
        """CPU per request without the client's."""
        return sum(value for name, value in self.cpu_us.items() if name != "client")

    @property
    def client_share(self) -> float:
        """The part of all CPU time spent that was the client's; NaN where it is not known."""
        if "client" not in self.cpu_us:
            return math.nan
        return self.cpu_us["client"] / (self.cost_us + self.cpu_us["client"])


def run(load: HttpLoad | SqlLoad) -> Sample:
    """Run ``load`` in a process of its own; raises ``RuntimeError`` when an answer was bad."""
    path = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    done = subprocess.run(
        # Not -m: pickles name the classes by this module's real name, not by "__main__".
        [sys.executable, "-c", "from bench.load import main; main()"],
        input=pickle.dumps(load),
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": path},
        check=True,
    )
    answer = pickle.loads(done.stdout)
    if isinstance(answer, Sample):
        return answer
    raise RuntimeError(answer)


class _Watch:
    """Counts answers between the end of the warm-up and the end of the run."""

    def __init__(self, load: HttpLoad | SqlLoad) -> None:
        self._roots = load.roots
        self._starts_at = time.perf_counter() + load.warm_up_seconds
        self._ends_at = self._starts_at + load.seconds
        self._first: tuple[float, dict[str, float]] | None = None
        self.latencies: list[float] = []

    def answered(self, sent_at: float, now: float) -> bool:
        """Note one answer; False once the time is over."""
        if self._first is not None:
            self.latencies.append(now - sent_at)
            return now < self._ends_at or len(self.latencies) < _ANSWERS_MIN
        if now >= self._starts_at:
            self._first = (now, self._cpu())
        return True

    def sample(self) -> Sample:
        assert self._first is not None, "the run ended before its warm-up"
        started_at, before = self._first
        elapsed = time.perf_counter() - started_at
        after = self._cpu()
        count = len(self.latencies)
        hundredths = statistics.quantiles(self.latencies, n=100)
        spent = {name: after[name] - before[name] for name in after}
        busy = spent.pop("machine")
        return Sample(
            rate=count / elapsed,
            p50_ms=hundredths[49] * 1e3,
            p99_ms=hundredths[98] * 1e3,
            cpu_us={name: seconds / count * 1e6 for name, seconds in spent.items()},
            foreign_cores=(busy - sum(spent.values())) / elapsed,
            count=count,
        )

    def _cpu(self) -> dict[str, float]:
        trees = {name: tree_cpu_seconds(root) for name, root in self._roots.items()}
        return {**trees, "client": time.process_time(), "machine": machine_cpu_seconds()}


def _texts(load: HttpLoad) -> Iterator[bytes]:
    if load.once:
        return iter(load.requests)
    if load.serial is None:
        return itertools.cycle(load.requests)
    numbered = zip(itertools.count(load.serial), itertools.cycle(load.requests))
    return (
        template % {b"payer": number % PAYERS, b"serial": number} for number, template in numbered
    )


def _http(load: HttpLoad) -> Sample:
    texts, watch, poll = _texts(load), _Watch(load), select.epoll()
    sockets: dict[int, socket.socket] = {}
    sent_at: dict[int, float] = {}
    unread: dict[int, bytes] = {}
    for _ in range(load.clients):
        connection = socket.create_connection(("127.0.0.1", load.port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sockets[connection.fileno()] = connection
        poll.register(connection.fileno(), select.EPOLLIN)
    for descriptor, connection in sockets.items():
        sent_at[descriptor] = time.perf_counter()
        connection.sendall(next(texts))
    while True:
        for descriptor, _ in poll.poll(10) or _no_answer():
            connection = sockets[descriptor]
            data = connection.recv(1 << 18)
            if descriptor in unread:
                data = unread.pop(descriptor) + data
            if not _whole(data):
                unread[descriptor] = data
                continue
            now = time.perf_counter()
            text = next(texts, None)
            if not watch.answered(sent_at[descriptor], now) or text is None:
                return watch.sample()
            sent_at[descriptor] = now
            connection.sendall(text)


def _no_answer() -> Sequence[tuple[int, int]]:
    raise RuntimeError("no answer for ten seconds")


def _whole(data: bytes) -> bool:
    end = data.find(b"\r\n\r\n")
    if end < 0:
        if not data:
            raise RuntimeError("the server closed a connection")
        return False
    if data[9:11] != b"20":
        raise RuntimeError(f"an answer was bad: {data[:600]!r}")
    start = data.index(b"content-length: ") + 16
    return len(data) >= end + 4 + int(data[start : data.index(b"\r", start)])


async def _sql(load: SqlLoad) -> Sample:
    import asyncpg

    connections = [
        await asyncpg.connect(load.dsn, server_settings=load.session) for _ in range(load.clients)
    ]
    prepared = [await connection.prepare(load.statement) for connection in connections]
    numbers = itertools.count(load.serial)
    size = len(load.arguments)

    async def call(statement: asyncpg.prepared_stmt.PreparedStatement[Any]) -> None:
        number = next(numbers)
        arguments = load.arguments[number % size]
        await statement.fetch(*(_filled(argument, number) for argument in arguments))

    # A session compiles and plans a function at its first call: a server has done that long ago.
    await asyncio.gather(*map(call, prepared))
    watch = _Watch(load)

    async def client(statement: asyncpg.prepared_stmt.PreparedStatement[Any]) -> None:
        while True:
            sent_at = time.perf_counter()
            await call(statement)
            if not watch.answered(sent_at, time.perf_counter()):
                return

    tasks = [asyncio.create_task(client(statement)) for statement in prepared]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    sample = watch.sample()
    for task in tasks:
        task.cancel()
    for error in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(error, Exception):
            raise error
    for connection in connections:
        connection.terminate()
    return sample


def _filled(argument: Any, number: int) -> Any:
    return argument(number) if callable(argument) else argument


def main() -> None:
    load = pickle.load(sys.stdin.buffer)
    try:
        if isinstance(load, HttpLoad):
            answer: Sample | str = _http(load)
        else:
            import uvloop

            answer = uvloop.run(_sql(load))
    except RuntimeError as error:
        answer = str(error)
    sys.stdout.buffer.write(pickle.dumps(answer))
