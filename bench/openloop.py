"""Load that does not wait for answers: every stream sends at its rate, whatever comes back.

A pickled ``OpenLoad`` goes in, a dictionary of ``Outcome`` by stream comes out. A request's time
runs from the moment it was written, connecting included. One that is due while all of its stream's
connections wait is held for two seconds and then given up: that is counted apart.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import select
import socket
import subprocess
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from bench.load import PAYERS
from bench.processes import ROOT

#: Below what one address may have.
_CONNECTIONS_OF_STREAM_MAX = 190
#: A request that finds no free connection for so long is given up by its sender.
_PATIENCE_SECONDS = 2.0
_FINISH_SECONDS = 10.0


@dataclass(frozen=True)
class Stream:
    """One sender: ``per_second`` copies of ``request`` (a template of ``%(serial)d`` and
    ``%(payer)d``) from the address ``source``.
    """

    name: str
    per_second: float
    request: bytes
    source: str
    serial: int = 0


@dataclass(frozen=True)
class OpenLoad:
    port: int
    seconds: float
    streams: list[Stream]


@dataclass
class Outcome:
    """What came of a stream: ``answers`` are (sent, answered, status), in seconds since the start;
    ``unanswered`` were sent in vain, ``unsent`` found no free connection; ``impolite`` are refusals
    that do not say when to try again; ``late_seconds`` is how late the sender itself was at most.
    """

    answers: list[tuple[float, float, int]] = field(default_factory=list)
    unanswered: int = 0
    unsent: int = 0
    impolite: int = 0
    late_seconds: float = 0.0

    @property
    def statuses(self) -> Counter[int]:
        return Counter(status for _, _, status in self.answers)

    @property
    def sent(self) -> int:
        return len(self.answers) + self.unanswered + self.unsent


def offer(load: OpenLoad) -> dict[str, Outcome]:
    """Offer ``load`` from a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", "from bench.openloop import main; main()"],
        input=pickle.dumps(load),
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])},
        check=True,
    )
    outcomes: dict[str, Outcome] = pickle.loads(done.stdout)
    return outcomes


class _Sender:
    """A stream and its connections; a connection carries one request at a time."""

    def __init__(
        self, stream: Stream, port: int, poll: select.epoll, senders: dict[int, _Sender]
    ) -> None:
        self.stream = stream
        self.outcome = Outcome()
        self.due = 0.0
        self._port = port
        self._poll = poll
        self._senders = senders
        self._held: deque[float] = deque()
        self._idle: list[int] = []
        self._open: dict[int, socket.socket] = {}
        self._asked: dict[int, float] = {}
        self._unread: dict[int, bytes] = {}
        self._serial = stream.serial

    @property
    def waits(self) -> bool:
        return bool(self._asked)

    def send(self, due: float, now: float) -> None:
        """Send the next request, or keep it until there is a connection."""
        self._held.append(due)
        self._send_held(now)

    def _send_held(self, now: float) -> None:
        while self._held:
            if now - self._held[0] > _PATIENCE_SECONDS:
                self._held.popleft()
                self.outcome.unsent += 1
            elif self._idle:
                self._ask(self._idle.pop(), now)
            elif len(self._open) < _CONNECTIONS_OF_STREAM_MAX:
                self._ask(self._connect(), now)
            else:
                return

    def _ask(self, descriptor: int, now: float) -> None:
        self._serial += 1
        text = self.stream.request % {b"serial": self._serial, b"payer": self._serial % PAYERS}
        self._held.popleft()
        self._asked[descriptor] = now
        try:
            self._open[descriptor].sendall(text)
        except OSError:
            self._close(descriptor)

    def _connect(self) -> int:
        connection = socket.socket()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.bind((self.stream.source, 0))
        connection.connect(("127.0.0.1", self._port))  # the kernel answers at once
        descriptor = connection.fileno()
        self._open[descriptor] = connection
        self._poll.register(descriptor, select.EPOLLIN)
        self._senders[descriptor] = self
        return descriptor

    def read(self, descriptor: int, now: float) -> None:
        """Read what there is; note a whole answer."""
        try:
            data = self._open[descriptor].recv(1 << 18)
        except OSError:
            data = b""
        if not data:
            self._close(descriptor)
            return
        data = self._unread.pop(descriptor, b"") + data
        end = data.find(b"\r\n\r\n")
        head = data[:end].lower()
        if end < 0 or len(data) < end + 4 + _length(head):
            self._unread[descriptor] = data
            return
        status = int(data[9:12])
        self.outcome.answers.append((self._asked.pop(descriptor), now, status))
        if status in (429, 503) and b"\r\nretry-after: " not in head:
            self.outcome.impolite += 1
        if b"\r\nconnection: close" in head:
            self._close(descriptor)
        else:
            self._idle.append(descriptor)
        self._send_held(now)

    def _close(self, descriptor: int) -> None:
        self.outcome.unanswered += self._asked.pop(descriptor, None) is not None
        self._unread.pop(descriptor, None)
        with contextlib.suppress(ValueError):
            self._idle.remove(descriptor)
        connection = self._open.pop(descriptor, None)
        if connection is not None:
            self._poll.unregister(descriptor)
            connection.close()

    def give_up(self) -> Outcome:
        self.outcome.unsent += len(self._held)
        for descriptor in list(self._open):
            self._close(descriptor)
        return self.outcome


def _length(head: bytes) -> int:
    at = head.find(b"\r\ncontent-length: ")
    return int(head[at + 18 :].partition(b"\r")[0]) if at >= 0 else 0


def _offer(load: OpenLoad) -> dict[str, Outcome]:
    poll = select.epoll()
    of_descriptor: dict[int, _Sender] = {}
    senders = [_Sender(stream, load.port, poll, of_descriptor) for stream in load.streams]
    for sender, share in zip(senders, _spread(len(senders)), strict=True):
        sender.due = share / sender.stream.per_second
    start = time.perf_counter()
    while True:
        now = time.perf_counter() - start
        for sender in senders:
            while sender.due <= min(now, load.seconds):
                sender.send(sender.due, now)
                sender.outcome.late_seconds = max(sender.outcome.late_seconds, now - sender.due)
                sender.due += 1 / sender.stream.per_second
        if now > load.seconds and not any(sender.waits for sender in senders):
            break
        if now > load.seconds + _FINISH_SECONDS:
            break
        wait = max(0.0, min(sender.due for sender in senders) - now) if now < load.seconds else 0.05
        for descriptor, _ in poll.poll(min(wait, 0.05)):
            of_descriptor[descriptor].read(descriptor, time.perf_counter() - start)
    return {sender.stream.name: sender.give_up() for sender in senders}


def _spread(count: int) -> Iterator[float]:
    return ((number + 1) / count for number in range(count))


def main() -> None:
    sys.stdout.buffer.write(pickle.dumps(_offer(pickle.load(sys.stdin.buffer))))
