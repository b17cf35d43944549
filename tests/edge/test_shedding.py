"""Which requests are refused when there are too many, and in which order."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID, uuid4

import pytest

from edge.callers import application
from edge.sockets import Echo, served, wire
from guichet.domain.access import Application, Environment
from guichet.gateway import Gateway
from guichet.server import shedding
from guichet.server.refusals import BUSY
from guichet.server.requests import Asked, Load
from guichet.server.shedding import Shedder
from guichet.settings import Settings

LIVE, SANDBOX = application(Environment.LIVE), application(Environment.SANDBOX)


class House:
    """A gateway that is as full as a test says."""

    def __init__(self, *applications: Application) -> None:
        self.load = Load()
        self.now = 1000.0
        known = {each.id: each for each in (LIVE, SANDBOX, *applications)}
        queue = SimpleNamespace(longest_wait_seconds=0.0)
        self.queue = queue
        self.http = SimpleNamespace(under_way=0)
        gateway = SimpleNamespace(
            settings=Settings(requests_at_once=100, shed_after_seconds=0.3),
            access=SimpleNamespace(application=known.get, key=lambda _: None),
            http=self.http,
            desk=queue,
            recorder=SimpleNamespace(longest_wait_seconds=0.0),
            database=SimpleNamespace(longest_wait_seconds=0.0),
        )
        self.shedder = Shedder(cast("Gateway", gateway))

    def takes(self, call: str, by: Application | None = LIVE) -> bool:
        method, _, target = call.partition(" ")
        headers = [(b"x-app-key", str(by.id).encode())] if by else []
        asked = Asked(method.encode(), target.encode(), headers, self.load, self.now)
        return self.shedder.judge(asked) is None


IN_ORDER: Sequence[tuple[str, Application | None, int]] = [
    ("GET /api/payments", None, 20),
    ("GET /api/links/rows.csv", LIVE, 20),
    ("GET /api/payments", LIVE, 40),
    ("GET /api/payments/?page=2", LIVE, 40),
    ("GET /api/customers/1", LIVE, 60),
    ("POST /api/payments", SANDBOX, 80),
    ("GET /api/payments/1", SANDBOX, 80),
    ("POST /api/payments", LIVE, 100),
    ("GET /api/payments/1", LIVE, 100),
    ("PATCH /api/links/1", LIVE, 100),
    ("GET /pay/1/2", None, 200),
    ("POST /links/1", None, 200),
    ("POST /notices/yapily/live/secret", None, 1_000_000),
    ("GET /healthz", None, 1_000_000),
]


@pytest.mark.parametrize(
    ("call", "by", "room"),
    IN_ORDER,
    ids=lambda value: str(getattr(value, "environment", value)),  # its id is new each time
)
def test_the_least_urgent_is_refused_first(call: str, by: Application | None, room: int) -> None:
    house = House()
    house.load.under_way = max(room, 31)
    assert house.takes(call, by)
    house.load.under_way = max(room + 1, 32)
    assert house.takes(call, by) is (room == 1_000_000)


def test_a_queue_that_keeps_requests_long_is_full_whatever_their_number() -> None:
    house = House()
    house.load.under_way = 33
    house.queue.longest_wait_seconds = 0.25
    assert not house.takes("POST /api/payments", SANDBOX)
    assert house.takes("POST /api/payments", LIVE)
    house.queue.longest_wait_seconds = 0.31
    assert not house.takes("POST /api/payments", LIVE)


def test_a_few_slow_requests_are_no_overload() -> None:
    house = House()
    house.load.under_way = 31
    house.queue.longest_wait_seconds = 10.0
    assert house.takes("GET /api/payments", None)


def test_who_waits_for_a_provider_takes_no_room() -> None:
    house = House()
    house.load.under_way = 150
    house.http.under_way = 60
    assert house.takes("POST /api/payments", LIVE)
    house.http.under_way = 40
    assert not house.takes("POST /api/payments", LIVE)


def test_who_takes_more_than_a_share_is_refused_before_the_others() -> None:
    loud, quiet = application(Environment.LIVE), application(Environment.LIVE)
    house = House(loud, quiet)
    house.load.under_way = 45  # what is done is watched from here on
    assert all(house.takes("POST /api/payments", loud) for _ in range(5))
    assert house.takes("POST /api/payments", quiet)
    house.load.under_way = 55
    assert not house.takes("POST /api/payments", loud)
    assert house.takes("POST /api/payments", quiet)
    house.now += 60  # nobody remembers
    assert house.takes("POST /api/payments", loud)


def test_without_limits_nothing_is_refused() -> None:
    house = House()
    gateway = house.shedder._gateway
    gateway.settings = Settings(requests_at_once=0, shed_after_seconds=0)
    house.shedder = Shedder(gateway)
    house.load.under_way = 1_000_000
    house.queue.longest_wait_seconds = 1000.0
    assert house.takes("GET /api/payments", None)


# On the wire --------------------------------------------------------------------------------------

REQUEST = b"POST /api/payments HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"


@pytest.fixture
async def busy() -> AsyncIterator[int]:
    """A server that refuses everything."""
    echo = Echo()
    async with served(echo, Settings(), lambda _: BUSY[0]) as port:
        yield port
    assert echo.asked == []


async def test_a_refusal_says_when_to_come_again_and_keeps_the_connection(busy: int) -> None:
    async with wire(busy) as connection:
        for _ in range(3):
            await connection.send(REQUEST)
            status, headers, body = await connection.answer()
            assert (status, headers["retry-after"]) == (503, "1")
            assert "connection" not in headers
            assert json.loads(body)["message"] == "Service Unavailable"


async def test_a_body_that_comes_after_its_refusal_is_not_the_next_request(busy: int) -> None:
    async with wire(busy) as connection:
        await connection.send(REQUEST[:-5])
        assert (await connection.answer())[0] == 503
        await connection.send(REQUEST[-5:] + REQUEST)
        assert (await connection.answer())[0] == 503


async def test_the_last_request_of_a_connection_is_refused_and_closed(busy: int) -> None:
    async with wire(busy) as connection:
        rest = await connection.say(b"GET /api HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert rest.startswith(b"HTTP/1.1 503 ")
    assert b"connection: close" in rest


async def test_who_is_refused_often_takes_turns(busy: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("guichet.server.requests._REFUSED_PER_BEAT", 1)
    monkeypatch.setattr("guichet.server.requests._PAUSE_SECONDS", 0.05)
    async with AsyncExitStack() as stack:
        wires = [await stack.enter_async_context(wire(busy)) for _ in range(10)]
        for _ in range(3):
            for connection in wires:
                await connection.send(REQUEST)
            for connection in wires:
                assert (await connection.answer())[0] == 503


async def test_under_way_is_what_has_come_whole_and_is_not_answered() -> None:
    seen: list[int] = []
    release = asyncio.Event()

    class Slow(Echo):
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            await release.wait()
            await super().__call__(scope, receive, send)

    def gate(asked: Asked) -> None:
        seen.append(asked.load.under_way)

    async with served(Slow(), Settings(), gate) as port, AsyncExitStack() as stack:
        wires = [await stack.enter_async_context(wire(port)) for _ in range(4)]
        await wires[0].send(REQUEST[:-1])
        for connection in wires[1:3]:
            await connection.send(REQUEST)
        while len(seen) < 3:
            await asyncio.sleep(0)
        await wires[3].send(REQUEST)
        while len(seen) < 4:
            await asyncio.sleep(0)
        release.set()
        for connection in wires[1:]:
            assert (await connection.answer())[0] == 200
        await wires[1].send(REQUEST)
        await wires[1].answer()
    assert seen[3:] == [2, 0]


def test_what_a_key_says_is_asked_once_in_half_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    house = House()
    house.load.under_way = 50
    asked: list[UUID] = []

    def claimed(_gateway: Any, _headers: Any) -> Application:
        asked.append(uuid4())
        return LIVE

    monkeypatch.setattr(shedding, "claimed_at_neopay", claimed)
    for _ in range(10):
        house.takes("POST /api/payments", LIVE)
    house.now += 1
    house.takes("POST /api/payments", LIVE)
    assert len(asked) == 2
