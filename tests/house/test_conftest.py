from __future__ import annotations

import asyncpg
import pytest

from conftest import DatabaseUrls


@pytest.mark.parametrize("turn", [1, 2])
async def test_each_test_has_a_migrated_database_of_its_own(
    database_urls: DatabaseUrls, turn: int
) -> None:
    owner = await asyncpg.connect(database_urls.owner_url)
    try:
        assert await owner.fetchval("SELECT count(*) FROM merchants") == 0
        await owner.execute(
            f"INSERT INTO merchants VALUES (gen_random_uuid(), '{turn}', 'GB', now())"
        )
    finally:
        await owner.close()
