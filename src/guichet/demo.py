"""The demo merchants: always the same credentials, so that documents and scripts can name them.

Seeded only by ``guichet run`` with its own database on a loopback address: well-known keys must
never open anything that others can reach.
"""

from __future__ import annotations

import base64
from datetime import datetime
from uuid import UUID

from guichet.domain.access import Environment, KeyRole
from guichet.domain.orders import Payee
from guichet.services.administration import digest, seal_webhook_secret
from guichet.services.opening import open_balance
from guichet.store import administration as store
from guichet.store.administration import ApplicationRow
from guichet.store.database import Connection
from guichet.vault import Vault

APPLICATION_ID = UUID("98e2fe88-3a95-4c7c-a98f-dfa5192b85f6")
KEY = "np_test.demo"
WEBHOOK_SECRET = "whsec_" + base64.b64encode(b"guichet demo: not a secret at all").decode()

_MERCHANT_ID = UUID("98e2fe88-3a95-4c7c-a98f-dfa5192b85f0")
_PAYEE = Payee(
    id=UUID("98e2fe88-3a95-4c7c-a98f-dfa5192b85f1"),
    name="John Doe",
    country="GB",
    bank_name="MODELO",
    account="DE89370400440532013000",
    bic="AACSDE33",
)


#: The demo merchant of Notch Pay's dialect.
NOTCH_APPLICATION_ID = UUID("98e2fe88-3a95-4c7c-a98f-dfa5192b85e6")
PUBLIC_KEY = "pk_test.demo"
PRIVATE_KEY = "sk_test.demo"
HASH_KEY = "hsk_test.demo"

_NOTCH_MERCHANT_ID = UUID("98e2fe88-3a95-4c7c-a98f-dfa5192b85e0")
_NOTCH_PAYEE = Payee(
    id=UUID("98e2fe88-3a95-4c7c-a98f-dfa5192b85e1"),
    name="Boutique Démo SARL",
    country="CM",
    bank_name="Banque Démo",
    account="CM2110002000300277976315008",
    bic="DEMOCMCX",
)


async def seed(connection: Connection, vault: Vault, now: datetime) -> None:
    """Add the demo merchants, their applications and keys, as far as they are missing."""
    async with connection.transaction():
        await _seed_neopay(connection, vault, now)
        await _seed_notchpay(connection, vault, now)


async def _seed_neopay(connection: Connection, vault: Vault, now: datetime) -> None:
    await store.add_merchant(connection, _MERCHANT_ID, "Demo merchant", "GB", now)
    await store.add_payee(connection, _MERCHANT_ID, _PAYEE, now)
    await store.add_application(
        connection,
        ApplicationRow(
            id=APPLICATION_ID,
            merchant_id=_MERCHANT_ID,
            name="Demo shop",
            dialect="neopay",
            environment=Environment.SANDBOX,
            payee_id=_PAYEE.id,
            fee_rule_id=None,
            currency="GBP",
            requests_per_minute=0,
            settlement_delay_hours=0,
            lenient_json=True,
            webhook_secret=seal_webhook_secret(vault, WEBHOOK_SECRET),
            created_at=now,
        ),
    )
    await store.add_key(connection, digest(KEY), APPLICATION_ID, KeyRole.SECRET, KEY, now)
    await store.set_webhook_secret(
        connection, APPLICATION_ID, seal_webhook_secret(vault, WEBHOOK_SECRET)
    )


async def _seed_notchpay(connection: Connection, vault: Vault, now: datetime) -> None:
    await store.add_merchant(connection, _NOTCH_MERCHANT_ID, "Boutique Démo", "CM", now)
    await store.add_payee(connection, _NOTCH_MERCHANT_ID, _NOTCH_PAYEE, now)
    sealed = seal_webhook_secret(vault, HASH_KEY)
    await store.add_application(
        connection,
        ApplicationRow(
            id=NOTCH_APPLICATION_ID,
            merchant_id=_NOTCH_MERCHANT_ID,
            name="Boutique Démo",
            dialect="notchpay",
            environment=Environment.SANDBOX,
            payee_id=_NOTCH_PAYEE.id,
            fee_rule_id=None,
            currency="XAF",
            requests_per_minute=0,
            settlement_delay_hours=0,
            lenient_json=False,
            webhook_secret=sealed,
            created_at=now,
        ),
    )
    for role, key in ((KeyRole.PUBLIC, PUBLIC_KEY), (KeyRole.SECRET, PRIVATE_KEY)):
        kept = vault.seal(key.encode()) if role is KeyRole.SECRET else None
        await store.add_key(connection, digest(key), NOTCH_APPLICATION_ID, role, key, now, kept)
    await store.set_webhook_secret(connection, NOTCH_APPLICATION_ID, sealed)
    await open_balance(connection, NOTCH_APPLICATION_ID, Environment.SANDBOX, "XAF", now)


async def withdraw(connection: Connection, now: datetime) -> None:
    """Revoke the demo merchants' keys, if there are any."""
    for application_id in (APPLICATION_ID, NOTCH_APPLICATION_ID):
        await store.revoke_keys(connection, application_id, None, now)
