"""The bench's databases: a cluster in a temporary folder, filled by SQL."""

from __future__ import annotations

import hashlib
import random
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID, uuid4

import asyncpg

from bench.load import PAYERS
from bench.statements import APPLICATIONS, INSTITUTION
from guichet.domain.ids import new_id
from guichet.embedded.postgres import EmbeddedPostgres, Endpoints
from guichet.people import written
from guichet.store.migrate import migrate, serving_role
from guichet.store.sealed_payers import CUSTOMER, email_digest
from guichet.store.seals import people_with
from guichet.vault import Vault, generate_key

#: A time-ordered id of the house's layout (domain/ids.py) made from a number of ticks.
_ID = (
    "(lpad(to_hex(({ticks})::bigint), 12, '0') || '4' || substr(md5(random()::text), 1, 3)"
    " || 'a' || substr(md5(random()::text), 1, 15))::uuid"
)
_TICKS_NOW = "extract(epoch FROM now()) * 100000"

_FILL_CUSTOMERS = """
INSERT INTO customers (id, application_id, data_key, sealed, email_digest, search_keys, created_at,
    updated_at)
SELECT p.*, now(), now()
FROM unnest($1::uuid[], $2::uuid[], $3::bytea[], $4::bytea[], $5::bytea[], $6::bytea[]) AS p
"""
#: Spread over the last thirty days.
_FILL_PAYMENTS = f"""
INSERT INTO payments (id, application_id, environment, customer_id, payee_id, fee_rule_id, rail,
    institution_id, country, reference, amount_minor, currency, fee_minor, status, notify_url,
    request_key, request_hash, expires_at, expiry_check_at, created_at, updated_at)
SELECT {_ID.format(ticks=f"{_TICKS_NOW} - (30 * 86400 * 100000.0) * n / $1")}, c.application_id,
    'sandbox', c.id, $2, $3, 'open_banking', {INSTITUTION}, 'GB', 'reference', 12244, 'GBP', 86,
    'pending', 'https://merchant.example/callback', 'fill-' || n, sha256('h'),
    now() + interval '1 day', now() + interval '1 day', now(), now()
FROM generate_series($1::integer, 1, -1) n
JOIN (SELECT row_number() OVER (ORDER BY id) AS place, * FROM customers) c
    ON c.place = 1 + n % {PAYERS}
"""
_FILL_ATTEMPTS = f"""
WITH payment AS (
    INSERT INTO payments (id, application_id, environment, customer_id, payee_id, fee_rule_id,
        rail, institution_id, country, amount_minor, currency, fee_minor, status, notify_url,
        expires_at, expiry_check_at, created_at, updated_at)
    SELECT {_ID.format(ticks=f"{_TICKS_NOW} + n")}, c.application_id, 'sandbox', c.id, $2, $3,
        'open_banking', {INSTITUTION}, 'GB', 12244, 'GBP', 86, 'processing',
        'https://merchant.example/callback', now() + interval '1 day', now() + interval '1 day',
        now(), now()
    FROM generate_series(1, $1::integer) n
    JOIN (SELECT row_number() OVER (ORDER BY id) AS place, count(*) OVER () AS size, *
          FROM customers WHERE application_id = ANY($4::uuid[])) c
        ON c.place = 1 + n % c.size
    RETURNING id, application_id
)
INSERT INTO attempts (id, payment_id, application_id, environment, number, rail, institution_id,
    status, created_at, updated_at)
SELECT id, id, application_id, 'sandbox', 1, 'open_banking', {INSTITUTION}, 'waiting', now(), now()
FROM payment
RETURNING id
"""


@dataclass
class Filled:
    """A database with tables, applications (token -> id), payers and ``filled`` payments."""

    dsn: str
    owner_dsn: str
    tokens: dict[str, UUID]
    payee_id: UUID
    fee_rule_id: UUID
    filled: int = 0
    secret_key: str = field(default_factory=generate_key)

    @property
    def application_ids(self) -> list[UUID]:
        return list(self.tokens.values())

    async def run(self, sql: str, *arguments: object) -> list[asyncpg.Record]:
        """Run one statement as the owner, or several without arguments."""
        connection = await asyncpg.connect(self.owner_dsn)
        try:
            if arguments:
                records: list[asyncpg.Record] = await connection.fetch(sql, *arguments, timeout=600)
                return records
            await connection.execute(sql, timeout=600)
            return []
        finally:
            await connection.close()

    async def fill_payments(self, count: int) -> None:
        await self.run(_FILL_PAYMENTS, count, self.payee_id, self.fee_rule_id)
        await self.run("VACUUM (ANALYZE) payments")
        self.filled += count

    async def waiting_attempts(self, count: int, applications: list[UUID]) -> list[UUID]:
        """Attempts whose money can come, spread over ``applications``."""
        rows = await self.run(_FILL_ATTEMPTS, count, self.payee_id, self.fee_rule_id, applications)
        return [row["id"] for row in rows]

    async def payments(self, count: int) -> list[tuple[UUID, UUID]]:
        """Payments as (application id, id), each drawn from all: some come twice, as readers do."""
        rows = await self.run("SELECT application_id, id FROM payments LIMIT $1", self.filled)
        return [tuple(row) for row in random.choices(rows, k=count)]


@asynccontextmanager
async def cluster() -> AsyncIterator[tuple[Endpoints, int]]:
    """The embedded PostgreSQL with its own settings, and the postmaster's process id."""
    folder = Path(tempfile.mkdtemp(prefix="guichet-bench-"))
    postgres = EmbeddedPostgres(folder)
    try:
        endpoints = await postgres.start()
        assert postgres.pid is not None
        yield endpoints, postgres.pid
    finally:
        await postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)


async def fill(endpoints: Endpoints, name: str) -> Filled:
    """A new database ``name`` with the tables, the applications and the payers."""
    role = serving_role(endpoints.serving_dsn)
    superuser = await asyncpg.connect(endpoints.superuser_dsn)
    await superuser.execute(f"CREATE DATABASE {name} OWNER {serving_role(endpoints.owner_dsn)}")
    await superuser.close()
    owner_dsn = _of(endpoints.owner_dsn, name)
    await migrate(owner_dsn, role)
    tokens = {f"np_test.bench{n:02d}": uuid4() for n in range(APPLICATIONS)}
    filled = Filled(_of(endpoints.serving_dsn, name), owner_dsn, tokens, uuid4(), uuid4())
    merchant, now = uuid4(), datetime.now(UTC)
    await filled.run("INSERT INTO merchants VALUES ($1, 'Bench', 'GB', $2)", merchant, now)
    await filled.run(
        "INSERT INTO payees VALUES"
        " ($1, $2, 'John Doe', 'GB', 'MODELO', 'DE89370400440532013000', 'AACSDE33', $3)",
        filled.payee_id, merchant, now,
    )  # fmt: skip
    await filled.run(
        "INSERT INTO fee_rules VALUES ($1, 70, 0, NULL, NULL, $2)", filled.fee_rule_id, now
    )
    await filled.run(
        "INSERT INTO applications (id, merchant_id, name, dialect, environment, payee_id,"
        " fee_rule_id, currency, requests_per_minute, webhook_secret, created_at)"
        " SELECT id, $2, 'Bench', 'neopay', 'sandbox', $3, $4, 'GBP', 0, '', $5"
        " FROM unnest($1::uuid[]) AS n (id)",
        filled.application_ids, merchant, filled.payee_id, filled.fee_rule_id, now,
    )  # fmt: skip
    await filled.run(
        "INSERT INTO api_keys (digest, application_id, role, prefix, created_at)"
        " SELECT digest, id, 'secret', 'np_test', $3 FROM unnest($1::bytea[], $2::uuid[])"
        " AS n (digest, id)",
        [hashlib.sha256(token.encode()).digest() for token in tokens], filled.application_ids, now,
    )  # fmt: skip
    await fill_payers(filled)
    await filled.run("VACUUM (ANALYZE)")
    return filled


async def fill_payers(filled: Filled) -> None:
    """The payers, sealed as the server would seal them."""
    connection = await asyncpg.connect(filled.owner_dsn)
    try:
        people = await people_with(connection, Vault([filled.secret_key]))
    finally:
        await connection.close()
    rows = []
    for number in range(PAYERS):
        application_id = filled.application_ids[number % APPLICATIONS]
        email = f"payer{number:05d}@example.com"
        facts = {"email": email, "name": "Jhon Doe", "country": "GB", "currency": "GBP"}
        payer_id = new_id(datetime.now(UTC))
        key = people.new_key(payer_id)
        rows.append((
            payer_id, application_id, key.sealed, key.seal(CUSTOMER, written(facts)),
            email_digest(people, application_id, email), people.search_keys(application_id, facts),
        ))  # fmt: skip
    await filled.run(_FILL_CUSTOMERS, *map(list, zip(*rows, strict=True)))


def _of(dsn: str, database: str) -> str:
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{database}"))
