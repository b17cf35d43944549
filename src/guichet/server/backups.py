"""Backups of the database, by PostgreSQL's own programs; the secret keys are never among them."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

import asyncpg

from guichet.embedded import program
from guichet.server.errors import CannotServe
from guichet.server.operations import database_urls, open_vault
from guichet.server.parts import embedded_database
from guichet.settings import Settings
from guichet.store.examinations import sealed_examples
from guichet.store.migrate import is_empty, migrate, serving_role
from guichet.vault import SealBroken

_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C"}


async def back_up(settings: Settings, file: Path) -> int:
    """Write everything that the database holds to ``file``, readable by its owner alone.

    It is of one moment, and whole or not there. Answers its size in bytes. Raises ``CannotServe``.
    """
    fresh = file.with_name(f"{file.name}.part")
    async with database_urls(settings) as (_, owner_url):
        try:
            os.close(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
            # Row security would refuse the owner a dump; it shows the owner everything.
            options = ("--format=custom", "--enable-row-security", f"--file={fresh}")
            await _run("pg_dump", owner_url, *options)
        except OSError as error:
            raise CannotServe(f"{file} cannot be written: {error.strerror}") from error
        finally:
            done = fresh.exists() and fresh.stat().st_size > 0
            if not done:
                fresh.unlink(missing_ok=True)
    fresh.replace(file)
    return file.stat().st_size


async def restore(settings: Settings, file: Path) -> list[str]:
    """Fill an empty database from ``file``, then bring it to this version.

    Answers the names of the migrations that it lacked. All or nothing, except that keys which do
    not open what was restored are found afterwards. Raises ``CannotServe``.
    """
    if not file.is_file():
        raise CannotServe(f"{file} is not a file")
    vault = open_vault(settings)
    async with _untouched_urls(settings) as (serving_url, owner_url):
        connection = await asyncpg.connect(owner_url, timeout=10)
        try:
            if not await is_empty(connection):
                raise CannotServe(
                    "the database is not empty, and a restore overwrites nothing: name an empty "
                    "one, or a new folder by GUICHET_DATA_DIR"
                )
            options = ("--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges")
            await _run("pg_restore", owner_url, *options, f"--dbname=service={_SERVICE}", str(file))
            applied = await migrate(owner_url, serving_role(serving_url), lambda: vault)
            sealed = await sealed_examples(connection)
        finally:
            await connection.close()
    try:
        for each in sealed:
            vault.open(each)
    except SealBroken as error:
        raise CannotServe(
            "restored, but GUICHET_SECRET_KEYS (or secret.key in the data folder) does not open "
            "what is sealed in it: put the key of that time there, behind the new one"
        ) from error
    return applied


@asynccontextmanager
async def _untouched_urls(settings: Settings) -> AsyncIterator[tuple[str, str]]:
    """As ``database_urls``, but an embedded database is started without its tables."""
    if settings.database_url:
        async with database_urls(settings) as urls:
            yield urls
        return
    launcher = embedded_database(settings)
    endpoints = await launcher.start()  # refuses a folder that is in use
    try:
        yield endpoints.serving_dsn, endpoints.owner_dsn
    finally:
        await launcher.stop()


_SERVICE = "guichet"


async def _run(name: str, url: str, *options: str) -> None:
    """Run a program of PostgreSQL's; raises ``CannotServe`` with what it says."""
    with _service_file(url) as service_file:
        process = await asyncio.create_subprocess_exec(
            str(program(name)),
            *options,
            env={**_ENVIRONMENT, "PGSERVICEFILE": service_file, "PGSERVICE": _SERVICE},
            stdin=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        _, said = await process.communicate()
    if process.returncode != 0:
        raise CannotServe(f"{name} failed: {said.decode(errors='replace').strip()}")


@contextmanager
def _service_file(url: str) -> Iterator[str]:
    """A private file with the address: as an argument every user of the machine could read it."""
    parts = urlsplit(url)
    values = {
        "host": unquote(parts.hostname or ""),
        "port": str(parts.port or ""),
        "user": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "dbname": unquote(parts.path.lstrip("/")),
        **dict(parse_qsl(parts.query)),
    }
    with tempfile.NamedTemporaryFile("w", prefix="guichet-", suffix=".conf") as file:
        file.write(f"[{_SERVICE}]\n")
        file.writelines(f"{name}={value}\n" for name, value in values.items() if value)
        file.flush()
        yield file.name
