"""What an operator changes of an application that is there."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from guichet.domain.errors import Invalid, NotFound
from guichet.services.tariffs import add_tariff
from guichet.store import administration as store
from guichet.store.database import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationChanges:
    """What is to be otherwise; None stays as it is. Fees are those of what is made from now on:
    payments and transfers keep what they were quoted.
    """

    fee_percent_bps: int | None = None
    fee_fixed_minor: int | None = None
    transfer_fee_percent_bps: int | None = None
    transfer_fee_fixed_minor: int | None = None
    requests_per_minute: int | None = None
    settlement_delay_hours: int | None = None
    public_key_reads: bool | None = None
    approves_transfers: bool | None = None
    transfer_addresses: Sequence[str] | None = None
    dialect_options: Sequence[str] | None = None


_PLAIN = (
    "requests_per_minute", "settlement_delay_hours", "public_key_reads", "approves_transfers",
    "transfer_addresses", "dialect_options",
)  # fmt: skip


async def change_application(
    connection: Connection, application_id: UUID, changes: ApplicationChanges, now: datetime
) -> None:
    """Change an application; every process knows within a second.

    Raises ``NotFound``, and ``Invalid`` for the field that cannot be like that.
    """
    check_settings(
        changes.requests_per_minute, changes.settlement_delay_hours, changes.transfer_addresses
    )
    columns: dict[str, object] = {
        name: value for name in _PLAIN if (value := getattr(changes, name)) is not None
    }
    async with connection.transaction():
        former = await store.lock_tariffs(connection, application_id)
        if former is None:
            raise NotFound("application", str(application_id))
        for what, tariff in (("fee", former.fee), ("transfer_fee", former.transfer_fee)):
            percent_bps = getattr(changes, f"{what}_percent_bps")
            fixed_minor = getattr(changes, f"{what}_fixed_minor")
            if percent_bps is None and fixed_minor is None:
                continue
            columns[f"{what}_rule_id"] = await add_tariff(
                connection,
                what,
                tariff.percent_bps if percent_bps is None else percent_bps,
                tariff.fixed_minor if fixed_minor is None else fixed_minor,
                now,
            )
        if columns:
            await store.change_application(connection, application_id, columns)


def check_settings(
    requests_per_minute: int | None,
    settlement_delay_hours: int | None,
    transfer_addresses: Sequence[str] | None,
) -> None:
    """Raise ``Invalid`` for numbers below zero and for addresses that are no IP networks."""
    if requests_per_minute is not None and requests_per_minute < 0:
        raise Invalid("requests_per_minute", "range")
    if settlement_delay_hours is not None and settlement_delay_hours < 0:
        raise Invalid("settlement_delay_hours", "range")
    for network in transfer_addresses or ():
        try:
            ipaddress.ip_network(network)
        except ValueError:
            raise Invalid("transfer_addresses", "network") from None
