"""A gateway over a real database, and applications to call it as."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from conftest import DatabaseUrls, fresh_database
from guichet.bootstrap import build_gateway, close_gateway
from guichet.domain.ids import new_id
from guichet.embedded import Endpoints
from guichet.gateway import Gateway
from guichet.settings import LimitsMode, Settings
from guichet.vault import generate_key
from wire.applications import BASE_URL, MakeApplication, TestApplication


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def wire_urls(cluster_endpoints: Endpoints) -> AsyncIterator[DatabaseUrls]:
    """A database of the module's own: its tests are apart by the application they call as."""
    async with fresh_database(cluster_endpoints) as urls:
        yield urls


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(wire_urls: DatabaseUrls) -> AsyncIterator[Gateway]:
    limits = LimitsMode.OFF  # hundreds of tests share one address
    settings = Settings(public_url=BASE_URL, database_connections=4, limits=limits)
    built = await build_gateway(settings, wire_urls.serving_url, generate_key())
    yield built
    await close_gateway(built)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def owner(wire_urls: DatabaseUrls) -> AsyncIterator[asyncpg.Connection[Any]]:
    """A look behind the API, as the role that owns the tables."""
    connection = await asyncpg.connect(wire_urls.owner_url)
    yield connection
    await connection.close()


@pytest.fixture(scope="module")
def make_application(gateway: Gateway, owner: asyncpg.Connection[Any]) -> MakeApplication:
    """Makes an application of a merchant of its own; arguments are columns of the table."""

    async def make(**columns: Any) -> TestApplication:
        now = datetime.now(UTC)
        merchant_id, payee_id = new_id(now), new_id(now)
        application = TestApplication(new_id(now), f"np_test.{uuid.uuid4().hex}")
        await owner.execute("INSERT INTO merchants VALUES ($1, 'Shop', 'GB', $2)", merchant_id, now)
        await owner.execute(
            "INSERT INTO payees VALUES ($1, $2, 'John Doe', 'GB', 'MODELO',"
            " 'DE89370400440532013000', 'AACSDE33', $3)",
            payee_id,
            merchant_id,
            now,
        )
        row = {
            "id": application.id,
            "merchant_id": merchant_id,
            "name": "Shop",
            "dialect": "neopay",
            "environment": "sandbox",
            "payee_id": payee_id,
            "currency": "GBP",
            "requests_per_minute": 0,
            "lenient_json": True,
            "webhook_secret": b"sealed",
            "created_at": now,
            **columns,
        }
        places = ", ".join(f"${n}" for n in range(1, len(row) + 1))
        await owner.execute(
            f"INSERT INTO applications ({', '.join(row)}) VALUES ({places})", *row.values()
        )
        await owner.execute(
            "INSERT INTO api_keys (digest, application_id, role, prefix, created_at)"
            " VALUES ($1, $2, 'secret', 'np_test', $3)",
            hashlib.sha256(application.token.encode()).digest(),
            application.id,
            now,
        )
        await gateway.access.refresh()
        return application

    return make
