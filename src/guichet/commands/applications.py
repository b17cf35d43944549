"""``guichet merchant`` and ``guichet application``."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Annotated, Any, Literal
from uuid import UUID

from cyclopts import App, Parameter

from guichet.commands.common import now, read_settings, with_database
from guichet.dialects.notchpay.options import WireOption
from guichet.domain.access import Environment, KeyRole
from guichet.server import operations
from guichet.services import administration
from guichet.services.application_changes import ApplicationChanges, change_application
from guichet.store.database import Connection

merchants = App(name="merchant", help="Merchants.")
applications = App(name="application", help="Applications of merchants: what API keys belong to.")


@merchants.command(name="create")
def create_merchant(name: str, *, country: str | None = None) -> None:
    """Create a merchant and print its id."""

    async def create(connection: Connection) -> UUID:
        return await administration.create_merchant(connection, name, country, now())

    print(with_database(create))


def _option(meaning: str) -> Parameter:
    return Parameter(help=meaning)


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What may be chosen of an application when it is made, and changed later."""

    fee_percent_bps: Annotated[
        int | None, _option("Our fee on payments in hundredths of a percent: 150 is 1.5 %.")
    ] = None
    fee_fixed_minor: Annotated[
        int | None, _option("Our fee per payment, in the currency's smallest unit.")
    ] = None
    transfer_fee_percent_bps: Annotated[
        int | None, _option("Our fee on transfers and payouts, in hundredths of a percent.")
    ] = None
    transfer_fee_fixed_minor: Annotated[
        int | None, _option("Our fee per transfer or payout, in the smallest unit.")
    ] = None
    requests_per_minute: Annotated[int | None, _option("0 means no limit.")] = None
    settlement_delay_hours: Annotated[
        int | None, _option("How long a payment's money is pending before it is available.")
    ] = None
    public_key_reads: Annotated[
        bool | None,
        _option("Whether a live one's lists and customers may be read with its public key alone."),
    ] = None
    approves_transfers: Annotated[
        bool | None, _option("Whether a second person decides on its transfers: guichet transfer.")
    ] = None
    transfer_address: Annotated[
        tuple[str, ...] | None,
        _option("An IP address or network (CIDR) that its transfers come from; may be repeated."),
    ] = None
    wire_option: Annotated[
        tuple[WireOption, ...] | None,
        _option("What its Notch Pay clients want otherwise (docs/notchpay.md); may be repeated."),
    ] = None

    def chosen(self) -> dict[str, Any]:
        """What was said, under the services' names."""
        named = {"transfer_address": "transfer_addresses", "wire_option": "dialect_options"}
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        return {named.get(name, name): value for name, value in values.items() if value is not None}


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
    options: Options | None = None,
) -> None:
    """Create an application with its first keys. They and the webhook secret are shown once.

    There are no fees unless they are named.

    Parameters
    ----------
    dialect
        The API that it speaks: neopay, or notchpay with a public, a private and a hash key.
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
        **(options.chosen() if options else {}),
    )

    vault = operations.open_vault(read_settings())

    async def create(connection: Connection) -> administration.Credentials:
        return await administration.create_application(connection, vault, new, now())

    _show(dialect, with_database(create))


@applications.command(name="update")
def update_application(application: UUID, *, options: Options | None = None) -> None:
    """Change what is named; the rest stays. What was quoted a fee keeps it."""
    changes = ApplicationChanges(**(options.chosen() if options else {}))

    async def change(connection: Connection) -> None:
        await change_application(connection, application, changes, now())

    with_database(change)
    print(f"{application} is changed.")


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
