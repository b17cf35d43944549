"""Notices: stored first, believed never. A notice only makes us ask the provider."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from guichet import metrics
from guichet.domain.errors import NotFound
from guichet.domain.ids import new_id
from guichet.domain.orders import ProviderAccount
from guichet.domain.outcomes import Notice, Reply
from guichet.failpoints import reach
from guichet.gateway import Gateway
from guichet.rails.port import ForgedNotice, Inbound, RailUnavailable, UnknownEvent
from guichet.services.access import acting_for_owner
from guichet.services.attempts import provider_account, refresh_attempt
from guichet.store import notices
from guichet.store.queue import ClaimedNotice
from guichet.store.scope import acting_for
from guichet.vault import Vault

#: The account in the address of notices for a connector's default account.
DEFAULT_ACCOUNT = "default"

#: However many hints come, one attempt costs the provider one read in this time because of them.
_READ_GAP = timedelta(seconds=5)
#: Money that goes out is asked about so long after a hint: those that come meanwhile are one.
_HINT_GAP = timedelta(seconds=2)
#: Waits for an attempt that is not there yet, or a provider that cannot be asked; the last repeats.
_WAIT_SECONDS = (1, 2, 5, 10, 20, 30, 60, 60, 300, 900, 3600)
_GIVE_UP_AFTER = timedelta(hours=24)


async def receive_notice(gateway: Gateway, rail: str, environment: str, inbound: Inbound) -> None:
    """Verify a provider's notice and put what it names into the inbox; returns once it is stored.

    One of a type that nobody knows is kept as it came, for a person. Raises ``ForgedNotice``, and
    ``NotFound`` for a rail that is not connected. A repetition changes nothing.
    """
    try:
        connector = gateway.rails.get(rail, environment)
    except KeyError:
        raise NotFound("rail", rail) from None
    account_id = inbound.account.id if inbound.account else None
    evidence = hashlib.sha256(inbound.body).digest()
    try:
        named = connector.hear(inbound)
    except UnknownEvent:
        metrics.NOTICES.labels(rail, "unknown_event").inc()
        row = _row(gateway, rail, environment, None, inbound.body, evidence)
        async with gateway.database.bare_connection() as connection:
            await notices.keep(connection, row, notices.UNKNOWN_EVENT)
        return
    metrics.NOTICES.labels(rail, "kept").inc()
    reach("notice.verified")
    await keep_hints(gateway, rail, environment, account_id, named, evidence)
    reach("notice.stored")


def notice_url(
    base_url: str, vault: Vault, rail: str, environment: str, account_id: UUID | None
) -> str:
    """Where the provider of an account (None: the connector's default one) sends its notices.

    The address holds the account's token: whoever has it may knock, and is not believed yet.
    ``base_url`` is what stands before ``/notices``.
    """
    account = account_id.hex if account_id else DEFAULT_ACCOUNT
    token = vault.token("notices", _subject(rail, environment, account))
    return f"{base_url}/notices/{rail}/{environment}/{account}/{token}"


async def noticed_account(
    gateway: Gateway, rail: str, environment: str, account: str, token: str
) -> ProviderAccount | None:
    """The account that a notice's address names; None is the connector's default one.

    Raises ``ForgedNotice`` unless the token is the account's.
    """
    subject = _subject(rail, environment, account)
    if not gateway.vault.check("notices", subject, token):
        raise ForgedNotice
    if account == DEFAULT_ACCOUNT:
        return None  # a connector that has none will not believe it
    account_id = UUID(account)
    try:
        return provider_account(gateway, account_id)
    except KeyError:
        await gateway.access.refresh()  # it may be a moment old
    try:
        return provider_account(gateway, account_id)
    except KeyError:
        raise NotFound("account", account) from None


def _subject(rail: str, environment: str, account: str) -> bytes:
    return f"{rail}/{environment}/{account}".encode("utf-8", "surrogatepass")


async def keep_hints(
    gateway: Gateway,
    rail: str,
    environment: str,
    account_id: UUID | None,
    named: Iterable[Notice],
    evidence: bytes,
) -> None:
    """Put operations to be asked about into the inbox; returns once they are stored.

    Only attempts at the account (None: the connector's default one) will be asked about. The same
    hints with the same ``evidence`` change nothing.
    """
    account = account_id.hex if account_id else None
    contents = [
        {"key": each.attempt_key, "reference": each.provider_reference, "account": account}
        for each in named
    ]
    rows = [
        _row(gateway, rail, environment, None, _json(content), evidence) for content in contents
    ]
    async with gateway.database.bare_connection() as connection:
        await notices.insert(connection, rows)


async def keep_reply(
    gateway: Gateway, rail: str, environment: str, attempt_id: UUID, reply: Reply
) -> None:
    """Put what a payer's browser brought back to ``attempt_id`` into the inbox, once."""
    content = _json({"parameters": reply.parameters})
    row = _row(gateway, rail, environment, attempt_id, content, b"")
    async with gateway.database.bare_connection() as connection:
        await notices.insert(connection, [row])
    reach("reply.stored")


def _row(
    gateway: Gateway,
    rail: str,
    environment: str,
    attempt_id: UUID | None,
    plain: bytes,
    evidence: bytes,
) -> notices.NewNotice:
    name = attempt_id.bytes if attempt_id else b""
    now = gateway.clock.now()
    return notices.NewNotice(
        id=new_id(now),
        rail=rail,
        environment=environment,
        dedupe_key=hashlib.sha256(b"\0".join((evidence, name, plain))).hexdigest(),
        attempt_id=attempt_id,
        content=gateway.vault.seal(plain),
        received_at=now,
    )


def _json(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, sort_keys=True).encode()


async def handle_notice(gateway: Gateway, claimed: ClaimedNotice) -> str:
    """Work off one claimed notice; returns what became of it.

    ``passed_on`` (a transfer or refund, which the worker asks about next), ``asked`` (the provider
    was), ``covered`` (a later read did already), ``deferred`` (the provider was asked a moment
    ago), ``parked`` (no such attempt yet), ``unavailable``, or ``dropped`` after a day.
    """
    content = json.loads(gateway.vault.open(claimed.content))
    if claimed.attempt_id is not None:
        async with acting_for_owner(gateway, "attempt", claimed.attempt_id):
            return await _ask(gateway, claimed, claimed.attempt_id, content)
    named = await _find(gateway, claimed, content)
    if named is None:
        return await _try_later(gateway, claimed, "parked", "no such attempt", _READ_GAP)
    with acting_for(named.application_id):
        if named.kind == "attempt":
            return await _ask(gateway, claimed, named.id, content)
        return await _hint_money_out(gateway, claimed, named)


async def _ask(
    gateway: Gateway, claimed: ClaimedNotice, attempt_id: UUID, content: Mapping[str, Any]
) -> str:
    parameters = content.get("parameters")
    # What a browser brought back is needed to go on, so it waits for no turn but takes one.
    gap = timedelta() if parameters is not None else _READ_GAP
    now = gateway.clock.now()
    # Nor is a hint answered by the read that was made for itself and failed.
    since = claimed.received_at if claimed.tries == 0 else now
    async with gateway.database.connection() as connection:
        last = await notices.take_turn(connection, attempt_id, now, gap, since)
        if last is not None and parameters is None:
            if claimed.received_at <= last:
                await notices.close(connection, claimed.id, claimed.claim, now)
                return "covered"
            until = last + _READ_GAP
            await notices.put_off(connection, claimed.id, claimed.claim, until, tried=False)
            return "deferred"
    try:
        await refresh_attempt(
            gateway, attempt_id, None if parameters is None else Reply(parameters)
        )
    except RailUnavailable:
        return await _try_later(
            gateway, claimed, "unavailable", "the provider cannot be asked", gap
        )
    reach("notice.worked_off")
    async with gateway.database.connection() as connection:
        await notices.close(connection, claimed.id, claimed.claim, gateway.clock.now())
    return "asked"


async def _find(
    gateway: Gateway, claimed: ClaimedNotice, content: Mapping[str, Any]
) -> notices.Noticed | None:
    async with gateway.database.bare_connection() as connection:
        return await notices.find(
            connection,
            claimed.rail,
            claimed.environment,
            as_id(content.get("account")),
            as_id(content.get("key")),
            content.get("reference"),
        )


async def _hint_money_out(gateway: Gateway, claimed: ClaimedNotice, named: notices.Noticed) -> str:
    """Bring the worker's next look at a transfer or refund forward, and close its notice."""
    now = gateway.clock.now()
    async with gateway.database.connection() as connection:
        await notices.hint_money_out(connection, named, now + _HINT_GAP)
        await notices.close(connection, claimed.id, claimed.claim, now)
    return "passed_on"


def as_id(key: str | None) -> UUID | None:
    """The id that a provider-facing key stands for; None for what is no such key."""
    try:
        return UUID(key) if key else None
    except ValueError:
        return None


async def _try_later(
    gateway: Gateway, claimed: ClaimedNotice, outcome: str, error: str, gap: timedelta
) -> str:
    now = gateway.clock.now()
    wait = timedelta(seconds=_WAIT_SECONDS[min(claimed.tries, len(_WAIT_SECONDS) - 1)])
    until = now + max(wait, gap)
    async with gateway.database.bare_connection() as connection:
        if until > claimed.received_at + _GIVE_UP_AFTER:
            await notices.close(connection, claimed.id, claimed.claim, now, error)
            return "dropped"
        await notices.put_off(connection, claimed.id, claimed.claim, until, error)
    return outcome
