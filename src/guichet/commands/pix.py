"""``guichet pix``: accounts of applications at PSPs.

What speaks to PSPs is imported when a command needs it: the others start in half the time.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from uuid import UUID

from cyclopts import App, Parameter

from guichet.commands.common import read_settings
from guichet.domain.errors import GuichetError

pix = App(name="pix", help="Applications' accounts at PSPs.")


class Unreadable(GuichetError):
    """A file cannot be read."""


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
    from guichet.server import accounts

    settings = read_settings()
    connected = accounts.connect(settings, application, account.fields())
    print(f"account: {connected.account.id}")
    print(f"webhook: {connected.webhook_url}")
    if register_webhook:
        accounts.register_webhook(settings, connected)
        print("The PSP sends its notices there from now on.")


@pix.command
def check(*, application: UUID | None = None) -> None:
    """Ask a PSP for a token and a harmless read; say what is wrong.

    Parameters
    ----------
    application
        Whose PSP; the one of GUICHET_PIX_SANDBOX_URL unless given.
    """
    from guichet.server import accounts

    wrong = accounts.look(read_settings(), application)
    print("The PSP gives a token and answers.")
    for problem in wrong:
        print(f"wrong: {problem}")
    if wrong:
        sys.exit(1)


def _content(file: Path | None) -> str:
    if file is None:
        return ""
    try:
        return file.read_text("utf-8").strip()
    except UnicodeDecodeError as error:
        raise Unreadable(f"{file} is not a text file") from error
    except OSError as error:
        raise Unreadable(f"{file} cannot be read: {error.strerror}") from error
