"""Connections to PostgreSQL: a free list of our own, in autocommit, with prepared statements.

asyncpg's pool resets every connection on release, which costs more than the queries of a hot
route; ours keep no session state, so they need no reset. Whose rows row security lets through is
said in the message that begins a transaction (``store.scope``), and ends with it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeAlias

import asyncpg

from guichet.domain.errors import Conflicted, DatabaseUnavailable, Overloaded, Unavailable
from guichet.logs import REQUEST_ID
from guichet.people import People
from guichet.store import scope

Connection: TypeAlias = "asyncpg.Connection[Any]"
if TYPE_CHECKING:
    _Base = asyncpg.Connection[Any]
else:
    _Base = asyncpg.Connection

_WAIT_SECONDS = 1.5
_CONNECT_SECONDS = 3.0
_COMMAND_SECONDS = 10.0
#: The three time-outs are off by default in PostgreSQL; without them one stuck session stops
#: everything. Generic plans: left to itself PostgreSQL plans every call that takes arrays anew,
#: which doubles the cost of creating one payment.
_SESSION = {
    "application_name": "guichet",
    "statement_timeout": "5000",
    "lock_timeout": "1000",
    "idle_in_transaction_session_timeout": "10000",
    "timezone": "UTC",
    "jit": "off",
    "plan_cache_mode": "force_generic_plan",
}

#: What asyncpg raises when the connection, and not the statement, is at fault.
_LOST = (
    OSError,
    asyncio.TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the server said farewell and has not closed yet
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.InsufficientResourcesError,
    asyncpg.ReadOnlySQLTransactionError,
)

#: What it raises when two transactions stood in each other's way, and when one took too long.
_CONFLICT = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)
_TOO_LONG = (asyncpg.LockNotAvailableError, asyncpg.QueryCanceledError)


class _SealingConnection(_Base):
    """A connection that knows how personal data are sealed, so that no caller need remember."""

    database: Database


def people_of(connection: Connection) -> People:
    """What seals and opens personal data on this connection.

    Raises ``TypeError`` for a connection that no ``Database`` opened.
    """
    if not isinstance(connection, _SealingConnection):
        raise TypeError("this connection has no key to personal data")
    people = connection.database.people
    if people is None:
        raise TypeError("the database has not been given the keys to personal data")
    return people


@asynccontextmanager
async def savepoint(transaction: Connection) -> AsyncIterator[None]:
    """A part of a transaction that may fail alone: what it wrote is undone, the error raised."""
    await transaction.execute("SAVEPOINT part")
    try:
        yield
    except Exception:
        await transaction.execute("ROLLBACK TO SAVEPOINT part")
        raise
    await transaction.execute("RELEASE SAVEPOINT part")


class Database:
    """``size`` connections to ``dsn``, opened when needed and again after they are lost.

    ``people`` seals and opens the personal data of what is written and read through them.
    """

    def __init__(self, dsn: str, size: int) -> None:
        self.dsn = dsn
        self.size = size
        self.people: People | None = None
        self._idle: deque[Connection] = deque()
        self._open = 0
        self._waiting: deque[tuple[asyncio.Future[Connection | None], float]] = deque()
        self._closed = False
        #: When a write last found no room on the database's disk, by the loop's clock.
        self.full_at = float("-inf")

    async def connect(self) -> Connection:
        """A connection of the caller's own, outside the free list (for LISTEN)."""
        try:
            connection = await asyncpg.connect(
                self.dsn,
                connection_class=_SealingConnection,
                timeout=_CONNECT_SECONDS,
                command_timeout=_COMMAND_SECONDS,
                server_settings=_SESSION,
                statement_cache_size=200,
                max_cached_statement_lifetime=0,
            )
        except _LOST as error:
            raise DatabaseUnavailable from error
        connection.database = self
        return connection

    @asynccontextmanager
    async def bare_connection(self) -> AsyncIterator[Connection]:
        """A connection in autocommit, which sees no application's rows unless a statement says
        whose (``scope.GATE``).

        Raises ``DatabaseUnavailable`` when there is none or it is lost on the way (whether a
        write happened is then not known), ``Overloaded`` when none is free for 1.5 seconds,
        ``Conflicted`` after a deadlock, and ``Unavailable`` when a statement took too long or
        waited too long for a lock.
        """
        connection = await self._take()
        try:
            yield connection
        except _CONFLICT as error:
            raise Conflicted from error
        except _TOO_LONG as error:
            raise Unavailable from error
        except _LOST as error:
            if isinstance(error, asyncpg.DiskFullError):
                self.full_at = asyncio.get_running_loop().time()
            connection.terminate()
            raise DatabaseUnavailable from error
        except asyncio.CancelledError:
            # The statement may still run on the server: the connection cannot be trusted.
            connection.terminate()
            raise
        finally:
            self._give_back(connection)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection that sees the rows of those this task acts for (``scope.acting_for``):
        inside one transaction then, and bare where it acts for nobody. Raises as
        ``bare_connection``.
        """
        begun = self._begun(_begin("")) if scope.acting() else self.bare_connection()
        async with begun as connection:
            yield connection

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A connection inside one transaction, committed at the end of the block; it sees the rows
        of those this task acts for, and what it writes is of the request being answered. Raises as
        ``bare_connection``.
        """
        async with self._begun(_begin(REQUEST_ID.get())) as connection:
            yield connection

    @asynccontextmanager
    async def _begun(self, begin: str) -> AsyncIterator[Connection]:
        async with self.bare_connection() as connection:
            await connection.execute(begin)
            try:
                yield connection
            except (asyncio.CancelledError, *_LOST):
                raise  # the connection is given up
            except BaseException:
                await connection.execute("ROLLBACK")
                raise
            await connection.execute("COMMIT")

    @asynccontextmanager
    async def listening(
        self, channel: str, heard: Callable[[str], None]
    ) -> AsyncIterator[asyncio.Event]:
        """Call ``heard`` with each announcement on ``channel``; the event is set when the
        connection is lost. Raises ``DatabaseUnavailable``.
        """
        lost = asyncio.Event()
        connection = await self.connect()
        try:
            connection.add_termination_listener(lambda _: lost.set())
            await connection.add_listener(channel, lambda *arguments: heard(arguments[-1]))
            yield lost
        except _LOST as error:
            raise DatabaseUnavailable from error
        finally:
            connection.terminate()

    @property
    def depth(self) -> int:
        """How many wait for a connection."""
        return len(self._waiting)

    @property
    def longest_wait_seconds(self) -> float:
        """How long the first who waits for a connection has been waiting."""
        if not self._waiting:
            return 0.0
        return asyncio.get_running_loop().time() - self._waiting[0][1]

    async def close(self) -> None:
        """Close the idle connections; those in use close when they are given back."""
        self._closed = True
        while self._idle:
            connection = self._idle.popleft()
            self._open -= 1
            try:
                await connection.close(timeout=_WAIT_SECONDS)
            except _LOST:
                connection.terminate()

    async def _take(self) -> Connection:
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
            self._open -= 1
        if self._open < self.size:
            self._open += 1
        else:
            passed = await self._wait()
            if passed is not None and not passed.is_closed():
                return passed
        try:
            return await self.connect()
        except BaseException:
            self._pass_on(None)
            raise

    async def _wait(self) -> Connection | None:
        """What is passed on: a connection, or room for one. Raises ``Overloaded``."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Connection | None] = loop.create_future()
        entry = (future, loop.time())
        self._waiting.append(entry)
        try:
            async with asyncio.timeout(_WAIT_SECONDS):
                return await future
        except TimeoutError:
            if not future.cancelled():  # it came at the last moment
                return future.result()
            raise Overloaded from None
        except asyncio.CancelledError:
            if not future.cancelled():
                self._pass_on(future.result())
            raise
        finally:
            with suppress(ValueError):
                self._waiting.remove(entry)

    def _give_back(self, connection: Connection) -> None:
        if connection.is_closed() or self._closed:
            connection.terminate()
            self._pass_on(None)
        else:
            self._pass_on(connection)

    def _pass_on(self, connection: Connection | None) -> None:
        """Give a connection, or room for one, to who waits longest: put among the idle it would be
        taken by whoever comes first, and who waits would wait anew each time.
        """
        while self._waiting:
            future, _ = self._waiting.popleft()
            if not future.done():
                future.set_result(connection)
                return
        if connection is None:
            self._open -= 1
        else:
            self._idle.append(connection)


def _begin(request_id: str) -> str:
    """The commands that begin a transaction: for whom, and of which request."""
    applications = scope.acting()
    begin = f"BEGIN; {scope.setting(applications)}" if applications else "BEGIN"
    # It is ours, or of a form that the kernel judged (web.asgi): letters, digits, - and _.
    return f"{begin}; SET LOCAL guichet.request_id = '{request_id}'" if request_id else begin
