"""The free list of connections: who waits longest is next; nothing passed on is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from conftest import DatabaseUrls
from guichet.domain.errors import Overloaded
from guichet.store import database as module
from guichet.store.database import Database


class Users:
    """Who has had the only connection, in their order."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.served: list[str] = []

    async def use(self, name: str) -> None:
        async with self.database.bare_connection():
            self.served.append(name)

    async def wait(self, name: str) -> asyncio.Task[None]:
        """Somebody who stands in the queue when this returns."""
        before = self.database.depth
        task = asyncio.create_task(self.use(name))
        while self.database.depth == before:
            await asyncio.sleep(0)
        return task


@pytest.fixture
async def users(database_urls: DatabaseUrls) -> AsyncIterator[Users]:
    database = Database(database_urls.serving_url, 1)
    yield Users(database)
    await database.close()


async def test_who_comes_later_does_not_overtake_who_waits(users: Users) -> None:
    async with users.database.bare_connection():
        first = await users.wait("waited")
    await users.use("came later")
    await first
    assert users.served == ["waited", "came later"]


async def test_what_was_passed_to_somebody_who_left_goes_to_the_next(users: Users) -> None:
    async with users.database.bare_connection():
        left, next_one = await users.wait("left"), await users.wait("next")
    left.cancel()
    await next_one
    assert users.served == ["next"]
    assert users.database.depth == 0


async def test_room_of_a_lost_connection_goes_to_who_waits(users: Users) -> None:
    async with users.database.bare_connection() as connection:
        waiting = await users.wait("waited")
        connection.terminate()
    await waiting
    assert users.served == ["waited"]


async def test_who_waits_too_long_is_told_and_leaves_the_queue(
    users: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_WAIT_SECONDS", 0.01)
    async with users.database.bare_connection():
        with pytest.raises(Overloaded):
            await users.use("waited")
        assert users.database.depth == 0
    await users.use("came later")
    assert users.served == ["came later"]
