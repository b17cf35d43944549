"""``guichet doctor``: whether an installation can be trusted with money, and what to do if not."""

from __future__ import annotations

import json
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

import asyncpg

from guichet.outbound.client import GuardedClient, NoAnswer, NotSent
from guichet.outbound.policy import ANYWHERE, RefusedAddress
from guichet.server.certificates import account_problems, file_problems
from guichet.server.errors import CannotServe
from guichet.server.operations import database_urls, open_vault
from guichet.server.parts import database_problems
from guichet.settings import Settings
from guichet.store import access, audit, checks, examinations
from guichet.store.database import Connection
from guichet.vault import SealBroken, Vault

_SKEW_MAX = timedelta(seconds=2)
_LATE = timedelta(minutes=5)
_LATELY = timedelta(days=7)
_TO_APPROVE = "transfers to be approved: guichet transfer list"
_FREE_BYTES_MIN = 1 << 30
_REACH_SECONDS = 5.0
#: A serving process, a worker and a command, as many as their settings say.
_PROCESSES = 3


class Verdict(StrEnum):
    """What a check came to; ``WRONG`` alone makes the installation unfit."""

    FINE = "fine"
    MIND = "mind"
    WRONG = "wrong"


class Finding(NamedTuple):
    """What was looked at, and what was seen there."""

    name: str
    verdict: Verdict
    said: str


@dataclass(frozen=True)
class Patient:
    """An installation whose database can be asked; ``sees_all``: as the owner."""

    settings: Settings
    connection: Connection
    vault: Vault
    sees_all: bool


async def examine(settings: Settings) -> list[Finding]:
    """Every check that can be made, in the order in which one would mend what they find.

    Raises ``CannotServe`` and ``embedded.CannotStart`` where there is nothing to look at.
    """
    found = [*_settings(settings), *_proxies(settings), *_disk(settings)]
    vault = None
    try:
        vault = open_vault(settings)
    except CannotServe as error:
        found.append(Finding("secret keys", Verdict.WRONG, str(error)))
    async with database_urls(settings) as (serving_url, owner_url):
        problems = await database_problems(serving_url)
        found += [Finding("database", Verdict.WRONG, said) for said in problems]
        if problems or vault is None:
            return found
        found.append(Finding("database", Verdict.FINE, "it keeps what it commits"))
        connection = await asyncpg.connect(owner_url, timeout=10)
        try:
            patient = Patient(settings, connection, vault, owner_url != serving_url)
            found += [each async for each in _with_database(patient)]
        finally:
            await connection.close()
    return found


def _settings(settings: Settings) -> Iterator[Finding]:
    problems = file_problems(settings, datetime.now(UTC))
    if bool(settings.yapily_live_id) != bool(settings.yapily_live_secret):
        problems.append("GUICHET_YAPILY_LIVE_ID and _SECRET go together: live payments are off")
    for said in problems:
        yield Finding("settings", Verdict.WRONG, said)
    if not problems:
        yield Finding("settings", Verdict.FINE, "files and certificates can be used")


def _proxies(settings: Settings) -> Iterator[Finding]:
    """Whether clients can be told apart: where TLS ends before us, a proxy stands before us."""
    if settings.base_url.startswith("https:") and not settings.trusted_proxies:
        said = (
            "the public address is https, so a proxy stands before the server: name its network in "
            "GUICHET_TRUSTED_PROXIES, or limits by address count all clients as one"
        )
        yield Finding("proxies", Verdict.MIND, said)


def _disk(settings: Settings) -> Iterator[Finding]:
    if settings.database_url or not settings.data_dir.exists():
        return
    free_bytes = shutil.disk_usage(settings.data_dir).free
    few = free_bytes < _FREE_BYTES_MIN
    said = f"{free_bytes >> 20} MiB are free under {settings.data_dir}"
    yield Finding("disk", Verdict.MIND if few else Verdict.FINE, said)


async def _with_database(patient: Patient) -> AsyncIterator[Finding]:
    checks = (
        _keys,
        _clock,
        _connections,
        _accounts,
        _addresses,
        _work,
        _people,
        _providers_words,
        _receivers,
        _books,
    )
    for check in checks:
        async for finding in check(patient):
            yield finding
    if not patient.sees_all:
        said = "set GUICHET_OWNER_DATABASE_URL: the serving role does not see merchants' rows"
        yield Finding("rows", Verdict.MIND, said)


async def _keys(patient: Patient) -> AsyncIterator[Finding]:
    """Whether the secret keys open what is sealed."""
    try:
        sealed = await examinations.sealed_examples(patient.connection)
        for each in sealed:
            patient.vault.open(each)
    except SealBroken:
        said = "none of GUICHET_SECRET_KEYS opens what is sealed: put the old key behind the new"
        yield Finding("secret keys", Verdict.WRONG, said)
    else:
        yield Finding("secret keys", Verdict.FINE, f"they open {len(sealed)} sealed contents")


async def _clock(patient: Patient) -> AsyncIterator[Finding]:
    """Whether this machine and the database agree what time it is."""
    skew = abs(await checks.database_time(patient.connection) - datetime.now(UTC))
    said = f"this machine's clock and the database's differ by {skew.total_seconds():.1f} s"
    yield Finding("clock", Verdict.WRONG if skew > _SKEW_MAX else Verdict.FINE, said)


async def _connections(patient: Patient) -> AsyncIterator[Finding]:
    """Whether the database has room for a serving process, a worker and a command."""
    room = await examinations.connections_left(patient.connection)
    needed = patient.settings.database_connections * _PROCESSES
    said = f"the database has room for {room} more connections"
    few = room < needed
    advice = f": raise max_connections or lower GUICHET_DATABASE_CONNECTIONS ({needed} are wanted)"
    yield Finding("connections", Verdict.MIND if few else Verdict.FINE, said + advice * few)


async def _accounts(patient: Patient) -> AsyncIterator[Finding]:
    """Whether accounts at providers can be used, and their providers reached."""
    for said in await account_problems(patient.connection, patient.vault, datetime.now(UTC)):
        yield Finding("accounts", Verdict.WRONG, said)
    urls = set()
    for sealed in await examinations.account_settings(patient.connection):
        try:
            urls.add(str(json.loads(patient.vault.open(sealed)).get("base_url", "")))
        except SealBroken:
            continue  # said by _keys
    if patient.settings.yapily_live_id:
        urls.add(patient.settings.yapily_live_url)
    async with _client() as client:
        for url in sorted(urls - {""}):
            yield await _reach(client, "providers", url)


async def _addresses(patient: Patient) -> AsyncIterator[Finding]:
    """Whether payers and providers reach us where we say."""
    if not patient.settings.public_url:
        return
    async with _client() as client:
        yield await _reach(client, "public address", f"{patient.settings.base_url}/livez", 200)


@asynccontextmanager
async def _client() -> AsyncIterator[GuardedClient]:
    client = GuardedClient()
    try:
        yield client
    finally:
        await client.aclose()


async def _reach(client: GuardedClient, name: str, url: str, status: int | None = None) -> Finding:
    """Whether something answers at ``url``, without showing it who we are."""
    try:
        answer = await client.send("GET", url, policy=ANYWHERE, timeout_seconds=_REACH_SECONDS)
    except (RefusedAddress, NotSent, NoAnswer) as error:
        return Finding(name, Verdict.WRONG, f"{url} cannot be reached: {error}")
    if status is not None and answer.status != status:
        return Finding(name, Verdict.WRONG, f"{url} answers {answer.status}: is it this server?")
    return Finding(name, Verdict.FINE, f"{url} answers")


async def _work(patient: Patient) -> AsyncIterator[Finding]:
    """Whether due work is done."""
    now = datetime.now(UTC)
    late = [
        f"{backlog.depth} of {backlog.queue}"
        for backlog in await examinations.backlogs(patient.connection, now)
        if backlog.oldest_due_at is not None and backlog.oldest_due_at < now - _LATE
    ]
    if late:
        said = f"due for more than 5 minutes: {', '.join(late)}. Does `guichet work` run?"
        yield Finding("work", Verdict.WRONG, said)
    else:
        yield Finding("work", Verdict.FINE, "nothing waits for more than 5 minutes")


async def _people(patient: Patient) -> AsyncIterator[Finding]:
    """Whether money waits for a person to act."""
    waiting = await examinations.waiting_for_a_person(patient.connection)
    todo = {"payout": "payouts to be sent: guichet payout list", "transfer": _TO_APPROVE}
    for purpose, count in waiting.items():
        yield Finding("people", Verdict.MIND, f"{count} {todo[purpose]}")
    if not waiting:
        yield Finding("people", Verdict.FINE, "no payout and no transfer waits for a person")


async def _providers_words(patient: Patient) -> AsyncIterator[Finding]:
    """Whether providers told of what their connectors do not know."""
    unknown = await examinations.unknown_events(patient.connection, datetime.now(UTC) - _LATELY)
    if unknown:
        said = f"told of events that are not known here, in the last week: {', '.join(unknown)}"
        yield Finding("notices", Verdict.MIND, said)
    else:
        yield Finding("notices", Verdict.FINE, "providers told of nothing unknown in the last week")


async def _receivers(patient: Patient) -> AsyncIterator[Finding]:
    """Whether merchants' endpoints take what they are sent."""
    failing = await examinations.failing_endpoints(patient.connection)
    if failing:
        said = f"{failing} endpoints fail or were disabled: guichet webhook deliveries"
        yield Finding("webhooks", Verdict.MIND, said)
    else:
        yield Finding("webhooks", Verdict.FINE, "no endpoint fails")


async def _books(patient: Patient) -> AsyncIterator[Finding]:
    """Whether the books agree, as far as that can be seen at a glance, and what waits there."""
    wrong = await audit.glance(patient.connection)
    for each in wrong:
        yield Finding("books", Verdict.WRONG, f"{each.invariant}: {each.what}")
    because = await access.halted_because(patient.connection)
    if because:
        said = f"no new money moves ({because}): guichet ledger audit, then guichet ledger resume"
        yield Finding("books", Verdict.WRONG, said)
    for account in await examinations.suspense(patient.connection):
        said = f"{account} in suspense wait for a person: guichet suspense list"
        yield Finding("books", Verdict.MIND, said)
    if not wrong and not because:
        yield Finding("books", Verdict.FINE, "they agree at a glance; whole: guichet ledger audit")
