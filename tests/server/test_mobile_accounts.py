"""Accounts at operators and at Notch Pay, as an operator's commands connect and check them."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio

from conftest import DatabaseUrls, fresh_database
from gateways import APPLICATION_ID, SECRET_KEY, seed
from guichet.commands.mobile_money import Unreadable, connect
from guichet.domain.errors import NotFound
from guichet.embedded import Endpoints
from guichet.server import mobile_accounts
from guichet.server.provider_accounts import AccountTrouble
from guichet.settings import Settings
from guichet.vault import Vault
from rails.mobile.stage import gsma_account, mtn_account
from rails.mobile.stage import simulator as operators
from rails.notchpay.stage import account_at
from rails.notchpay.stage import simulator as aggregator
from server.programs import guichet

NOTICES = "https://pay.example"
NO_DISBURSEMENT = {
    f"disbursement_{part}": "" for part in ("subscription_key", "api_user", "api_key")
}


@dataclass
class Installation:
    """A database, what providers give to an application, and the operator's commands."""

    urls: DatabaseUrls
    accounts: dict[str, dict[str, str]]
    folder: Path

    @property
    def settings(self) -> dict[str, Any]:
        return {
            "database_url": self.urls.serving_url,
            "owner_database_url": self.urls.owner_url,
            "secret_keys": SECRET_KEY,
            "notices_url": NOTICES,
        }

    def command(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        return guichet("mobile-money", *map(str, arguments), **self.settings)

    def file(self, rail: str, **changes: str) -> Path:
        """The account's settings as an operator writes them down."""
        fields = self.accounts[rail] | changes
        lines = ["# what the provider gave us", ""]
        lines += [f"{name} = {value}" for name, value in fields.items() if value]
        file = self.folder / f"{rail}.account"
        file.write_text("\n".join(lines))
        return file

    async def checked(self, rail: str, **changes: str) -> list[str]:
        """Connect the account with changes, and check it; without programs, which take time."""
        settings = Settings(**self.settings)
        fields = self.accounts[rail] | changes
        await asyncio.to_thread(mobile_accounts.connect, settings, rail, APPLICATION_ID, fields)
        return await asyncio.to_thread(mobile_accounts.look, settings, rail, APPLICATION_ID)

    async def stored(self) -> list[Any]:
        connection = await asyncpg.connect(self.urls.owner_url)
        try:
            return list(await connection.fetch("SELECT * FROM provider_accounts ORDER BY id"))
        finally:
            await connection.close()


@pytest.fixture(scope="module")
def accounts() -> Iterator[dict[str, dict[str, str]]]:
    with operators() as operators_url, aggregator() as aggregator_url:
        yield {
            "mtn": asdict(mtn_account(operators_url)),
            "gsma": asdict(gsma_account(operators_url)),
            "notchpay": asdict(account_at(aggregator_url)),
        }


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def installation(
    cluster_endpoints: Endpoints,
    accounts: dict[str, dict[str, str]],
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Installation]:
    async with fresh_database(cluster_endpoints) as urls:
        await seed(urls.owner_url)
        yield Installation(urls, accounts, tmp_path_factory.mktemp("accounts"))


@pytest.mark.asyncio(loop_scope="module")
async def test_account_at_notch_pay_is_connected_told_of_us_and_checked(
    installation: Installation,
) -> None:
    file = installation.file("notchpay")
    options = ("--application", APPLICATION_ID, "--settings-file", file, "--register-webhook")

    said = installation.command("connect", "notchpay", *options)

    assert said.returncode == 0, said.stderr
    row = (await installation.stored())[-1]
    address = f"{NOTICES}/notices/notchpay/sandbox/{row['id'].hex}/"
    assert f"account: {row['id']}\nwebhook: {address}" in said.stdout
    assert "Notch Pay sends its notices there" in said.stdout
    secret = installation.accounts["notchpay"]["private_key"]
    assert secret not in said.stdout + said.stderr
    assert secret.encode() not in row["settings"]
    assert secret in Vault([SECRET_KEY]).open(row["settings"]).decode()
    checked = installation.command("check", "notchpay", "--application", APPLICATION_ID)
    assert checked.stdout == "The provider knows the account and answers.\n"


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("rail", "changes", "wrong"),
    [
        ("mtn", {}, []),
        ("mtn", NO_DISBURSEMENT, ["no disbursement"]),
        ("gsma", {}, []),
        ("notchpay", {"private_key": ""}, ["no private key"]),
        ("notchpay", {"hash_key": ""}, ["no hash key"]),
        ("notchpay", {}, [f"does not send its notices to {NOTICES}"]),
    ],
    ids=str,
)
async def test_a_look_at_an_account_says_what_is_wrong(
    installation: Installation, rail: str, changes: dict[str, str], wrong: list[str]
) -> None:
    found = await installation.checked(rail, **changes)

    assert len(found) == len(wrong)
    assert all(part in said for part, said in zip(wrong, found, strict=True))


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("rail", "changes"),
    [
        ("mtn", {"collection_api_key": "wrong"}),
        ("gsma", {"client_secret": "wrong"}),
        ("notchpay", {"private_key": "sk_test.wrong"}),
        ("notchpay", {"public_key": "pk_test.wrong"}),
        ("notchpay", {"base_url": "http://127.0.0.1:1"}),
    ],
    ids=str,
)
async def test_an_account_that_a_provider_does_not_know_is_said_to_be_one(
    installation: Installation, rail: str, changes: dict[str, str]
) -> None:
    with pytest.raises(AccountTrouble, match=f"{rail} cannot be asked"):
        await installation.checked(rail, **changes)


@pytest.mark.asyncio(loop_scope="module")
async def test_wrong_settings_are_named_and_nothing_is_stored(installation: Installation) -> None:
    before = len(await installation.stored())

    with pytest.raises(AccountTrouble, match=r"base_url: .*; public_key: is required"):
        await installation.checked("notchpay", base_url="ftp://x", public_key="")

    assert len(await installation.stored()) == before


@pytest.mark.asyncio(loop_scope="module")
async def test_an_application_that_is_not_there_has_no_account(installation: Installation) -> None:
    settings = Settings(**installation.settings)
    for rail in ("mtn", "gsma", "notchpay"):
        with pytest.raises(NotFound, match="no application"):
            await asyncio.to_thread(mobile_accounts.look, settings, rail, uuid4())


@pytest.mark.parametrize(
    ("content", "register", "said"),
    [
        (None, False, "cannot be read"),
        (b"\xff", False, "is not a text file"),
        (b"# comment\ncanary-secret\n", False, "line 2: not a line of the form name = value"),
        (b"client_id = x", True, "told with each order"),
    ],
    ids=range(4),
)
def test_a_file_that_holds_no_settings_is_a_sentence_without_secrets(
    tmp_path: Path, content: bytes | None, said: str, *, register: bool
) -> None:
    file = tmp_path / "gsma.account"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(Unreadable, match=said) as refused:
        connect("gsma", application=uuid4(), settings_file=file, register_webhook=register)

    assert "canary" not in str(refused.value)
