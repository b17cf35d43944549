"""Which requests are refused when there are more than can be served, and in which order.

A process that has more to do than time lets work wait, and all of it becomes late together. Here
the least urgent is refused first, by an answer that costs a fraction of a payment, so that what is
taken is answered in time. How much there is to do, is told by the number of requests under way and
by how long the queues keep them; not by how late the loop is: refusing makes it late, too.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from enum import IntEnum
from math import inf
from typing import NamedTuple
from uuid import UUID

from guichet import metrics
from guichet.dialects.neopay.auth import claimed_application as claimed_at_neopay
from guichet.dialects.notchpay.app import SEGMENTS
from guichet.dialects.notchpay.auth import claimed_application as claimed_at_notchpay
from guichet.domain.access import Application, Environment
from guichet.domain.errors import Unavailable
from guichet.gateway import Gateway
from guichet.server.refusals import BUSY, BUSY_PAGE, Refusal
from guichet.server.requests import Asked

#: With fewer under way a process is slow, not overloaded: refusing would free nothing.
_UNDER_WAY_MIN = 32
#: So long after it was last late, the process counts whose requests it takes.
_ALERT_SECONDS = 5.0
_HALF_LIFE_SECONDS = 0.5
#: Who takes more than an equal share is refused at this part of the others' lateness.
_GREEDY = 0.5


_READS = frozenset({b"GET", b"HEAD"})
_DIRECTORIES = frozenset({"customers", "institutions", "webhooks", "beneficiaries", "recipients"})


class Urgency(IntEnum):
    """What is refused first, to what is refused last; providers' notices never are."""

    EXPORT = 1
    LIST = 2
    LOOK_UP = 3
    SANDBOX = 4
    PAYMENT = 5
    PAGE = 10


_SHED = {urgency: metrics.SHED.labels(urgency.name.lower()) for urgency in Urgency}


class Shedder:
    """Refuses what cannot be served in time; one for each serving process."""

    def __init__(self, gateway: Gateway) -> None:
        settings = gateway.settings
        self._gateway = gateway
        self._late_seconds_max = settings.shed_after_seconds or inf
        self._under_way_max = settings.requests_at_once or inf
        self._retries = itertools.cycle(BUSY)
        self._tenants = _Tenants(gateway)
        self._alert_until = 0.0

    def judge(self, asked: Asked) -> Refusal | None:
        """How to refuse the request; None where there is time for it."""
        waiting = asked.load.under_way - self._gateway.http.under_way
        if waiting < _UNDER_WAY_MIN:
            return None
        fullness = self._fullness(waiting) * Urgency.PAYMENT
        if fullness > Urgency.EXPORT:
            self._alert_until = asked.now + _ALERT_SECONDS
        elif asked.now > self._alert_until:
            return None
        segments = asked.target.partition(b"?")[0].decode("latin-1").split("/")[1:]
        segment = segments[0]
        if segment == "api":
            tenant = self._tenants.at_neopay(asked)
            return self._judge_call(
                fullness, urgency_of(asked.method, segments[1:], tenant), tenant
            )
        if segment in SEGMENTS:
            tenant = self._tenants.at_notchpay(asked)
            return self._judge_call(fullness, urgency_of(asked.method, segments, tenant), tenant)
        if segment in ("pay", "links", "return") and fullness > Urgency.PAGE:
            return _refused(Urgency.PAGE, BUSY_PAGE)
        return None

    def _fullness(self, waiting: int) -> float:
        """1 where new payments are just not taken any more."""
        gateway = self._gateway
        late_seconds = max(
            gateway.desk.longest_wait_seconds,
            gateway.recorder.longest_wait_seconds,
            gateway.database.longest_wait_seconds,
        )
        return max(late_seconds / self._late_seconds_max, waiting / self._under_way_max)

    def _judge_call(
        self, fullness: float, urgency: Urgency, tenant: Tenant | None
    ) -> Refusal | None:
        limit = urgency * _GREEDY if self._tenants.is_greedy(tenant) else urgency
        if fullness > limit:
            return _refused(urgency, next(self._retries))
        self._tenants.add(tenant)
        return None


def _refused(urgency: Urgency, refusal: Refusal) -> Refusal:
    _SHED[urgency].inc()
    return refusal


class Tenant(NamedTuple):
    """Whose request it says it is."""

    id: UUID
    is_sandbox: bool


def urgency_of(method: bytes, segments: list[str], tenant: Tenant | None) -> Urgency:
    """How urgent a call of an API is, by its path's segments; a stranger's is the least."""
    names = [segment for segment in segments if segment]
    if tenant is None or (names and names[-1].endswith(".csv")):
        return Urgency.EXPORT
    if method in _READS:
        if len(names) < 2:
            return Urgency.LIST
        if names[0] in _DIRECTORIES:
            return Urgency.LOOK_UP
    return Urgency.SANDBOX if tenant.is_sandbox else Urgency.PAYMENT


class _Tenants:
    """Whose requests come, and how many of each were taken lately.

    What a key says is kept for half a second: a look at every key costs as much as a refusal.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._known: dict[bytes, Tenant | None] = {}
        self._taken: dict[UUID, float] = {}
        self._total = 0.0
        self._halve_at = 0.0

    def at_neopay(self, asked: Asked) -> Tenant | None:
        """The application that ``x-app-key`` names."""
        return self._find(asked, b"x-app-key", claimed_at_neopay)

    def at_notchpay(self, asked: Asked) -> Tenant | None:
        """The application whose key is shown."""
        return self._find(asked, b"authorization", claimed_at_notchpay)

    def _find(
        self,
        asked: Asked,
        name: bytes,
        claimed: Callable[[Gateway, Mapping[bytes, bytes]], Application | None],
    ) -> Tenant | None:
        if asked.now >= self._halve_at:
            self._halve(asked.now)
        headers = dict(asked.headers)
        value = headers.get(name, b"")
        if value in self._known:
            return self._known[value]
        try:
            application = claimed(self._gateway, headers)
        except Unavailable:
            application = None
        tenant = None
        if application is not None:
            tenant = Tenant(application.id, application.environment is Environment.SANDBOX)
        if value:
            self._known[value] = tenant
        return tenant

    def _halve(self, now: float) -> None:
        part = 0.5 ** min(1 + (now - self._halve_at) // _HALF_LIFE_SECONDS, 60)
        self._halve_at = now + _HALF_LIFE_SECONDS
        self._known.clear()
        left = ((key, count * part) for key, count in self._taken.items())
        self._taken = {key: count for key, count in left if count > 0.5}
        self._total = sum(self._taken.values())

    def add(self, tenant: Tenant | None) -> None:
        """One of its requests was taken."""
        if tenant is not None:
            self._taken[tenant.id] = self._taken.get(tenant.id, 0.0) + 1
            self._total += 1

    def is_greedy(self, tenant: Tenant | None) -> bool:
        """Whether more was taken of it than an equal share of what was taken."""
        if tenant is None:
            return False
        return self._taken.get(tenant.id, 0.0) * len(self._taken) > self._total
