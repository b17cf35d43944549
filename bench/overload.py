"""``python -m bench overload``: more than can be served (bar G15), and slow clients (bar G16).

First the capacity, looked at again afterwards: the highest rate that clients who wait for their
answers reach with a p99 below 300 ms. Then three times as much, from ten tenants of whom one sends
half, with providers' notices between; then half of it, to see how long normality takes. Last 500
connections that never finish their request beside a load of a quarter.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import selectors
import socket
import statistics
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Thread

from bench.databases import cluster, fill
from bench.openloop import OpenLoad, Outcome, Stream, offer
from bench.processes import machine_cpu_seconds, tree_cpu_seconds
from bench.rig import Bench, Server
from guichet.settings import Settings

TENANTS = 10
#: The loud tenant sends from so many machines.
_LOUD_SENDERS = 5
_LATE_SECONDS = 0.3
_NOTICES = "notices"
_NOTICES_PER_SECOND = 20.0
_SECRET = "bench-secret"
_SLOW = 500
_SLOW_SECONDS_MAX = 15.0
_POLITE = (429, 503)


@dataclass(frozen=True)
class Bar:
    """A figure, and whether it is where it should be."""

    what: str
    figure: str
    holds: bool


def main(arguments: Sequence[str]) -> int:
    """Run it; the exit status says whether every bar holds."""
    parser = argparse.ArgumentParser(prog="python -m bench overload", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="how long too much is offered")
    parser.add_argument("--times", type=float, default=3, help="times the capacity")
    options = parser.parse_args(arguments)
    bars = asyncio.run(_run(options.seconds, options.times))
    width = max(len(bar.what) for bar in bars)
    for bar in bars:
        print(f"{bar.what:{width}}  {bar.figure:>28}  {'holds' if bar.holds else 'IS NOT HELD'}")
    return 0 if all(bar.holds for bar in bars) else 1


async def _run(seconds: float, times: float) -> list[Bar]:
    async with cluster() as (endpoints, postgres_pid):
        bench = Bench(postgres_pid, seconds=min(seconds, 5.0), rounds=1)
        database = await fill(endpoints, "bench_overload")
        await database.fill_payments(10_000)
        with bench.server(database) as server:
            capacity = _capacity(server)
        default = Settings()
        settings = {
            "limits": "off",
            "yapily_webhook_secret": _SECRET,
            "shed_after_seconds": default.shed_after_seconds,
            "requests_at_once": default.requests_at_once,
        }
        with bench.server(database, **settings) as server:
            server.create(16)  # warm
            print(f"capacity {capacity:.0f} payments a second")
            spent = _Spent(server)
            offered = offer(OpenLoad(server.port, seconds, _streams(server, times * capacity)))
            print(spent.told())
            after = offer(OpenLoad(server.port, 10.0, _streams(server, 0.5 * capacity)))
        with bench.server(database) as server:
            capacity_after = _capacity(server)  # the machine may have become another
            print(f"capacity {capacity_after:.0f} afterwards")
            bars = _judge((capacity + capacity_after) / 2, seconds, offered, after)
            return bars + _judge_slow(server, 0.25 * capacity)


class _Spent:
    """Cores that were busy since it was made: who reads the figures must know."""

    def __init__(self, server: Server) -> None:
        self._roots = server.roots
        self._before = self._seconds()
        self._since = time.monotonic()

    def _seconds(self) -> dict[str, float]:
        trees = {name: tree_cpu_seconds(root) for name, root in self._roots.items()}
        return {**trees, "load": _children_seconds(), "machine": machine_cpu_seconds()}

    def told(self) -> str:
        elapsed, after = time.monotonic() - self._since, self._seconds()
        cores = {name: (after[name] - self._before[name]) / elapsed for name in after}
        ours = sum(value for name, value in cores.items() if name != "machine")
        cores["foreign"] = cores.pop("machine") - ours
        return "cores busy: " + ", ".join(f"{name} {value:.2f}" for name, value in cores.items())


def _children_seconds() -> float:
    spent = os.times()
    return spent.children_user + spent.children_system


def _capacity(server: Server) -> float:
    server.create(16)  # warm
    rates = []
    for clients in (16, 32, 64, 96):
        sample = server.create(clients)
        if sample.p99_ms < _LATE_SECONDS * 1e3:
            rates.append(sample.rate)
    if not rates:
        raise SystemExit("no rate keeps p99 below 300 ms: the machine is too busy to measure")
    return max(rates)


def _streams(server: Server, per_second: float) -> list[Stream]:
    """The tenants, the first of whom sends half of everything, and the providers."""
    serial = server.bench.next_serial()
    loud, *quiet = server.creations()[:TENANTS]
    of_loud = per_second / 2 / _LOUD_SENDERS
    of_quiet = per_second / 2 / len(quiet)
    senders = [(f"loud {number}", of_loud, loud) for number in range(_LOUD_SENDERS)]
    senders += [(f"quiet {number}", of_quiet, request) for number, request in enumerate(quiet)]
    tenants = [
        Stream(name, rate, request, f"127.0.1.{number + 1}", serial + number * 50_000)
        for number, (name, rate, request) in enumerate(senders)
    ]
    body = (
        b'{"id":"e0b5e3d8-0000-4000-8000-%(serial)012d","type":"single_payment.status.updated",'
        b'"event":{"id":"%(serial)012d"}}'
    )
    head = (
        f"POST /notices/yapily/sandbox/{_SECRET} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body % {b'serial': 0})}\r\n\r\n"
    )
    notices = Stream(_NOTICES, _NOTICES_PER_SECOND, head.encode() + body, "127.0.2.1", serial)
    return [*tenants, notices]


def _taken(outcome: Outcome) -> list[float]:
    return [answered - sent for sent, answered, status in outcome.answers if status < 300]


def _p99(seconds: Sequence[float]) -> float:
    return statistics.quantiles(seconds, n=100)[98] if len(seconds) > 1 else float("inf")


def _judge(
    capacity: float, seconds: float, offered: dict[str, Outcome], after: dict[str, Outcome]
) -> list[Bar]:
    notices = offered.pop(_NOTICES)
    sums: Counter[int] = sum((each.statuses for each in offered.values()), Counter())
    taken = [latency for each in offered.values() for latency in _taken(each)]
    goodput = len(taken) / seconds / capacity
    p99 = _p99(taken)
    heard = len(_taken(notices)) / max(1, notices.sent)
    loud = [each for name, each in offered.items() if name.startswith("loud")]
    quiet = [each for name, each in offered.items() if name.startswith("quiet")]
    lost = [1 - len(_taken(each)) / each.sent for each in quiet]
    of_loud = sum(len(_taken(each)) for each in loud) / sum(each.sent for each in loud)
    odd = sum(count for status, count in sums.items() if status >= 300 and status not in _POLITE)
    unanswered = sum(each.unanswered for each in offered.values())
    offers = sum(each.sent for each in offered.values())
    unsent = sum(each.unsent for each in offered.values())
    impolite = sum(each.impolite for each in offered.values())
    late = max(each.late_seconds for each in offered.values())
    normal = _normal_after(after)
    return [
        Bar("goodput, of capacity (80 %)", f"{goodput:.0%}", goodput >= 0.8),
        Bar("p99 of what was taken (1 s)", f"{p99 * 1e3:.0f} ms", p99 <= 1),
        Bar("answers by status", str(dict(sums)), odd == 0),
        Bar("refusals that do not say when", str(impolite), impolite == 0),
        Bar("requests without an answer", str(unanswered), unanswered == 0),
        Bar("given up by senders without a free connection", f"{unsent / offers:.0%}", True),
        Bar("notices taken (99.9 %)", f"{heard:.2%}", heard >= 0.999),
        Bar("taken of the loud tenant", f"{of_loud:.0%}", True),
        Bar("lost by quiet tenants", f"{min(lost):.0%} to {max(lost):.0%}", max(lost) < 1 - 1 / 3),
        Bar("the senders' own lateness", f"{late * 1e3:.0f} ms", late <= 0.2),
        Bar("normal again after (10 s)", f"{normal:.0f} s", normal <= 10),
    ]


def _normal_after(after: dict[str, Outcome]) -> float:
    """The second after which no answer was bad or late any more."""
    bad = [
        sent
        for each in after.values()
        for sent, answered, status in each.answers
        if status >= 300 or answered - sent > _LATE_SECONDS
    ]
    return max(bad, default=0.0)


def _judge_slow(server: Server, per_second: float) -> list[Bar]:
    streams = [each for each in _streams(server, per_second) if each.name != _NOTICES]
    alone = offer(OpenLoad(server.port, 5.0, streams))
    slow = _SlowClients(server.port)
    slow.start()
    beside = offer(OpenLoad(server.port, _SLOW_SECONDS_MAX + 1, _renumbered(streams)))
    slow.join()
    before, during = (
        [latency for each in outcomes.values() for latency in _taken(each)]
        for outcomes in (alone, beside)
    )
    failed = sum(each.sent - len(_taken(each)) for each in beside.values())
    return [
        Bar("beside 500 slow ones: failures", str(failed), failed == 0),
        Bar(
            "beside 500 slow ones: p99 (at most doubled)",
            f"{_p99(before) * 1e3:.0f} -> {_p99(during) * 1e3:.0f} ms",
            _p99(during) <= 2 * max(_p99(before), 0.01),
        ),
        Bar(
            "slow ones closed (15 s)",
            f"{len(slow.lasted)}, the last after {max(slow.lasted, default=0):.1f} s",
            len(slow.lasted) == _SLOW and max(slow.lasted) <= _SLOW_SECONDS_MAX,
        ),
    ]


def _renumbered(streams: list[Stream]) -> list[Stream]:
    return [
        Stream(each.name, each.per_second, each.request, each.source, each.serial + 25_000)
        for each in streams
    ]


class _SlowClients(Thread):
    """Half of them never finish a head, half never a body; each sends a byte now and then."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self._port = port
        #: How many seconds each lasted that the server closed.
        self.lasted: list[float] = []

    def run(self) -> None:
        head = b"POST /api/payments HTTP/1.1\r\nHost: a\r\nX-Slow: "
        body = b"POST /api/payments HTTP/1.1\r\nHost: a\r\nContent-Length: 9999\r\n\r\n{"
        selector = selectors.DefaultSelector()
        started_at = time.monotonic()
        for number in range(_SLOW):
            connection = socket.socket()
            connection.bind((f"127.0.3.{number // 125 + 1}", 0))
            connection.connect(("127.0.0.1", self._port))
            connection.sendall(body if number % 2 else head)
            selector.register(connection, selectors.EVENT_READ, time.monotonic())
        while selector.get_map() and time.monotonic() - started_at < 2 * _SLOW_SECONDS_MAX:
            for key, _ in selector.select(0.5):
                self.lasted.append(time.monotonic() - key.data)
                selector.unregister(key.fileobj)
                assert isinstance(key.fileobj, socket.socket)
                key.fileobj.close()
            for key in list(selector.get_map().values()):
                assert isinstance(key.fileobj, socket.socket)
                with contextlib.suppress(OSError):  # closed: the next look finds it
                    key.fileobj.send(b"a")
