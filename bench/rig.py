"""The server under test and the loads it is put under; comparisons in the order A B B A."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from bench import load, statements
from bench.databases import Filled
from bench.load import HttpLoad, Sample, SqlLoad
from bench.processes import free_port, running, wait_until_ready
from bench.report import Ratio, run_row

_CREATE_BODY = json.dumps({
    "serviceId": "api",
    "institutionId": statements.INSTITUTION,
    "payment": {"amount": 122.44, "currency": "GBP"},
    "customer": {"email": "payer%(payer)05d@example.com", "name": "Jhon Doe", "country": "GB"},
    "reference": "reference",
    "callback_url": "https://merchant.example/callback",
}).encode()  # fmt: skip


@dataclass
class Bench:
    """What the cases share, and what they found."""

    postgres_pid: int
    seconds: float
    rounds: int
    ratios: list[Ratio] = field(default_factory=list)
    runs: list[list[str]] = field(default_factory=list)
    serial: int = 0

    def alternate(self, *cases: Callable[[], Sample]) -> list[list[Sample]]:
        """Run the cases in their order and then backwards, ``rounds`` times; a list for each."""
        samples: list[list[Sample]] = [[] for _ in cases]
        for _ in range(self.rounds):
            forward = range(len(cases))
            for index in (*forward, *reversed(forward)):
                samples[index].append(cases[index]())
        return samples

    def add_run(self, name: str, clients: int, samples: Sequence[Sample]) -> None:
        self.runs.append(run_row(name, clients, samples))

    def sql(
        self,
        dsn: str,
        clients: int,
        statement: str,
        arguments: list[tuple[Any, ...]],
        serial: int | None = None,
    ) -> Sample:
        """``statement`` in a loop of each client's own, in sessions like the store's."""
        roots = {"postgres": self.postgres_pid}
        serial = self.next_serial() if serial is None else serial
        return load.run(
            SqlLoad(
                dsn, clients, self.seconds, statement, arguments, roots, statements.SESSION, serial
            )
        )

    def next_serial(self) -> int:
        self.serial += 1_000_000
        return self.serial

    @contextmanager
    def server(self, database: Filled, **settings: object) -> Iterator[Server]:
        """The server under test on ``database``."""
        port = free_port()
        environment = {
            "GUICHET_DATABASE_URL": database.dsn,
            "GUICHET_PORT": str(port),
            "GUICHET_SECRET_KEYS": database.secret_key,
            "GUICHET_LOG_LEVEL": "error",
            "GUICHET_REQUESTS_AT_ONCE": "0",
            "GUICHET_SHED_AFTER_SECONDS": "0",  # a busy machine would be measured with gaps
            **{f"GUICHET_{name.upper()}": str(value) for name, value in settings.items()},
        }
        with running("bench.server", environment=environment) as process:
            wait_until_ready(process, f"http://127.0.0.1:{port}/bench/hello")
            roots = {"server": process.pid, "postgres": self.postgres_pid}
            yield Server(self, port, roots, database)


@dataclass(frozen=True)
class Server:
    """A running server and the loads it is put under."""

    bench: Bench
    port: int
    roots: dict[str, int]
    database: Filled

    def run(
        self,
        clients: int,
        requests: list[bytes],
        *,
        once: bool = False,
        serial: int | None = None,
    ) -> Sample:
        return load.run(
            HttpLoad(
                self.port,
                clients,
                self.bench.seconds,
                requests,
                self.roots,
                once=once,
                serial=serial,
            )
        )

    def create(self, clients: int) -> Sample:
        return self.run(clients, self.creations(), serial=self.bench.next_serial())

    def creations(self) -> list[bytes]:
        """A payment's creation by each application, as ``HttpLoad`` wants it with ``serial``."""
        size = len(_CREATE_BODY % {b"payer": 0})
        head = f"Content-Length: {size}\r\nIdempotency-Key: bench-%(serial)012d\r\n"
        return [
            _text("POST", "/api/payments", token, application, head) + _CREATE_BODY
            for token, application in self.database.tokens.items()
        ]

    def hello(self, clients: int) -> Sample:
        token, application = next(iter(self.database.tokens.items()))
        return self.run(clients, [_text("GET", "/bench/hello", token, application)])

    def read(self, clients: int, payments: list[tuple[UUID, UUID]]) -> Sample:
        tokens = {application: token for token, application in self.database.tokens.items()}
        requests = [
            _text("GET", f"/api/payments/{payment}", tokens[application], application)
            for application, payment in payments
        ]
        return self.run(clients, requests)

    def page(self, clients: int, number: int = 1) -> Sample:
        requests = [
            _text("GET", f"/api/payments?per_page=20&page={number}", token, application)
            for token, application in self.database.tokens.items()
        ]
        return self.run(clients, requests)

    def deep_page(self, clients: int) -> Sample:
        """The page in the middle of each application's list."""
        return self.page(clients, self.database.filled // (2 * 20 * statements.APPLICATIONS))

    def settle(self, clients: int, attempts: list[UUID]) -> Sample:
        token, application = next(iter(self.database.tokens.items()))
        requests = [
            _text("POST", f"/bench/settle/{id_}", token, application, "Content-Length: 0\r\n")
            for id_ in attempts
        ]
        return self.run(clients, requests, once=True)


def _text(method: str, path: str, token: str, application: UUID, more: str = "") -> bytes:
    return (
        f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {token}\r\n"
        f"x-app-key: {application}\r\nContent-Type: application/json\r\n{more}\r\n"
    ).encode()
