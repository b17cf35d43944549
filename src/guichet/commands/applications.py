"""``guichet merchant`` and ``guichet application``."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from cyclopts import App

from guichet.commands.common import now, read_settings, with_database
from guichet.domain.access import Environment, KeyRole
from guichet.server import operations
from guichet.services import administration
from guichet.store.database import Connection

merchants = App(name="merchant", help="Merchants.")
applications = App(name="application", help="Applications of merchants: what API keys belong to.")


@merchants.command(name="create")
def create_merchant(name: str, *, country: str | None = None) -> None:
    """Create a merchant and print its id."""

    async def create(connection: Connection) -> UUID:
        return await administration.create_merchant(connection, name, country, now())

    print(with_database(create))


@applications.command(name="create")
def create_application(
    merchant: UUID,
    name: str,
    *,
    environment: Environment,
    currency: str,
    payee_name: str,
    payee_country: str,
    payee_bank: str,
    payee_account: str,
    payee_bic: str,
    dialect: Literal["neopay", "notchpay"] = "neopay",
    fee_percent_bps: int = 0,
    fee_fixed_minor: int = 0,
    requests_per_minute: int = 60,
    settlement_delay_hours: int = 0,
    public_key_reads: bool = False,
    approves_transfers: bool = False,
    transfer_address: tuple[str, ...] = (),
) -> None:
    """Create an application with its first keys. They and the webhook secret are shown once.

    Parameters
    ----------
    dialect
        The API that it speaks: neopay, or notchpay with a public, a private and a hash key.
    fee_percent_bps
        Our fee in hundredths of a percent: 150 is 1.5 %.
    fee_fixed_minor
        Our fee per payment, in the currency's smallest unit.
    requests_per_minute
        0 means no limit.
    public_key_reads
        Whether a live application's lists and customers may be read with its public key alone.
    approves_transfers
        Whether a second person decides on its transfers: guichet transfer.
    transfer_address
        An IP address or network (CIDR) that its transfers come from; may be repeated.
    """
    new = administration.NewApplication(
        merchant_id=merchant,
        name=name,
        dialect=dialect,
        environment=environment,
        currency=currency,
        payee_name=payee_name,
        payee_country=payee_country,
        bank_name=payee_bank,
        account=payee_account,
        bic=payee_bic,
        fee_percent_bps=fee_percent_bps,
        fee_fixed_minor=fee_fixed_minor,
        requests_per_minute=requests_per_minute,
        settlement_delay_hours=settlement_delay_hours,
        public_key_reads=public_key_reads,
        approves_transfers=approves_transfers,
        transfer_addresses=transfer_address,
    )

    vault = operations.open_vault(read_settings())

    async def create(connection: Connection) -> administration.Credentials:
        return await administration.create_application(connection, vault, new, now())

    _show(dialect, with_database(create))


def _show(dialect: str, made: administration.Credentials) -> None:
    if dialect == "notchpay":
        print(f"application: {made.application_id}")
        print(f"public key:  {made.keys[KeyRole.PUBLIC]}")
        print(f"private key: {made.keys[KeyRole.SECRET]}")
        print(f"hash key:    {made.webhook_secret}")
        print("Keys are shown this once: keep them now.")
        return
    print(f"x-app-key:      {made.application_id}")
    print(f"Authorization:  {made.keys[KeyRole.SECRET]}")
    print(f"webhook secret: {made.webhook_secret}")
    print("Key and secret are shown this once: keep them now.")
