"""``guichet key``."""

from __future__ import annotations

import sys
from uuid import UUID

from cyclopts import App

from guichet.commands.common import now, read_settings, with_database
from guichet.domain.access import KeyRole
from guichet.server import operations
from guichet.services import administration
from guichet.store.database import Connection
from guichet.store.resealing import reseal_everything
from guichet.vault import generate_key

keys = App(name="key", help="API keys, and keys that seal what is stored.")


@keys.command(name="create")
def create_key(application: UUID, *, role: KeyRole = KeyRole.SECRET) -> None:
    """Give an application one more key, shown once.

    Parameters
    ----------
    role
        secret (the private key), or public where the application's API has public keys.
    """
    vault = operations.open_vault(read_settings())

    async def create(connection: Connection) -> str:
        return await administration.create_key(connection, vault, application, now(), role)

    print(with_database(create))


@keys.command(name="rotate")
def rotate_key(application: UUID, *, role: KeyRole = KeyRole.SECRET, webhook: bool = False) -> None:
    """Give an application a new key, shown once, and revoke all of its role that it had.

    Parameters
    ----------
    role
        As for `create`.
    webhook
        Replace the secret that signs notifications instead.
    """
    vault = operations.open_vault(read_settings())
    if webhook:

        async def rotate_secret(connection: Connection) -> str:
            return await administration.rotate_webhook_secret(connection, vault, application)

        print(with_database(rotate_secret))
        return

    async def rotate(connection: Connection) -> tuple[str, list[str]]:
        return await administration.rotate_key(connection, vault, application, now(), role)

    key, revoked = with_database(rotate)
    print(f"revoked: {', '.join(revoked) or 'none'}", file=sys.stderr)
    print(key)


@keys.command(name="revoke")
def revoke_key(application: UUID, prefix: str) -> None:
    """Revoke the key whose beginning is PREFIX, as lists show it; it ends within a second."""

    async def revoke(connection: Connection) -> None:
        await administration.revoke_key(connection, application, prefix, now())

    with_database(revoke)


@keys.command(name="reseal")
def reseal() -> None:
    """Seal everything with the first of GUICHET_SECRET_KEYS that the others sealed.

    Afterwards the others can go. May run while the server does, and again after an interruption.
    """
    vault = operations.open_vault(read_settings())

    async def seal_anew(connection: Connection) -> int:
        return await reseal_everything(connection, vault)

    print(f"{with_database(seal_anew)} sealed anew.")


@keys.command(name="generate")
def generate_secret_key() -> None:
    """Print a new key for GUICHET_SECRET_KEYS."""
    print(generate_key())
