"""Applications, keys, payees and tariffs: read whole into each process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from guichet.domain.access import Application, Environment, KeyRole
from guichet.domain.fees import FeeRule
from guichet.domain.orders import Payee
from guichet.store.database import Connection

#: PostgreSQL tells listeners of this channel when applications or keys changed.
CHANNEL = "guichet_access"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything needed to know a caller, at one ``version``.

    ``keys`` maps the digest of a key to its application and role; ``webhook_secrets`` are sealed,
    and so are the settings of ``accounts`` at providers; ``account_ids`` are those in use by
    application and rail. ``application_ids`` are all there are, the archived ones too.
    """

    version: int
    applications: dict[UUID, Application]
    keys: dict[bytes, tuple[UUID, KeyRole]]
    payees: dict[UUID, Payee]
    fee_rules: dict[UUID, FeeRule]
    webhook_secrets: dict[UUID, bytes]
    accounts: dict[UUID, bytes]
    account_ids: dict[tuple[UUID, str], UUID]
    halted_because: str = ""
    application_ids: Sequence[UUID] = ()


async def halted_because(connection: Connection) -> str:
    """Why no new money may move; empty: it may."""
    because: str | None = await connection.fetchval("SELECT halted_because FROM access_version")
    return because or ""


async def halt(connection: Connection, because: str) -> bool:
    """Let no new money move; False if that was so already."""
    halted: bool = await connection.fetchval("SELECT halt_money($1)", because)
    return halted


async def resume(connection: Connection) -> None:
    """Let new money move again: the owner's to say."""
    await connection.execute(
        "UPDATE access_version SET version = version + 1, halted_at = NULL, halted_because = NULL"
    )


async def application_of(connection: Connection, kind: str, row_id: UUID) -> UUID | None:
    """Whose a ``payment`` or an ``attempt`` is; None: there is none.

    For those who were given an id by something they trust: a page's token, the inbox.
    """
    found: UUID | None = await connection.fetchval("SELECT application_of($1, $2)", kind, row_id)
    return found


async def application_of_link(connection: Connection, slug: str) -> UUID | None:
    """Whose the link with this slug is, deleted or not; None: there is none."""
    found: UUID | None = await connection.fetchval("SELECT application_of_link($1)", slug)
    return found


async def version(connection: Connection) -> int:
    """A number that grows whenever an application or a key changes."""
    number: int = await connection.fetchval("SELECT version FROM access_version")
    return number


_KEYS = "SELECT digest, application_id, role FROM access_keys()"


async def read(connection: Connection) -> Snapshot:
    """Everything, as of one moment."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        number = await version(connection)
        halted = await halted_because(connection)
        payees = {
            row["id"]: Payee(*row.values())
            for row in await connection.fetch(
                "SELECT id, name, country, bank_name, account, bic FROM access_payees()"
            )
        }
        fee_rules = {
            row["id"]: FeeRule(*row.values())
            for row in await connection.fetch(
                "SELECT id, percent_bps, fixed_minor, min_minor, max_minor FROM access_fee_rules()"
            )
        }
        application_ids: list[UUID] = []
        applications, webhook_secrets = {}, {}
        for row in await connection.fetch(
            "SELECT id, merchant_id, name, dialect, environment, payee_id, fee_rule_id, currency,"
            " allowed_addresses, allowed_domains, requests_per_minute, settlement_delay_hours,"
            " payment_lifetime_minutes, lenient_json, returns_payer, webhook_secret,"
            " transfer_fee_rule_id, approves_transfers, transfer_addresses, public_key_reads,"
            " dialect_options, archived_at FROM access_applications()"
        ):
            application_ids.append(row["id"])
            if row["archived_at"] is not None:
                continue
            webhook_secrets[row["id"]] = row["webhook_secret"]
            applications[row["id"]] = Application(
                id=row["id"],
                merchant_id=row["merchant_id"],
                name=row["name"],
                dialect=row["dialect"],
                environment=Environment(row["environment"]),
                payee=payees[row["payee_id"]],
                fee_rule=fee_rules[row["fee_rule_id"]] if row["fee_rule_id"] else None,
                currency=row["currency"],
                allowed_addresses=tuple(row["allowed_addresses"]),
                allowed_domains=tuple(row["allowed_domains"]),
                requests_per_minute=row["requests_per_minute"],
                settlement_delay_hours=row["settlement_delay_hours"],
                payment_lifetime_minutes=row["payment_lifetime_minutes"],
                lenient_json=row["lenient_json"],
                returns_payer=row["returns_payer"],
                transfer_fee_rule=fee_rules.get(row["transfer_fee_rule_id"]),
                approves_transfers=row["approves_transfers"],
                transfer_addresses=tuple(row["transfer_addresses"]),
                public_key_reads=row["public_key_reads"],
                dialect_options=frozenset(row["dialect_options"]),
            )
        keys = {
            digest: (application_id, KeyRole(role))
            for digest, application_id, role in await connection.fetch(_KEYS)
            if application_id in applications
        }
        accounts, account_ids = await _accounts(connection)
    return Snapshot(
        number,
        applications,
        keys,
        payees,
        fee_rules,
        webhook_secrets,
        accounts,
        account_ids,
        halted,
        application_ids,
    )


async def _accounts(
    connection: Connection,
) -> tuple[dict[UUID, bytes], dict[tuple[UUID, str], UUID]]:
    accounts, account_ids = {}, {}
    for row in await connection.fetch(
        "SELECT id, application_id, rail, settings, replaced_at FROM access_accounts()"
    ):
        accounts[row["id"]] = row["settings"]
        if row["replaced_at"] is None:
            account_ids[row["application_id"], row["rail"]] = row["id"]
    return accounts, account_ids
