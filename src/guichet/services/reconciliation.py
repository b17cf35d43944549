"""Reconciliation: what a provider's own list says, beside what we know. The net under lost notices.

A list is read from where the former read ended, and moves no money: what it names and our attempts
do not show goes into the inbox as hints. That is how payments whose notice was lost, late payments
and money taken back by the rail are found.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from guichet import metrics
from guichet.domain.ids import created_at, new_id
from guichet.domain.outcomes import Notice
from guichet.failpoints import reach
from guichet.gateway import Gateway
from guichet.rails.port import RailUnavailable, ReconcilingRail
from guichet.services.attempts import provider_account
from guichet.services.lost_orders import book_lost
from guichet.services.notices import as_id, keep_hints
from guichet.store import queue, reconciliations
from guichet.store.queue import ClaimedReconciliation
from guichet.store.reconciliations import KnownOperation, ReconciledAccount

_log = logging.getLogger(__name__)

#: Lists are read this far back again: what a provider books late must not fall between two reads.
OVERLAP = timedelta(hours=1)
#: After a long absence the list is read in pieces of this length.
_PIECE = timedelta(days=1)
#: Money of a payment may come back for 80 days, and be asked back for 90.
WATCH_REPLACED = timedelta(days=100)
_FIRST_READ = timedelta(seconds=5)
#: Waits after reads that failed; the last repeats.
_RETRY_SECONDS = (30, 60, 120, 300, 900, 3600)
_SHOWN = frozenset({"done", "reversed"})


def accounts_to_read(gateway: Gateway) -> set[ReconciledAccount]:
    """Every account in use whose provider lists what happened, connectors' defaults included."""
    found = set()
    for (name, environment), rail in gateway.rails.items():
        if not isinstance(rail, ReconcilingRail):
            continue
        if not rail.card.needs_account:
            found.add(ReconciledAccount(name, environment, None))
        for application, account_id in gateway.access.accounts(name):
            if application.environment == environment:
                found.add(ReconciledAccount(name, environment, account_id))
    return found


async def plan_reconciliations(
    gateway: Gateway, planned: Collection[ReconciledAccount] = frozenset()
) -> set[ReconciledAccount]:
    """Have the lists of all accounts but the ``planned`` ones read soon; returns all accounts."""
    accounts = accounts_to_read(gateway)
    new = sorted(accounts.difference(planned), key=repr)
    if new:
        now = gateway.clock.now()
        ids = [new_id(now) for _ in new]
        async with gateway.database.bare_connection() as connection:
            await reconciliations.plan(connection, ids, new, now, now + _FIRST_READ)
    return accounts


async def reconcile(gateway: Gateway, claimed: ClaimedReconciliation) -> str:
    """Read a claimed list on; returns what came of it.

    ``agrees`` (it names nothing new), ``hinted``, ``unavailable``, or ``lost`` with the lease.
    """
    now = gateway.clock.now()
    since = claimed.read_until - OVERLAP
    until = min(now, claimed.read_until + _PIECE)
    try:
        hints = await _differences(gateway, claimed, since, until)
    except RailUnavailable as error:
        if claimed.failures == 0:
            _log.warning("movements of %s cannot be read, trying again: %s", claimed.rail, error)
        outcome, read_until, failures = "unavailable", claimed.read_until, claimed.failures + 1
        seconds = _RETRY_SECONDS[min(claimed.failures, len(_RETRY_SECONDS) - 1)]
        again_at = now + timedelta(seconds=seconds)
    else:
        outcome = "hinted" if hints else "agrees"
        read_until, failures = until, 0
        pause = timedelta(seconds=gateway.settings.reconcile_seconds)
        again_at = now + pause if until == now else now
    held = await queue.finish_reconciliation(
        gateway.database, claimed, read_until, failures, again_at, now - WATCH_REPLACED
    )
    return outcome if held else "lost"


async def _differences(
    gateway: Gateway, claimed: ClaimedReconciliation, since: datetime, until: datetime
) -> int:
    """Put what the list says and we do not show into the inbox; returns how much that is."""
    try:
        rail = gateway.rails.get(claimed.rail, claimed.environment)
    except KeyError:
        raise RailUnavailable("the rail is not connected") from None
    if claimed.account_id is None and rail.card.needs_account:
        raise RailUnavailable("the connector has no default account any more")
    if not isinstance(rail, ReconcilingRail):
        return 0
    account = provider_account(gateway, claimed.account_id)
    named = await rail.movements(account, since, until)
    reach("list.read")
    owner = ReconciledAccount(claimed.rail, claimed.environment, claimed.account_id)
    hints, lost = await _unknown_of(gateway, owner, named)
    await book_lost(gateway, rail, owner, lost)
    evidence = f"movements until {until.isoformat()}".encode()
    await keep_hints(gateway, *owner, hints, evidence)
    return len(hints)


async def _unknown_of(
    gateway: Gateway, account: ReconciledAccount, named: Sequence[Notice]
) -> tuple[list[Notice], set[UUID]]:
    """Those of the operations that are ours and whose attempt does not show them yet, and the
    keys of lost orders.

    Others of the account are somebody else's business: a code on a poster, another system. But one
    under a key that we make was an order of ours before an older backup was restored.
    """
    if not named:
        return [], set()
    ids = {key for each in named if (key := as_id(each.attempt_key))}
    references = {each.provider_reference for each in named if each.provider_reference}
    async with gateway.database.bare_connection() as connection:
        known = await reconciliations.known(connection, account, ids, references)
    by_id = {each.id: each for each in known}
    now = gateway.clock.now()
    lost = {
        key for key in ids - by_id.keys() if now - WATCH_REPLACED < created_at(key) <= now
    }  # others' keys carry no such time
    metrics.LOST_ORDERS.labels(account.rail).set(len(lost))
    if lost:
        _log.error("%s names %d orders of ours that we do not know", account.rail, len(lost))
    by_reference = {each.provider_reference: each for each in known}
    hints = []
    for each in named:
        key = as_id(each.attempt_key)
        found = by_id.get(key) if key else by_reference.get(each.provider_reference or "")
        if found is not None and not _shows(found, each):
            hints.append(each)
    return hints, lost


def _shows(operation: KnownOperation, named: Notice) -> bool:
    """Whether the attempt is done by the very movement that is named."""
    return (
        operation.status in _SHOWN
        and named.provider_reference is not None
        and operation.provider_reference == named.provider_reference
    )
