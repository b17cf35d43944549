"""``guichet webhook``: what endpoints were sent, sending it again, secrets and signatures."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from cyclopts import App

from guichet.commands.common import now, read_settings, with_database
from guichet.dialects.notchpay.ids import read_id
from guichet.domain.errors import GuichetError, Invalid, NotFound
from guichet.server import operations
from guichet.services.endpoints import rotate_secret
from guichet.services.signature_checks import examine
from guichet.store import deliveries as store
from guichet.store import endpoints
from guichet.store.database import Connection
from guichet.store.deliveries import DeliveryRow, Try
from guichet.store.seals import people_with

webhooks = App(name="webhook", help="Webhook endpoints: what they were sent, and signatures.")

_ANSWER_CHARACTERS_SHOWN = 200


class Unreadable(GuichetError):
    """A file cannot be read."""


@webhooks.command(name="deliveries")
def list_deliveries(endpoint: str, *, limit: int = 20, bodies: bool = False) -> None:
    """List what an endpoint was sent, newest first, with each try and its answer.

    Parameters
    ----------
    endpoint
        Its id: as the API shows it, or the UUID.
    bodies
        Show what was sent, too.
    """
    endpoint_id = _endpoint_id(endpoint)

    async def read(connection: Connection) -> list[tuple[DeliveryRow, list[Try]]]:
        if await endpoints.any_by_id(connection, endpoint_id) is None:
            raise NotFound("endpoint", endpoint)
        rows = await store.log_page(connection, endpoint_id, limit)
        if bodies:
            rows = await _opened(connection, rows)
        return [(row, await store.tries_of(connection, row.id)) for row in rows]

    for row, tries in with_database(read):
        again = f", again at {_moment(row.next_attempt_at)}" if row.next_attempt_at else ""
        print(f"{row.id}  {_moment(row.created_at)}  {row.event_type}  {row.status}{again}")
        print(f"  POST {row.url}  event {row.event_id}")
        if bodies and row.body is not None:
            print(f"  {row.body.decode()}")
        for each in tries:
            print(f"  {_moment(each.sent_at)}  {_told(each)}")


async def _opened(connection: Connection, rows: Sequence[DeliveryRow]) -> list[DeliveryRow]:
    people = await people_with(connection, operations.open_vault(read_settings()))
    opened = []
    for row in rows:
        body = row.body and await store.open_body(connection, row.event_id, row.body, people)
        opened.append(row._replace(body=body))
    return opened


@webhooks.command
def redeliver(
    delivery: UUID | None = None,
    *,
    failed: bool = False,
    since: datetime | None = None,
    until: datetime | None = None,
    endpoint: str | None = None,
) -> None:
    """Send one delivery again, or all that failed; the worker does it, with the same id and bytes.

    Parameters
    ----------
    delivery
        The id of one delivery, whatever became of it.
    failed
        All that were not taken of those made from `--since` (a day ago) and before `--until` (now).
    since
        A moment, in UTC unless it says otherwise: 2026-01-31T12:00.
    endpoint
        Of one endpoint alone.
    """
    if (delivery is None) is not failed:
        raise Invalid("delivery", "name one, or say --failed")
    moment = now()
    first = _in_utc(since) or moment - timedelta(days=1)
    last = _in_utc(until) or moment + timedelta(seconds=1)
    endpoint_id = _endpoint_id(endpoint) if endpoint else None

    async def again(connection: Connection) -> int:
        if delivery is None:
            found = await store.send_failed_again(connection, first, last, moment, endpoint_id)
        else:
            found = await store.send_again(connection, delivery, moment)
            if not found:
                raise NotFound("delivery that is not on its way", str(delivery))
        return len(found)

    print(f"due now: {with_database(again)}")


@webhooks.command
def rotate(endpoint: str, *, overlap_hours: float = 24) -> None:
    """Give an endpoint a new secret, shown once.

    Parameters
    ----------
    overlap_hours
        How long the old secret signs beside the new one; 0 if it is known to others.
    """
    endpoint_id, vault = _endpoint_id(endpoint), operations.open_vault(read_settings())
    overlap = timedelta(hours=overlap_hours)

    async def replace(connection: Connection) -> str:
        return await rotate_secret(connection, vault, endpoint_id, now(), overlap)

    print(with_database(replace))


@webhooks.command
def verify(*, secret_file: Path, headers_file: Path, body_file: Path) -> None:
    """Say whether a delivery's signatures are right, and if not, which part is wrong.

    Needs no database. Ends with an error unless one signature is right.

    Parameters
    ----------
    secret_file
        The secrets, one a line: an endpoint's (whsec_…), the hash key, the private key.
    headers_file
        The headers as they came, one a line.
    body_file
        The body, byte for byte as it came.
    """
    secrets = [line.strip() for line in _text(secret_file).splitlines() if line.strip()]
    if not secrets:
        raise Invalid("secret-file", "it holds no secret")
    lines = (line.partition(":") for line in _text(headers_file).splitlines())
    headers = {name.strip(): value.strip() for name, colon, value in lines if colon}
    findings = examine(secrets, headers, _bytes(body_file), time.time())
    for finding in findings:
        print(f"{finding.header}: {'right' if finding.is_valid else 'WRONG'}: {finding.text}")
    if not any(finding.is_valid for finding in findings):
        sys.exit(1)


def _endpoint_id(text: str) -> UUID:
    found = read_id("endpoint", text)
    if found is not None:
        return found
    try:
        return UUID(text)
    except ValueError as error:
        raise NotFound("endpoint", text) from error


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Unreadable(f"{path} cannot be read: {error.strerror}") from error


def _text(path: Path) -> str:
    return _bytes(path).decode("utf-8", "replace")


def _in_utc(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _told(each: Try) -> str:
    if each.status_code is None:
        return f"{each.error} ({each.duration_ms} ms)"
    answer = " ".join((each.answer or "").split())[:_ANSWER_CHARACTERS_SHOWN]
    return f"{each.status_code} ({each.duration_ms} ms)  {answer}".rstrip()
