"""Delivering events: rendered once, signed anew for every try, sent as stored."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from guichet.domain.access import Environment
from guichet.domain.deliveries import Fate, Result, after_try
from guichet.failpoints import reach
from guichet.gateway import Gateway
from guichet.logs import REQUEST_ID
from guichet.outbound.client import Answer, NoAnswer, NotSent
from guichet.outbound.policy import ANYWHERE, PUBLIC_ONLY, RefusedAddress
from guichet.services.endpoints import note_result
from guichet.services.face import Face, SigningKeys
from guichet.services.subjects import read_subject
from guichet.store import deliveries
from guichet.store.queue import ClaimedDelivery

_ANSWER_CHARACTERS_KEPT = 1000
_GONE = 410
#: What a delivery came to when somebody else had taken it over meanwhile.
LOST = "lost"


async def deliver(gateway: Gateway, claimed: ClaimedDelivery) -> str:
    """Try a claimed delivery once and record what came of it.

    Returns the delivery's status after the try (``pending``: tried again later), or ``LOST`` when
    the lease ran out on the way and nothing was recorded. No transaction is open while it sends.
    """
    face: Face = gateway.faces[claimed.dialect]
    REQUEST_ID.set(claimed.request_id or "")
    body = await _kept(gateway, claimed)
    if body is None and claimed.is_open:
        body = await _render(gateway, face, claimed)
        reach("delivery.rendered")
        if body is not None and not await _keep(gateway, claimed, body):
            return LOST
    if body is None or not claimed.is_open:
        return await _discard(gateway, claimed)
    reach("delivery.kept")
    sent_at = gateway.clock.now()
    headers = face.signature_headers(
        _opened_keys(gateway, claimed, sent_at), body, str(claimed.event_id), sent_at
    )
    started = time.monotonic()
    reception = await _send(gateway, claimed, headers, body)
    reach("delivery.sent")
    duration_ms = round((time.monotonic() - started) * 1000)
    now = gateway.clock.now()
    fate = after_try(
        reception.result,
        claimed.tries + 1,
        now,
        random.random(),  # noqa: S311 - jitter is no secret
        _wait_seconds(reception.retry_after, now),
    )
    sent = deliveries.Try(
        sent_at, duration_ms, reception.status_code, reception.error, reception.text
    )
    held = await _record(gateway, claimed, sent, fate, reception.result, now)
    reach("delivery.recorded")
    return fate.status if held else LOST


async def _render(gateway: Gateway, face: Face, claimed: ClaimedDelivery) -> bytes | None:
    async with gateway.database.connection() as connection:
        event = await deliveries.read_event(connection, claimed.event_id)
        subject = await read_subject(connection, event)
    return face.render_event(gateway, event, subject, claimed.events)


async def _kept(gateway: Gateway, claimed: ClaimedDelivery) -> bytes | None:
    """What was sent before; None before the first try, and once who it is about was erased."""
    if claimed.body is None:
        return None
    async with gateway.database.connection() as connection:
        return await deliveries.open_body(connection, claimed.event_id, claimed.body)


async def _keep(gateway: Gateway, claimed: ClaimedDelivery, body: bytes) -> bool:
    async with gateway.database.connection() as connection:
        return await deliveries.keep_body(
            connection, claimed.id, claimed.claim, claimed.event_id, body
        )


async def _discard(gateway: Gateway, claimed: ClaimedDelivery) -> str:
    now = gateway.clock.now()
    async with gateway.database.connection() as connection:
        held = await deliveries.discard(connection, claimed.id, claimed.claim, now)
    return "discarded" if held else LOST


def _opened_keys(gateway: Gateway, claimed: ClaimedDelivery, now: datetime) -> SigningKeys:
    sealed = [claimed.secret] if claimed.secret else []
    until = claimed.former_secret_until
    if claimed.former_secret and until is not None and now < until:
        sealed.append(claimed.former_secret)
    private_key = claimed.private_key
    return SigningKeys(
        gateway.vault.open(claimed.webhook_secret),
        gateway.vault.open(private_key) if private_key else None,
        tuple(map(gateway.vault.open, sealed)),
        claimed.profile or "all",
    )


async def _record(
    gateway: Gateway,
    claimed: ClaimedDelivery,
    sent: deliveries.Try,
    fate: Fate,
    result: Result,
    now: datetime,
) -> bool:
    """Write the try and, with it, what it says about the endpoint's health."""
    finished_at = None if fate.status == "pending" else now
    async with gateway.database.transaction() as tx:
        held = await deliveries.record_try(tx, claimed.id, claimed.claim, sent, fate, finished_at)
        if held and claimed.endpoint_id is not None:
            await note_result(tx, claimed.endpoint_id, result, now)
    return held


class _Reception(NamedTuple):
    result: Result
    status_code: int | None = None
    error: str | None = None
    text: str | None = None
    retry_after: str | None = None


async def _send(
    gateway: Gateway, claimed: ClaimedDelivery, headers: Mapping[str, str], body: bytes
) -> _Reception:
    live = claimed.environment == Environment.LIVE
    try:
        answer = await gateway.http.send(
            "POST",
            claimed.url,
            policy=PUBLIC_ONLY if live else ANYWHERE,
            about="webhook",
            timeout_seconds=gateway.settings.webhook_timeout_seconds,
            headers={**headers, "x-request-id": claimed.request_id}
            if claimed.request_id
            else headers,
            body=body,
        )
    except (RefusedAddress, NotSent, NoAnswer) as error:
        # The client's messages are fixed sentences: they tell nothing about what lies there.
        return _Reception(Result.FAILED, error=str(error))
    return _Reception(
        _result(answer.status),
        answer.status,
        text=_beginning(answer),
        retry_after=answer.headers.get("retry-after"),
    )


def _result(status: int) -> Result:
    if 200 <= status < 300:
        return Result.TAKEN
    return Result.GONE if status == _GONE else Result.FAILED


def _beginning(answer: Answer) -> str:
    text = answer.body[: 4 * _ANSWER_CHARACTERS_KEPT].decode("utf-8", "replace")
    return text[:_ANSWER_CHARACTERS_KEPT].replace("\0", "\N{REPLACEMENT CHARACTER}")


def _wait_seconds(retry_after: str | None, now: datetime) -> float | None:
    """``Retry-After`` as seconds, whether it came as a number or as a date; None if as neither."""
    if retry_after is None:
        return None
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - now).total_seconds()
