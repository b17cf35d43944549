"""``guichet pix``: accounts of applications at PSPs."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeVar
from uuid import UUID

from cyclopts import App, Parameter

from guichet.bootstrap import PIX, pix_rail
from guichet.commands.common import now, read_settings, with_database
from guichet.domain.access import Environment
from guichet.domain.errors import GuichetError, NotFound
from guichet.domain.orders import ProviderAccount
from guichet.outbound.client import GuardedClient
from guichet.rails.pix.account import parse_account
from guichet.rails.pix.api import Denied
from guichet.rails.pix.rail import Check, PixRail
from guichet.rails.port import RailUnavailable
from guichet.server import operations
from guichet.server.certificates import CERTIFICATE_MARGIN
from guichet.services import administration
from guichet.services.notices import notice_url
from guichet.settings import Settings
from guichet.store.database import Connection

Answer = TypeVar("Answer")

pix = App(name="pix", help="Applications' accounts at PSPs.")


class AccountTrouble(GuichetError):
    """The account cannot be used."""


def _option(meaning: str) -> Parameter:
    return Parameter(help=meaning)


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class NewAccount:
    """An account at a PSP as an operator names it; secrets come in files, never as arguments."""

    base_url: Annotated[str, _option("Where API Pix begins: https://pix.bank.example/api/v2.")]
    token_url: Annotated[str, _option("Where the PSP gives out access tokens.")]
    client_id: Annotated[str, _option("OAuth client id.")]
    client_secret_file: Annotated[Path, _option("File that holds the OAuth client secret alone.")]
    pix_key: Annotated[str, _option("The payee's key: CPF, CNPJ, telephone, e-mail or random.")]
    city: Annotated[str, _option("The payee's city, for the codes.")]
    certificate: Annotated[Path | None, _option("File (PEM) of our client certificate.")] = None
    key: Annotated[Path | None, _option("File (PEM) of its private key, not encrypted.")] = None
    ca: Annotated[
        Path | None, _option("File (PEM) of the PSP's authorities; the system's unless given.")
    ] = None
    merchant_name: Annotated[str, _option("The name in the codes; the payee's unless given.")] = ""
    scope: Annotated[
        str | None, _option("OAuth scopes to ask for, if they are not those of the API's file.")
    ] = None
    webhook_subject: Annotated[
        str,
        _option(
            "Subject (RFC 4514) of the certificate with which the PSP delivers notices. Without it "
            "no notice is believed, and payments are found by asking alone."
        ),
    ] = ""

    def fields(self) -> dict[str, str]:
        """The account's settings as the connector knows them, files read."""
        return {
            "base_url": self.base_url,
            "token_url": self.token_url,
            "client_id": self.client_id,
            "client_secret": _content(self.client_secret_file),
            "pix_key": self.pix_key,
            "city": self.city,
            "certificate": _content(self.certificate),
            "private_key": _content(self.key),
            "ca": _content(self.ca),
            "merchant_name": self.merchant_name,
            "webhook_subject": self.webhook_subject,
            **({} if self.scope is None else {"scope": self.scope}),
        }


@pix.command
def connect(*, application: UUID, account: NewAccount, register_webhook: bool = False) -> None:
    """Give an application an account of its own at a PSP, in place of the one it had.

    Certificate and key are read now and stored sealed. Payments under way stay with the account
    they were begun at.

    Parameters
    ----------
    register_webhook
        Tell the PSP where to send notices, in place of the address that the key has there.
    """
    settings = read_settings()
    vault = operations.open_vault(settings)
    fields = account.fields()

    async def store(connection: Connection) -> tuple[Environment, ProviderAccount]:
        environment = await administration.application_environment(connection, application)
        parse_account(fields, environment)
        account_id = await administration.connect_account(
            connection, vault, application, PIX, fields, now()
        )
        return environment, ProviderAccount(account_id, fields)

    environment, connected = with_database(store)
    url = notice_url(settings.notices_base_url, vault, PIX, environment, connected.id)
    print(f"account: {connected.id}")
    print(f"webhook: {url}")
    if register_webhook:
        _ask(settings, environment, lambda rail: rail.register_webhook(connected, url))
        print("The PSP sends its notices there from now on.")


@pix.command
def check(*, application: UUID) -> None:
    """Ask an application's PSP for a token and a harmless read; say what is wrong."""
    settings = read_settings()
    vault = operations.open_vault(settings)

    async def read(connection: Connection) -> tuple[Environment, ProviderAccount]:
        environment = await administration.application_environment(connection, application)
        account = await administration.account_in_use(connection, vault, application, PIX)
        if account is None:
            raise NotFound("PIX account of application", str(application))
        return environment, account

    environment, account = with_database(read)
    found = _ask(settings, environment, lambda rail: rail.check(account))
    url = notice_url(settings.notices_base_url, vault, PIX, environment, account.id)
    wrong = list(_doubts(account, found, url))
    print("The PSP gives a token and answers.")
    for doubt in wrong:
        print(f"wrong: {doubt}")
    if wrong:
        sys.exit(1)


def _doubts(account: ProviderAccount, found: Check, url: str) -> Iterator[str]:
    expires_at = found.certificate_expires_at
    if expires_at is not None and expires_at < now() + CERTIFICATE_MARGIN:
        yield f"our certificate there expires on {expires_at:%Y-%m-%d}"
    if not account.settings.get("webhook_subject"):
        yield "no webhook subject is set: no notice is believed, payments are found by asking"
    elif found.webhook_url != url:
        where = "elsewhere" if found.webhook_url else "nowhere"
        yield f"the PSP sends notices {where}: connect again with --register-webhook"


def _ask(
    settings: Settings, environment: Environment, ask: Callable[[PixRail], Awaitable[Answer]]
) -> Answer:
    async def asked() -> Answer:
        async with GuardedClient() as client:
            return await ask(pix_rail(settings, client, environment, None))

    try:
        return asyncio.run(asked())
    except RailUnavailable as error:
        raise AccountTrouble(f"the PSP cannot be asked: {error}") from error
    except Denied as error:
        raise AccountTrouble(f"the PSP says no: {error}") from error


def _content(file: Path | None) -> str:
    if file is None:
        return ""
    try:
        return file.read_text("utf-8").strip()
    except UnicodeDecodeError as error:
        raise AccountTrouble(f"{file} is not a text file") from error
    except OSError as error:
        raise AccountTrouble(f"{file} cannot be read: {error.strerror}") from error
