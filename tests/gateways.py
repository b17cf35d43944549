"""Gateways for tests: the real thing on a database of the test's own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import UUID

import asyncpg

from guichet.bootstrap import build_gateway, close_gateway
from guichet.domain.access import Caller, KeyRole
from guichet.domain.clock import Clock
from guichet.gateway import Gateway
from guichet.settings import Settings
from guichet.vault import Vault

SECRET_KEY = "dGVzdHMgb25seSwgbmV2ZXIgYSByZWFsIHNlY3JldCE="
WEBHOOK_SECRET = b"whsec_dGVzdHMgb25seSwgbm90IGEgc2VjcmV0IQ=="
PAYEE_ID = UUID("99639000-0000-4000-8000-000000000001")
FEE_RULE_ID = UUID("99639000-0000-4000-8000-000000000002")
MERCHANT_ID = UUID("99639000-0000-4000-8000-000000000003")
APPLICATION_ID = UUID("99639000-0000-4000-8000-000000000004")
OTHER_APPLICATION_ID = UUID("99639000-0000-4000-8000-000000000005")
#: The tokens of the two applications; their x-app-key is the application's id.
TOKEN = "np_test.tests"
OTHER_TOKEN = "np_test.others"


async def seed(owner_url: str) -> None:
    """Two sandbox applications of the Neopay dialect: the second has a fee of 2 % + 10."""
    now = datetime.now(UTC)
    sealed = Vault([SECRET_KEY]).seal(WEBHOOK_SECRET)
    connection = await asyncpg.connect(owner_url)
    try:
        await connection.execute(
            "INSERT INTO merchants (id, name, country, created_at) VALUES ($1, 'Tests', 'GB', $2)",
            MERCHANT_ID,
            now,
        )
        await connection.execute(
            "INSERT INTO payees VALUES ($1, $2, 'John Doe', 'GB', 'MODELO',"
            " 'DE89370400440532013000', 'AACSDE33', $3)",
            PAYEE_ID,
            MERCHANT_ID,
            now,
        )
        await connection.execute(
            "INSERT INTO fee_rules (id, percent_bps, fixed_minor, created_at)"
            " VALUES ($1, 200, 10, $2)",
            FEE_RULE_ID,
            now,
        )
        for application_id, fee_rule_id, token in (
            (APPLICATION_ID, None, TOKEN),
            (OTHER_APPLICATION_ID, FEE_RULE_ID, OTHER_TOKEN),
        ):
            await connection.execute(
                "INSERT INTO applications (id, merchant_id, name, dialect, environment, payee_id,"
                " fee_rule_id, currency, requests_per_minute, lenient_json, webhook_secret,"
                " created_at) VALUES ($1, $2, 'Tests', 'neopay', 'sandbox', $3, $4, 'GBP', 0,"
                " true, $5, $6)",
                application_id,
                MERCHANT_ID,
                PAYEE_ID,
                fee_rule_id,
                sealed,
                now,
            )
            await connection.execute(
                "INSERT INTO api_keys (digest, application_id, role, prefix, created_at)"
                " VALUES (sha256($1), $2, 'secret', 'np_test.', $3)",
                token.encode(),
                application_id,
                now,
            )
    finally:
        await connection.close()


@asynccontextmanager
async def running_gateway(
    serving_url: str,
    settings: Settings | None = None,
    clock: Clock | None = None,
    secret_keys: str = SECRET_KEY,
) -> AsyncIterator[Gateway]:
    """A gateway on a seeded database."""
    gateway = await build_gateway(settings or Settings(), serving_url, secret_keys, clock)
    try:
        yield gateway
    finally:
        await close_gateway(gateway)


def caller_of(gateway: Gateway, application_id: UUID = APPLICATION_ID) -> Caller:
    """The application as a caller with its secret key."""
    application = gateway.access.application(application_id)
    assert application is not None
    return Caller(application, KeyRole.SECRET)
