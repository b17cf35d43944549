"""What a payer may choose: the banks that rails offer, held in each process."""

from __future__ import annotations

import asyncio

from guichet.domain.access import Caller
from guichet.domain.errors import Unavailable
from guichet.domain.institutions import Institution
from guichet.gateway import Gateway
from guichet.rails.port import RailUnavailable
from guichet.store import institutions as store
from guichet.store.database import Database

_REREAD_SECONDS = 30.0


class InstitutionTable:
    """The banks on offer by environment, as of at most half a minute ago."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._offered: dict[str, list[Institution]] = {}
        self._by_key: dict[tuple[str, str], Institution] = {}
        self._by_id: dict[int, Institution] = {}
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Read them, then keep them fresh until ``stop``."""
        await self.refresh()
        self._task = asyncio.create_task(self._keep_fresh())

    async def stop(self) -> None:
        """Stop keeping them fresh."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def refresh(self) -> None:
        """Read them again."""
        async with self._database.bare_connection() as connection:
            rows = await store.read_all(connection)
        self._by_id = {institution.id: institution for institution, _ in rows}
        offered = [institution for institution, is_offered in rows if is_offered]
        self._offered = {}
        for institution in offered:
            self._offered.setdefault(institution.environment, []).append(institution)
        self._by_key = {(i.environment, key): i for i in offered for key in (str(i.id), i.code)}

    def offered(self, environment: str) -> list[Institution]:
        """The banks on offer, by number."""
        return self._offered.get(environment, [])

    def find(self, environment: str, key: str) -> Institution | None:
        """The bank on offer under a number or a provider's code."""
        return self._by_key.get((environment, key))

    def by_id(self, institution_id: int) -> Institution:
        """Any bank there ever was, by number."""
        return self._by_id[institution_id]

    async def _keep_fresh(self) -> None:
        while True:
            await asyncio.sleep(_REREAD_SECONDS)
            try:
                await self.refresh()
            except Unavailable:
                continue


def list_institutions(
    gateway: Gateway, caller: Caller, country: str | None = None, search: str | None = None
) -> list[Institution]:
    """The banks that the caller's application can use, by country and name."""
    found = gateway.institutions.offered(caller.application.environment)
    if country:
        found = [i for i in found if country.upper() in i.countries]
    if search:
        wanted = search.casefold()
        found = [i for i in found if wanted in i.name.casefold() or wanted in i.code.casefold()]
    return found


def find_institution(gateway: Gateway, environment: str, key: str) -> Institution | None:
    """The bank under our number (as digits) or the provider's code."""
    return gateway.institutions.find(environment, key)


def institution_of(gateway: Gateway, institution_id: int | None) -> Institution | None:
    """The bank of a payment or an attempt; None where there is none."""
    return None if institution_id is None else gateway.institutions.by_id(institution_id)


async def refresh_institutions(gateway: Gateway) -> None:
    """Ask every rail which banks it offers, and record them.

    A rail that cannot be asked keeps the ones it had; raises the last ``RailUnavailable`` then.
    """
    failure: RailUnavailable | None = None
    for (name, environment), rail in gateway.rails.items():
        try:
            offered = await rail.institutions()
        except RailUnavailable as error:
            failure = error
            continue
        async with gateway.database.bare_connection() as connection:
            await store.replace(connection, name, environment, offered)
    await gateway.institutions.refresh()
    if failure:
        raise failure
