"""What an operator does: merchants, applications and keys. Secrets are answered once."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from guichet.domain.access import Environment, KeyRole
from guichet.domain.errors import Invalid, NotFound
from guichet.domain.ids import new_id
from guichet.domain.money import is_currency
from guichet.domain.orders import Payee, ProviderAccount
from guichet.services.application_changes import check_settings
from guichet.services.opening import open_balance
from guichet.services.tariffs import add_tariff
from guichet.store import administration as store
from guichet.store.administration import ApplicationRow
from guichet.store.database import Connection
from guichet.vault import Vault

_KEY_BYTES = 32
_SHOWN_CHARACTERS = 6
#: What a key begins with, by dialect and role: in sandbox, live. Clients of Notch Pay tell the
#: environment by it.
_KEY_WORDS = {
    ("neopay", KeyRole.SECRET): ("np_test.", "np_live."),
    ("notchpay", KeyRole.PUBLIC): ("pk_test.", "pk."),
    ("notchpay", KeyRole.SECRET): ("sk_test.", "sk."),
}
_HASH_KEY_WORDS = ("hsk_test.", "hsk.")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewApplication:
    """An application to create. ``payee`` without an id of its own gets one."""

    merchant_id: UUID
    name: str
    dialect: str
    environment: Environment
    currency: str
    payee_name: str
    payee_country: str
    bank_name: str
    account: str
    bic: str
    fee_percent_bps: int = 0
    fee_fixed_minor: int = 0
    transfer_fee_percent_bps: int = 0
    transfer_fee_fixed_minor: int = 0
    requests_per_minute: int = 60
    settlement_delay_hours: int = 0
    public_key_reads: bool = False
    approves_transfers: bool = False
    transfer_addresses: Sequence[str] = ()
    dialect_options: Sequence[str] = ()


class Credentials(NamedTuple):
    """What a merchant's developer needs; ``keys`` by role and ``webhook_secret`` cannot be shown
    again.
    """

    application_id: UUID
    keys: Mapping[KeyRole, str]
    webhook_secret: str


async def create_merchant(
    connection: Connection, name: str, country: str | None, now: datetime
) -> UUID:
    """Create a merchant; its id."""
    merchant_id = new_id(now)
    await store.add_merchant(connection, merchant_id, name, country, now)
    return merchant_id


async def create_application(
    connection: Connection, vault: Vault, new: NewApplication, now: datetime
) -> Credentials:
    """Create an application with its payee, tariff and first keys, one of each role it has.

    In sandbox one that can send money has some to send. Raises ``NotFound`` for the merchant and
    ``Invalid`` for the field that cannot be like that.
    """
    if not is_currency(new.currency):
        raise Invalid("currency", "unknown")
    check_settings(new.requests_per_minute, new.settlement_delay_hours, new.transfer_addresses)
    payee = Payee(
        new_id(now), new.payee_name, new.payee_country, new.bank_name, new.account, new.bic
    )
    webhook_secret = new_webhook_secret(new.dialect, new.environment)
    async with connection.transaction():
        if not await store.has_merchant(connection, new.merchant_id):
            raise NotFound("merchant", str(new.merchant_id))
        await store.add_payee(connection, new.merchant_id, payee, now)
        row = ApplicationRow(
            id=new_id(now),
            merchant_id=new.merchant_id,
            name=new.name,
            dialect=new.dialect,
            environment=new.environment,
            payee_id=payee.id,
            fee_rule_id=await add_tariff(
                connection, "fee", new.fee_percent_bps, new.fee_fixed_minor, now
            ),
            currency=new.currency,
            requests_per_minute=new.requests_per_minute,
            settlement_delay_hours=new.settlement_delay_hours,
            lenient_json=new.environment is Environment.SANDBOX,
            webhook_secret=seal_webhook_secret(vault, webhook_secret),
            public_key_reads=new.public_key_reads,
            approves_transfers=new.approves_transfers,
            transfer_addresses=new.transfer_addresses,
            transfer_fee_rule_id=await add_tariff(
                connection,
                "transfer_fee",
                new.transfer_fee_percent_bps,
                new.transfer_fee_fixed_minor,
                now,
            ),
            dialect_options=new.dialect_options,
            created_at=now,
        )
        await store.add_application(connection, row)
        keys = {
            role: await create_key(connection, vault, row.id, now, role)
            for dialect, role in _KEY_WORDS
            if dialect == new.dialect
        }
        if new.dialect == "notchpay" and new.environment is Environment.SANDBOX:
            await open_balance(connection, row.id, new.environment, new.currency, now)
    return Credentials(row.id, keys, webhook_secret)


async def create_key(
    connection: Connection,
    vault: Vault,
    application_id: UUID,
    now: datetime,
    role: KeyRole = KeyRole.SECRET,
) -> str:
    """Give an application one more key; raises ``NotFound``, and ``Invalid`` (``role``) where its
    dialect has no such keys.

    A private key of Notch Pay's is also kept sealed: one of the signatures is made with it.
    """
    kind = await _kind(connection, application_id)
    words = _KEY_WORDS.get((kind.dialect, role))
    if words is None:
        raise Invalid("role", "unknown")
    word = words[kind.environment is Environment.LIVE]
    key = word + secrets.token_urlsafe(_KEY_BYTES)
    shown = key[: len(word) + _SHOWN_CHARACTERS]
    signs = kind.dialect == "notchpay" and role is KeyRole.SECRET
    sealed = vault.seal(key.encode()) if signs else None
    await store.add_key(connection, digest(key), application_id, role, shown, now, sealed)
    return key


async def rotate_key(
    connection: Connection,
    vault: Vault,
    application_id: UUID,
    now: datetime,
    role: KeyRole = KeyRole.SECRET,
) -> tuple[str, list[str]]:
    """Give an application a new key and revoke all others of its role; the key and their prefixes.

    Raises as ``create_key``. To change keys without a gap, create one, deploy it, then revoke the
    old.
    """
    async with connection.transaction():
        revoked = await store.revoke_keys(connection, application_id, None, now, role)
        return await create_key(connection, vault, application_id, now, role), revoked


async def revoke_key(
    connection: Connection, application_id: UUID, prefix: str, now: datetime
) -> None:
    """Revoke the key whose shown beginning is ``prefix``; raises ``NotFound``."""
    if not await store.revoke_keys(connection, application_id, prefix, now):
        raise NotFound("key", prefix)


async def rotate_webhook_secret(connection: Connection, vault: Vault, application_id: UUID) -> str:
    """Give an application a new webhook secret; raises ``NotFound``."""
    async with connection.transaction():
        secret = new_webhook_secret(*await _kind(connection, application_id))
        await store.set_webhook_secret(
            connection, application_id, seal_webhook_secret(vault, secret)
        )
    return secret


async def application_environment(connection: Connection, application_id: UUID) -> Environment:
    """The environment of an application; raises ``NotFound``."""
    return (await _kind(connection, application_id)).environment


class _Kind(NamedTuple):
    dialect: str
    environment: Environment


async def _kind(connection: Connection, application_id: UUID) -> _Kind:
    found = await store.application_kind(connection, application_id)
    if found is None:
        raise NotFound("application", str(application_id))
    return _Kind(found[0], Environment(found[1]))


async def connect_account(
    connection: Connection,
    vault: Vault,
    application_id: UUID,
    rail: str,
    settings: Mapping[str, str],
    now: datetime,
) -> UUID:
    """Give an application an account of its own at a rail's provider, in place of any former one.

    The connector has checked the settings. Payments under way stay with the account they were
    begun at. Raises ``NotFound``.
    """
    account_id = new_id(now)
    sealed = vault.seal(json.dumps(dict(settings)).encode())
    async with connection.transaction():
        await application_environment(connection, application_id)
        await store.replace_account(connection, account_id, application_id, rail, sealed, now)
    return account_id


async def account_in_use(
    connection: Connection, vault: Vault, application_id: UUID, rail: str
) -> ProviderAccount | None:
    """An application's account at a rail's provider, opened; None if it has none of its own."""
    for row in await store.accounts_in_use(connection, rail, application_id):
        return ProviderAccount(row.id, json.loads(vault.open(row.settings)))
    return None


def digest(key: str) -> bytes:
    """How a key is stored: 256 random bits need no salt and no slow hash."""
    return hashlib.sha256(key.encode()).digest()


def new_webhook_secret(dialect: str, environment: Environment) -> str:
    """A secret in the form of Standard Webhooks (``whsec_`` and 32 bytes in base64), or in that of
    Notch Pay's hash keys.
    """
    if dialect == "notchpay":
        word = _HASH_KEY_WORDS[environment is Environment.LIVE]
        return word + secrets.token_urlsafe(_KEY_BYTES)
    return "whsec_" + base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()


def seal_webhook_secret(vault: Vault, secret: str) -> bytes:
    """The secret as it is stored: the bytes that sign, sealed (Standard Webhooks: ``whsec_`` and
    their base64 are how people see them; a hash key is its own text).
    """
    if secret.startswith(_HASH_KEY_WORDS):
        return vault.seal(secret.encode())
    return vault.seal(base64.b64decode(secret.removeprefix("whsec_")))
