"""What an operator types, on a test's own database."""

from __future__ import annotations

import subprocess
from uuid import UUID

from conftest import DatabaseUrls
from gateways import SECRET_KEY
from server.programs import guichet


def command(urls: DatabaseUrls, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command, run to its end."""
    return guichet(
        *arguments,
        database_url=urls.serving_url,
        owner_database_url=urls.owner_url,
        secret_keys=SECRET_KEY,
    )


def create_application(
    urls: DatabaseUrls, merchant_id: UUID, *options: str
) -> subprocess.CompletedProcess[str]:
    """``guichet application create``, for Notch Pay's dialect in sandbox."""
    return command(
        urls, "application", "create", str(merchant_id), "Shop", "--environment", "sandbox",
        "--dialect", "notchpay", "--currency", "XAF", "--payee-name", "Boutique",
        "--payee-country", "CM", "--payee-bank", "Banque", "--payee-account",
        "CM2110002000300277976315008", "--payee-bic", "DEMOCMCX", *options,
    )  # fmt: skip
