"""The roles of the embedded database, their passwords, and the database itself.

The server's role owns nothing: a hole in it cannot change tables, triggers or the past.
"""

from __future__ import annotations

import json
import secrets
from pathlib import Path

import asyncpg

from guichet.embedded.errors import CannotStart
from guichet.embedded.folder import write_private

DATABASE = "guichet"
SERVING = "guichet"
OWNER = "guichet_owner"
SUPERUSER = "postgres"


def passwords(path: Path, data: Path) -> dict[str, str]:
    """The password of each role by its name, made before the first start and kept at ``path``."""
    try:
        kept: dict[str, str] = json.loads(path.read_text())
    except FileNotFoundError:
        if data.exists():
            raise CannotStart(
                f"{path} is missing, and {data} cannot be opened without it: restore it from your "
                "backup, or set GUICHET_DATA_DIR to start afresh elsewhere"
            ) from None
        kept = {role: secrets.token_hex(32) for role in (SERVING, OWNER, SUPERUSER)}
        write_private(path, kept)
    return kept


async def ensure(superuser_dsn: str, passwords: dict[str, str]) -> None:
    """Make the roles and the database, as far as they are missing."""
    connection = await asyncpg.connect(superuser_dsn, timeout=10)
    try:
        for role in (OWNER, SERVING):
            if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
                # The password is ours: hexadecimal digits.
                await connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{passwords[role]}'")
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", DATABASE):
            await connection.execute(f"CREATE DATABASE {DATABASE} OWNER {OWNER}")
            await connection.execute(f"REVOKE ALL ON DATABASE {DATABASE} FROM PUBLIC")
            await connection.execute(f"GRANT CONNECT ON DATABASE {DATABASE} TO {SERVING}")
    finally:
        await connection.close()
