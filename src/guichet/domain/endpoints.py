"""Webhook endpoints: addresses that an application has told of its events, and their health."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

#: Which signatures an endpoint is sent: the dialect's own, Standard Webhooks', or both.
PROFILES = ("all", "notch", "standard")
#: An endpoint that took nothing for so long is sent nothing any more.
FAILING_LIMIT = timedelta(days=5)
#: How long a secret that was replaced signs beside the new one.
ROTATION_OVERLAP = timedelta(hours=24)


class Endpoint(NamedTuple):
    """An address and what it is told of.

    ``events`` are the dialect's names as the merchant gave them, ``event_types`` the core's names
    behind them. ``secret`` and ``former_secret`` (which signs too until ``former_secret_until``)
    are sealed. ``failing_since`` is the first failure after the last success, ``disabled_at`` when
    we gave it up.
    """

    id: UUID
    application_id: UUID
    url: str
    description: str | None
    events: tuple[str, ...]
    event_types: tuple[str, ...]
    active: bool
    profile: str
    secret: bytes
    former_secret: bytes | None
    former_secret_until: datetime | None
    failing_since: datetime | None
    disabled_at: datetime | None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    version: int

    @property
    def health(self) -> str:
        """``disabled`` (by us), ``failing`` or ``healthy``."""
        if self.disabled_at is not None:
            return "disabled"
        return "failing" if self.failing_since is not None else "healthy"
