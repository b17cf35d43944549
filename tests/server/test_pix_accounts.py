"""Applications with an account of their own at a PSP, as operators of production connect them."""

from __future__ import annotations

import asyncio
import re
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import pytest
import pytest_asyncio
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from conftest import DatabaseUrls, fresh_database
from gateways import (
    APPLICATION_ID,
    OTHER_APPLICATION_ID,
    OTHER_TOKEN,
    SECRET_KEY,
    TOKEN,
    seed,
)
from guichet.embedded import Endpoints
from guichet.server import accounts
from guichet.server.provider_accounts import AccountTrouble
from guichet.settings import Settings
from guichet.torture.providers import PixSimulator, simulating_pix
from guichet.vault import Vault
from relay import judging_hooks
from server.programs import free_port, guichet, running

pytestmark = pytest.mark.asyncio(loop_scope="module")

_PATIENCE_SECONDS = 30.0


@dataclass
class Installation:
    """A database, a PSP, and the operator's commands."""

    urls: DatabaseUrls
    psp: PixSimulator
    folder: Path
    notices_port: int

    @property
    def settings(self) -> dict[str, object]:
        return {
            "database_url": self.urls.serving_url,
            "owner_database_url": self.urls.owner_url,
            "secret_keys": SECRET_KEY,
            "notices_url": f"https://127.0.0.1:{self.notices_port}",
        }

    def command(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        return guichet(*map(str, arguments), **self.settings)

    def connect(self, *more: object, **changes: object) -> subprocess.CompletedProcess[str]:
        """`guichet pix connect` with the PSP's account; None leaves an option out."""
        account = self.psp.account
        secret = self.folder / "client-secret"
        secret.write_text(account["pix_sandbox_client_secret"] + "\n")
        options: dict[str, object] = {
            "application": APPLICATION_ID,
            "base_url": account["pix_sandbox_url"],
            "token_url": account["pix_sandbox_token_url"],
            "client_id": account["pix_sandbox_client_id"],
            "client_secret_file": secret,
            "certificate": account["pix_sandbox_certificate"],
            "key": account["pix_sandbox_private_key"],
            "ca": account["pix_sandbox_ca"],
            "pix_key": account["pix_sandbox_pix_key"],
            "city": account["pix_sandbox_city"],
            "webhook_subject": account["pix_sandbox_webhook_subject"],
        } | changes
        arguments = [
            part
            for name, value in options.items()
            if value is not None
            for part in (f"--{name.replace('_', '-')}", value)
        ]
        return self.command("pix", "connect", *arguments, *more)

    async def accounts(self) -> list[Any]:
        connection = await asyncpg.connect(self.urls.owner_url)
        try:
            return list(
                await connection.fetch("SELECT * FROM provider_accounts ORDER BY created_at, id")
            )
        finally:
            await connection.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def installation(
    cluster_endpoints: Endpoints, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Installation]:
    folder = tmp_path_factory.mktemp("pix")
    async with fresh_database(cluster_endpoints) as urls, simulating_pix(folder / "psp") as psp:
        await seed(urls.owner_url)
        yield Installation(urls, psp, folder, free_port())


def order(email: str) -> dict[str, object]:
    return {
        "serviceId": "pix",
        "payment": {"amount": 20.5, "currency": "BRL"},
        "customer": {"email": email, "country": "BR", "tax_number": "06372771390"},
    }


async def test_production_is_paid_at_the_account_that_was_connected(
    installation: Installation,
) -> None:
    psp = installation.psp
    serving = {
        **installation.settings,
        "notices_tls_port": installation.notices_port,
        **psp.notices,
    }
    headers = {"x-app-key": str(APPLICATION_ID), "authorization": TOKEN}
    with running("serve", **serving) as server, running("work", **installation.settings):
        await server.until_healthy()
        async with httpx2.AsyncClient(
            base_url=server.url,
            headers=headers,
            trust_env=False,
            event_hooks=judging_hooks(),
        ) as client:
            before = await client.post("/api/payments", json=order("early@example.com"))
            assert before.status_code == 422, before.text

            said = installation.connect("--register-webhook")
            assert said.returncode == 0, said.stderr
            assert "The PSP sends its notices there" in said.stdout
            assert installation.command("pix", "check", "--application", APPLICATION_ID).stdout == (
                "The PSP gives a token and answers.\n"
            )

            async with asyncio.timeout(_PATIENCE_SECONDS):  # keys and accounts are renewed
                while (
                    made := await client.post("/api/payments", json=order("maria@example.com"))
                ).status_code != 200:
                    await asyncio.sleep(0.1)
            payment = made.json()["payment"]
            await psp.control("pay", code=payment["qr_code"])
            async with asyncio.timeout(_PATIENCE_SECONDS):
                while await status(client, payment) != "completed":
                    await asyncio.sleep(0.05)
    (sent,) = (await psp.state())["webhook"]["sent"]
    assert sent["answer"] == 200
    account_id = (await installation.accounts())[-1]["id"]
    assert f"/notices/pix/sandbox/{account_id.hex}/" in sent["url"]
    assert "hold" in installation.command("ledger", "audit").stdout


async def status(client: httpx2.AsyncClient, payment: dict[str, Any]) -> str:
    word: str = (await client.get(f"/api/payments/{payment['id']}")).json()["payment"]["status"]
    return word


async def test_a_new_account_replaces_the_one_in_use_and_nothing_secret_is_seen(
    installation: Installation,
) -> None:
    said = installation.connect(city="RECIFE")

    rows = await installation.accounts()
    assert [row["replaced_at"] is None for row in rows[-2:]] == [False, True]
    secret = installation.psp.account["pix_sandbox_client_secret"]
    assert secret not in said.stdout + said.stderr
    assert "PRIVATE KEY" not in said.stdout + said.stderr
    assert secret.encode() not in rows[-1]["settings"]
    opened = Vault([SECRET_KEY]).open(rows[-1]["settings"]).decode()
    assert all(part in opened for part in ("RECIFE", secret, "PRIVATE KEY"))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"base_url": "ftp://psp.example", "pix_key": "not a key"}, "base_url: .*; pix_key: must"),
        ({"key": None}, "private_key: is required"),
        ({"client_secret_file": "/nonexistent"}, "/nonexistent cannot be read"),
        ({"application": "98e2fe88-3a95-4c7c-a98f-dfa5192b85f9"}, "no application"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else "",
)
async def test_an_account_that_cannot_be_used_is_refused_with_the_reason(
    installation: Installation, changes: dict[str, object], said: str
) -> None:
    before = len(await installation.accounts())

    done = installation.connect(**changes)

    assert done.returncode == 1
    assert re.search(said, done.stderr)
    assert "Traceback" not in done.stderr
    assert len(await installation.accounts()) == before


async def look(installation: Installation, **changes: str) -> list[str]:
    """Connect the PSP's account with changes, and look at it; without programs, which take time."""
    settings = Settings(
        database_url=installation.urls.serving_url,
        owner_database_url=installation.urls.owner_url,
        secret_keys=SECRET_KEY,
    )
    account = installation.psp.account
    fields = {name.removeprefix("pix_sandbox_"): text for name, text in account.items()}
    fields["base_url"] = fields.pop("url")
    for name in ("certificate", "private_key", "ca"):
        fields[name] = Path(fields[name]).read_text()
    await asyncio.to_thread(accounts.connect, settings, APPLICATION_ID, fields | changes)
    return await asyncio.to_thread(accounts.look, settings, APPLICATION_ID)


async def test_a_look_at_an_account_says_what_is_wrong(installation: Installation) -> None:
    (webhook,) = await look(installation)
    assert "the PSP sends notices" in webhook
    (subject,) = await look(installation, webhook_subject="")
    assert "no webhook subject is set" in subject
    with pytest.raises(AccountTrouble, match="cannot be asked: POST token: 401"):
        await look(installation, client_secret="wrong")
    with pytest.raises(AccountTrouble, match="no connection"):
        await look(installation, token_url="https://127.0.0.1:1/token")
    with pytest.raises(AccountTrouble, match="GET /pix: 404"):
        await look(installation, base_url=installation.psp.api_url)


async def test_the_psp_of_the_settings_is_looked_at_too(installation: Installation) -> None:
    settings = {**installation.settings, **installation.psp.account}

    done = guichet("pix", "check", **settings)

    assert "The PSP gives a token and answers." in done.stdout
    assert f"{installation.settings['notices_url']}/notices/pix/sandbox/default/" in done.stdout
    assert installation.command("pix", "check").stderr == (
        "guichet: GUICHET_PIX_SANDBOX_URL is not set: name an application\n"
    )


async def test_a_sandbox_of_one_s_own_is_worked_off_by_a_process_beside_it(
    installation: Installation, tmp_path: Path
) -> None:
    settings = {
        **installation.settings,
        "data_dir": tmp_path,
        "pix_simulator_port": free_port(),
        "notices_url": "",
    }
    headers = {"x-app-key": str(OTHER_APPLICATION_ID), "authorization": OTHER_TOKEN}
    with running("serve", "--simulators", **settings) as server:
        await server.until_healthy()
        with running("work", **settings):
            async with httpx2.AsyncClient(
                base_url=server.url,
                headers=headers,
                trust_env=False,
                event_hooks=judging_hooks(),
            ) as client:
                made = await client.post("/api/payments", json=order("ana@example.com"))
                assert made.status_code == 200, made.text
                payment = made.json()["payment"]
                paid = {"code": payment["qr_code"], "scenario": "silent"}
                await client.post("/simulators/pix/_control/pay", json=paid)
                async with asyncio.timeout(_PATIENCE_SECONDS):
                    while await status(client, payment) != "completed":
                        await asyncio.sleep(0.05)


async def test_the_doctor_sees_a_certificate_that_ends_soon(installation: Installation) -> None:
    certificate, key = pair(installation.folder, days=10)
    installation.connect(certificate=certificate, key=key)
    settings = installation.settings | {
        "notices_tls_certificate": certificate,
        "notices_tls_key": key,
        "notices_tls_ca": certificate,
    }
    key.chmod(0o644)

    done = guichet("doctor", **settings)

    ends = f"{datetime.now(UTC) + timedelta(days=10):%Y-%m-%d}"
    assert done.returncode == 1
    assert f"PIX account of Tests ({APPLICATION_ID}): its certificate expires on {ends}" in (
        done.stdout
    )
    assert f"{certificate} expires on {ends}" in done.stdout
    assert f"{key} can be read by others" in done.stdout


def pair(folder: Path, days: int) -> tuple[Path, Path]:
    """A certificate of its own signature that ends in so many days, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "guichet tests")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=days))
        .sign(key, hashes.SHA256())
    )
    files = folder / "short.pem", folder / "short.key"
    files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return files


async def test_refunds_of_a_payment_that_is_not_there_are_a_sentence(
    installation: Installation,
) -> None:
    done = installation.command("refund", "create", "98e2fe88-3a95-4c7c-a98f-dfa5192b85f9")

    assert done.returncode == 1
    assert done.stderr == "guichet: no payment 98e2fe88-3a95-4c7c-a98f-dfa5192b85f9\n"
