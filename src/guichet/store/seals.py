"""The installation's own key of digests: made at the first start, kept sealed."""

from __future__ import annotations

from guichet.people import People
from guichet.store.database import Connection, Database
from guichet.vault import SealBroken, Vault


class WrongKeys(ValueError):
    """The vault has none of the keys that sealed this database."""

    def __init__(self) -> None:
        super().__init__("GUICHET_SECRET_KEYS holds none of the keys that sealed this database")


_READ = "SELECT index_key FROM seals"
_WRITE = "INSERT INTO seals (index_key) VALUES ($1) ON CONFLICT DO NOTHING"


async def open_people(database: Database, vault: Vault) -> People:
    """What seals personal data in this database; its key is made if there is none yet.

    Raises ``DatabaseUnavailable``, and ``WrongKeys`` when other keys than these sealed it.
    """
    async with database.bare_connection() as connection:
        return await people_with(connection, vault)


async def people_with(connection: Connection, vault: Vault) -> People:
    """As ``open_people``, on a connection of the caller's own."""
    index_key = await connection.fetchval(_READ)
    if index_key is None:
        await connection.execute(_WRITE, People.new_index_key(vault))
        index_key = await connection.fetchval(_READ)
    try:
        return People(vault, index_key)
    except SealBroken:
        raise WrongKeys from None
