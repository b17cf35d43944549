"""A small relay between a client and a server, that can lose answers (F8, F9).

It passes bytes on in both directions. What a connection's ``Exchange`` says about them decides
whether they go on: an answer that is lost has reached the relay, so the server has done its work.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import random
import re
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

from guichet.torture.journal import neopay_says

_PIECE_BYTES = 256 * 1024
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Exchange(Protocol):
    """What goes over one connection."""

    def asked(self, data: bytes) -> None:
        """Bytes of the client, which are passed on."""

    def answers(self, data: bytes) -> bool:
        """Bytes of the server; whether they are passed on. If not the connection is cut."""


class Relay:
    """Passes connections on to ``connect``, each with an exchange of its own."""

    def __init__(
        self, connect: Callable[[], Awaitable[Streams]], exchange: Callable[[], Exchange]
    ) -> None:
        self._connect = connect
        self._exchange = exchange
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, to its end."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with contextlib.suppress(OSError):
                there_reader, there_writer = await self._connect()
                exchange = self._exchange()
                try:
                    await self._pass_on((reader, writer), (there_reader, there_writer), exchange)
                finally:
                    there_writer.transport.abort()
        except asyncio.CancelledError:
            pass  # the relay closes, and a handler's task is nobody's to wait for
        finally:
            writer.transport.abort()
            self._tasks.discard(task)

    def close(self) -> None:
        """Cut every connection."""
        for task in self._tasks:
            task.cancel()

    async def _pass_on(self, client: Streams, server: Streams, exchange: Exchange) -> None:
        async def questions() -> None:
            while data := await client[0].read(_PIECE_BYTES):
                exchange.asked(data)
                server[1].write(data)
                await server[1].drain()

        async def answers() -> None:
            while data := await server[0].read(_PIECE_BYTES):
                if not exchange.answers(data):
                    return
                client[1].write(data)
                await client[1].drain()

        directions = [asyncio.create_task(questions()), asyncio.create_task(answers())]
        try:
            await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in directions:
                each.cancel()
            await asyncio.gather(*directions, return_exceptions=True)


class HttpLosses:
    """Answers to POST and PUT that get lost with ``probability``, and what was in them.

    ``different`` are the answers, lost ones included, to keys that got more than one.
    """

    def __init__(self, chance: random.Random) -> None:
        self.probability = 0.0
        self.lost = 0
        self._chance = chance
        self._answers: dict[bytes, dict[str, bytes]] = defaultdict(dict)

    @property
    def different(self) -> dict[str, list[str]]:
        return {
            key.decode(): [body.decode() for body in said.values()]
            for key, said in self._answers.items()
            if len(said) > 1
        }

    def exchange(self) -> Exchange:
        return _HttpExchange(self)

    def loses(self) -> bool:
        lost = self._chance.random() < self.probability
        self.lost += lost
        return lost

    def keep(self, key: bytes, answer: bytes) -> None:
        head, _, body = answer.partition(b"\r\n\r\n")
        if re.match(rb"HTTP/1\.1 20\d", head):
            told = neopay_says(body)
            said = told.digest if told else hashlib.sha256(body).hexdigest()
            self._answers[key][said] = body


class _HttpExchange:
    """One request after the other, as our client sends them; answers are small."""

    def __init__(self, losses: HttpLosses) -> None:
        self._losses = losses
        self._writes = False
        self._key: bytes | None = None

    def asked(self, data: bytes) -> None:
        if re.match(rb"[A-Z]+ /", data):
            self._writes = data.startswith((b"POST ", b"PUT "))
            found = re.search(rb"\r\nidempotency-key: ([^\r]*)\r\n", data, re.IGNORECASE)
            self._key = found[1] if found else None

    def answers(self, data: bytes) -> bool:
        if not self._writes or not data.startswith(b"HTTP/1.1 "):
            return True
        if self._key is not None:
            self._losses.keep(self._key, data)
        return not self._losses.loses()


_READY = re.compile(rb"Z\x00\x00\x00\x05([ITE])")
_WRITES = re.compile(rb"\s*(INSERT|UPDATE|WITH|SELECT .*(create_payments|nextval))", re.DOTALL)


class CommitLosses:
    """PostgreSQL's answers to commits, of which one in ``one_in`` gets lost."""

    def __init__(self, chance: random.Random, one_in: int) -> None:
        self.lost = 0
        self._chance = chance
        self._one_in = one_in

    def exchange(self) -> Exchange:
        return _PostgresExchange(self)

    def loses(self) -> bool:
        lost = self._chance.randrange(self._one_in) == 0
        self.lost += lost
        return lost


class _PostgresExchange:
    """Follows the protocol as far as it must: which statement is run, and whether it commits."""

    def __init__(self, losses: CommitLosses) -> None:
        self._losses = losses
        self._buffer = b""
        self._started = False
        self._statements: dict[bytes, bytes] = {}
        self._in_transaction = False
        self._commits = False

    def asked(self, data: bytes) -> None:
        self._buffer += data
        if not self._started and len(self._buffer) >= 4:
            length = int.from_bytes(self._buffer[:4], "big")
            if len(self._buffer) >= length:
                self._buffer = self._buffer[length:]
                self._started = True
        while self._started and len(self._buffer) >= 5:
            length = 1 + int.from_bytes(self._buffer[1:5], "big")
            if len(self._buffer) < length:
                break
            self._message(self._buffer[:1], self._buffer[5:length])
            self._buffer = self._buffer[length:]

    def _message(self, kind: bytes, content: bytes) -> None:
        if kind == b"P":
            name, query, _ = content.split(b"\0", 2)
            self._statements[name] = query
        elif kind == b"Q":
            self._commits = content.startswith(b"COMMIT")
        elif kind == b"B":
            name = content.split(b"\0", 2)[1]
            query = self._statements.get(name, b"")
            self._commits = not self._in_transaction and bool(_WRITES.match(query))

    def answers(self, data: bytes) -> bool:
        ready = _READY.findall(data)
        if not ready:
            return True
        self._in_transaction = ready[-1] != b"I"
        commits, self._commits = self._commits, False
        return not (commits and self._losses.loses())


@asynccontextmanager
async def http_relay(port: int, target_port: int, losses: HttpLosses) -> AsyncIterator[None]:
    """Listen on ``port`` in place of the server on ``target_port``."""

    async def connect() -> Streams:
        return await asyncio.open_connection("127.0.0.1", target_port)

    relay = Relay(connect, losses.exchange)
    server = await asyncio.start_server(relay.serve, "127.0.0.1", port, limit=_PIECE_BYTES)
    try:
        yield
    finally:
        server.close()
        relay.close()


@asynccontextmanager
async def postgres_relay(folder: Path, target: Path, losses: CommitLosses) -> AsyncIterator[None]:
    """Listen in ``folder`` in place of the PostgreSQL whose socket is in the folder ``target``."""
    name = ".s.PGSQL.5432"

    async def connect() -> Streams:
        return await asyncio.open_unix_connection(target / name)

    folder.mkdir(mode=0o700, exist_ok=True)
    relay = Relay(connect, losses.exchange)
    server = await asyncio.start_unix_server(relay.serve, folder / name, limit=_PIECE_BYTES)
    try:
        yield
    finally:
        server.close()
        relay.close()
        (folder / name).unlink(missing_ok=True)
