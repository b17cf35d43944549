"""Merchants of the installation that is tortured, made by the release's own commands."""

from __future__ import annotations

import asyncio
import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from guichet.torture.calls import Merchant, Shop
from guichet.torture.programs import command
from guichet.torture.providers import AggregatorSimulator, OperatorSimulator, PixSimulator
from guichet.torture.receiver import Hook, write_hooks
from guichet.torture.told import NOTCHPAY_EVENTS

_PAYEE = {
    "--payee-name": "John Doe",
    "--payee-country": "GB",
    "--payee-bank": "MODELO",
    "--payee-account": "DE89370400440532013000",
    "--payee-bic": "AACSDE33",
    "--environment": "sandbox",
    "--requests-per-minute": "0",
}


def secret_key() -> str:
    """A fresh key for ``GUICHET_SECRET_KEYS``."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


@dataclass(frozen=True)
class Application:
    """An application and its credentials; ``public_key`` is Notch Pay's alone.

    ``secret`` verifies what Neopay's receivers are told, ``public_key`` and ``key`` are sent.
    """

    id: UUID
    dialect: str
    key: str
    secret: str
    public_key: str = ""


@dataclass
class Receivers:
    """The merchants' receivers: where they listen, and what is behind each path."""

    port: int
    book: Path
    file: Path
    hooks: dict[str, Hook] = field(default_factory=dict)

    def url(self, path: str) -> str:
        """The address of a path."""
        return f"http://127.0.0.1:{self.port}{path}"

    def open(self, path: str, hook: Hook) -> str:
        """Listen at ``path``; returns its address."""
        self.hooks[path] = hook
        write_hooks(self.file, self.hooks)
        return self.url(path)


async def migrate(settings: Mapping[str, str]) -> None:
    """Bring the tables to the release's version."""
    await command(settings, "migrate")


async def applications(settings: Mapping[str, str]) -> list[Application]:
    """Two of Neopay's, the second with a fee, and two of Notch Pay's."""
    merchant = (await command(settings, "merchant", "create", "Torture")).strip()
    wanted: tuple[tuple[str, str, dict[str, str]], ...] = (
        ("neopay", "GBP", {}),
        ("neopay", "GBP", {"--fee-percent-bps": "200", "--fee-fixed-minor": "10"}),
        ("notchpay", "XAF", {}),
        ("notchpay", "XAF", {}),
    )
    made = [
        command(
            settings,
            *("application", "create", merchant, "Torture"),
            *("--dialect", dialect, "--currency", currency),
            *(word for pair in {**_PAYEE, **options}.items() for word in pair),
        )
        for dialect, currency, options in wanted
    ]
    said = await asyncio.gather(*made)
    return [_read(dialect, text) for (dialect, _, _), text in zip(wanted, said, strict=True)]


def _read(dialect: str, text: str) -> Application:
    lines = (line.partition(":") for line in text.splitlines())
    values = {name.strip(): value.strip() for name, _, value in lines}
    if dialect == "neopay":
        id_, key = UUID(values["x-app-key"]), values["Authorization"]
        return Application(id_, dialect, key, values["webhook secret"])
    id_, hash_key = UUID(values["application"]), values["hash key"]
    return Application(id_, dialect, values["private key"], hash_key, values["public key"])


async def connect_pix(
    settings: Mapping[str, str], application: Application, psp: PixSimulator, folder: Path
) -> None:
    """Give the application an account at the simulated PSP, which then sends notices."""
    account = psp.account
    secret_file = folder / "pix-secret"
    secret_file.write_text(account["pix_sandbox_client_secret"])
    said = await command(
        settings,
        *("pix", "connect", "--application", str(application.id)),
        *("--base-url", account["pix_sandbox_url"]),
        *("--token-url", account["pix_sandbox_token_url"]),
        *("--client-id", account["pix_sandbox_client_id"]),
        *("--client-secret-file", str(secret_file)),
        *("--pix-key", account["pix_sandbox_pix_key"]),
        *("--city", account["pix_sandbox_city"]),
        *("--certificate", account["pix_sandbox_certificate"]),
        *("--key", account["pix_sandbox_private_key"]),
        *("--ca", account["pix_sandbox_ca"]),
        *("--webhook-subject", account["pix_sandbox_webhook_subject"]),
    )
    (url,) = [line.split()[1] for line in said.splitlines() if line.startswith("webhook:")]
    await psp.control("webhook", url=url)


async def connect_mobile_money(
    settings: Mapping[str, str],
    application: Application,
    rail: str,
    simulator: OperatorSimulator | AggregatorSimulator,
    folder: Path,
) -> None:
    """Give the application an account at an operator or at Notch Pay, which then sends notices."""
    file = folder / f"{rail}.account"
    file.write_text(simulator.settings_file)
    await command(
        settings,
        *("mobile-money", "connect", rail),
        *("--application", str(application.id), "--settings-file", str(file)),
        *(("--register-webhook",) if isinstance(simulator, AggregatorSimulator) else ()),
    )


def neopay_merchant(url: str, application: Application) -> Merchant:
    """A merchant's server that gives up waiting before the payer does."""
    return Merchant(url, application.id, application.key, timeout_seconds=5)


def notchpay_shop(url: str, application: Application) -> Shop:
    """The same for Notch Pay."""
    return Shop(url, application.public_key, application.key, timeout_seconds=5)


async def listen(receivers: Receivers, shop: Shop, application: Application, path: str) -> None:
    """Keep an endpoint of the shop at ``path``, subscribed to what the books compare."""
    answer = await shop.call(
        "POST", "/webhooks", url=receivers.url(path), events=list(NOTCHPAY_EVENTS)
    )
    kept = answer.json()
    secret = (kept.get("endpoint") or kept.get("webhook") or kept)["secret"]
    receivers.open(path, Hook(secret, application.secret))
