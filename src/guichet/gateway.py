"""The gateway: everything a service needs, built once by ``bootstrap`` and handed on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from guichet.store.journal import Journal

if TYPE_CHECKING:
    from guichet.domain.clock import Clock
    from guichet.outbound.client import GuardedClient
    from guichet.rails.registry import Registry
    from guichet.services.access import AccessTable
    from guichet.services.face import Face
    from guichet.services.institutions import InstitutionTable
    from guichet.services.limits import CallerLimits
    from guichet.services.payments import PaymentDesk
    from guichet.services.settlement import Recorder
    from guichet.services.timekeeping import Timekeeper
    from guichet.settings import Settings
    from guichet.store.database import Database
    from guichet.vault import Vault


@dataclass(slots=True, kw_only=True)
class Gateway:
    """One process's parts. ``faces`` are the dialects' renderings by dialect name."""

    settings: Settings
    clock: Clock
    database: Database
    vault: Vault
    http: GuardedClient
    rails: Registry
    access: AccessTable
    institutions: InstitutionTable
    limits: CallerLimits
    faces: dict[str, Face]
    journal: Journal = field(default_factory=Journal)
    desk: PaymentDesk = field(init=False)
    recorder: Recorder = field(init=False)
    #: Keeps ``clock`` to the database's; None where the clock is the caller's own.
    timekeeper: Timekeeper | None = None
