from __future__ import annotations

import re
import subprocess
from typing import Any

import asyncpg
import pytest

from conftest import DatabaseUrls
from gateways import running_gateway
from guichet.domain.access import Environment, KeyRole
from guichet.domain.errors import Unauthenticated
from guichet.services.access import identify, identify_by_key
from guichet.store.audit import INVARIANTS
from guichet.vault import Vault
from server.programs import SECRET_KEY, guichet


def command(urls: DatabaseUrls, *arguments: str) -> subprocess.CompletedProcess[str]:
    return guichet(
        *arguments,
        database_url=urls.serving_url,
        owner_database_url=urls.owner_url,
        secret_keys=SECRET_KEY,
    )


def create(urls: DatabaseUrls, environment: str = "sandbox", currency: str = "EUR") -> Any:
    """A merchant's application as the operator makes it; what its developer is told."""
    merchant = command(urls, "merchant", "create", "Bakery", "--country", "FR").stdout.strip()
    return command(
        urls, "application", "create", merchant, "Shop", "--environment", environment,
        "--currency", currency, "--payee-name", "Bakery SARL", "--payee-country", "FR",
        "--payee-bank", "CIC", "--payee-account", "FR7630006000011234567890189",
        "--payee-bic", "CMCIFRPP", "--fee-percent-bps", "150",
    )  # fmt: skip


def credentials(said: str) -> tuple[str, str, str]:
    found = re.search(r"x-app-key: +(\S+)\nAuthorization: +(\S+)\nwebhook secret: (\S+)\n", said)
    assert found, said
    application_id, key, secret = found.groups()
    return application_id, key, secret


async def may_enter(urls: DatabaseUrls, application_id: str, key: str) -> bool:
    async with running_gateway(urls.serving_url) as gateway:
        try:
            return str(identify(gateway, application_id, key).application.id) == application_id
        except Unauthenticated:
            return False


async def test_a_new_application_can_enter_with_its_key(database_urls: DatabaseUrls) -> None:
    application_id, key, _ = credentials(create(database_urls).stdout)

    assert re.fullmatch(r"np_test\.[A-Za-z0-9_-]{43}", key)
    async with running_gateway(database_urls.serving_url) as gateway:
        application = identify(gateway, application_id, key).application
    assert application.name == "Shop"
    assert application.environment is Environment.SANDBOX
    assert application.payee.account == "FR7630006000011234567890189"
    assert application.fee_rule is not None
    assert application.fee_rule.percent_bps == 150


def test_keys_of_live_applications_say_so(database_urls: DatabaseUrls) -> None:
    assert credentials(create(database_urls, "live").stdout)[1].startswith("np_live.")


async def test_neither_key_nor_webhook_secret_is_stored_in_clear(
    database_urls: DatabaseUrls,
) -> None:
    _, key, secret = credentials(create(database_urls).stdout)
    connection = await asyncpg.connect(database_urls.owner_url)
    rows = [
        repr(tuple(row))
        for table in ("merchants", "payees", "applications", "api_keys", "fee_rules")
        for row in await connection.fetch(f"SELECT * FROM {table}")
    ]
    sealed = await connection.fetchval("SELECT webhook_secret FROM applications")
    await connection.close()

    assert len(rows) == 5
    assert not any(key in row or secret.removeprefix("whsec_") in row for row in rows)
    assert len(Vault([SECRET_KEY]).open(sealed)) == 32


async def test_a_second_key_leaves_the_first(database_urls: DatabaseUrls) -> None:
    application_id, first, _ = credentials(create(database_urls).stdout)
    second = command(database_urls, "key", "create", application_id).stdout.strip()

    assert await may_enter(database_urls, application_id, first)
    assert await may_enter(database_urls, application_id, second)


async def test_a_rotation_ends_all_former_keys(database_urls: DatabaseUrls) -> None:
    application_id, first, _ = credentials(create(database_urls).stdout)
    rotated = command(database_urls, "key", "rotate", application_id)

    assert rotated.stderr == f"revoked: {first[:14]}\n"
    assert not await may_enter(database_urls, application_id, first)
    assert await may_enter(database_urls, application_id, rotated.stdout.strip())


async def test_a_key_is_revoked_by_its_beginning(database_urls: DatabaseUrls) -> None:
    application_id, first, _ = credentials(create(database_urls).stdout)
    second = command(database_urls, "key", "create", application_id).stdout.strip()

    assert command(database_urls, "key", "revoke", application_id, first[:14]).returncode == 0
    assert not await may_enter(database_urls, application_id, first)
    assert await may_enter(database_urls, application_id, second)


def test_a_webhook_secret_is_replaced(database_urls: DatabaseUrls) -> None:
    application_id, _, secret = credentials(create(database_urls).stdout)
    said = command(database_urls, "key", "rotate", application_id, "--webhook").stdout.strip()

    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", said)
    assert said != secret


def create_notchpay(urls: DatabaseUrls, environment: str, *more: str) -> dict[str, str]:
    """A Notch Pay application as the operator makes it; what its developer is told, by name."""
    merchant = command(urls, "merchant", "create", "Boutique", "--country", "CM").stdout.strip()
    said = command(
        urls, "application", "create", merchant, "Boutique", "--environment", environment,
        "--dialect", "notchpay", "--currency", "XAF", "--payee-name", "Boutique SARL",
        "--payee-country", "CM", "--payee-bank", "Banque", "--payee-account", "CM21100020003002",
        "--payee-bic", "DEMOCMCX", *more,
    ).stdout  # fmt: skip
    return dict(re.findall(r"^([a-z ]+): +(\S+)$", said, re.MULTILINE))


@pytest.mark.parametrize(("environment", "word"), [("sandbox", "_test."), ("live", ".")])
async def test_a_notch_pay_application_has_three_keys_that_say_their_environment(
    database_urls: DatabaseUrls, environment: str, word: str
) -> None:
    said = create_notchpay(database_urls, environment)

    for name, kind in (("public key", "pk"), ("private key", "sk"), ("hash key", "hsk")):
        assert re.fullmatch(rf"{kind}{re.escape(word)}[A-Za-z0-9_-]{{43}}", said[name])
    async with running_gateway(database_urls.serving_url) as gateway:
        public = identify_by_key(gateway, said["public key"], "notchpay")
        private = identify_by_key(gateway, said["private key"], "notchpay")
    assert (public.role, private.role) == (KeyRole.PUBLIC, KeyRole.SECRET)
    assert str(public.application.id) == str(private.application.id) == said["application"]
    assert public.application.environment == environment


async def test_what_signs_for_notch_pay_is_stored_sealed(database_urls: DatabaseUrls) -> None:
    said = create_notchpay(database_urls, "sandbox")
    connection = await asyncpg.connect(database_urls.owner_url)
    hash_key = await connection.fetchval("SELECT webhook_secret FROM applications")
    keys = {
        row["role"]: row["sealed"]
        for row in await connection.fetch("SELECT role, sealed FROM api_keys")
    }
    await connection.close()

    vault = Vault([SECRET_KEY])
    assert vault.open(hash_key) == said["hash key"].encode()
    assert vault.open(keys["secret"]) == said["private key"].encode()
    assert keys["public"] is None


async def test_lists_of_a_live_application_are_opened_to_its_public_key(
    database_urls: DatabaseUrls,
) -> None:
    said = create_notchpay(database_urls, "live", "--public-key-reads")

    async with running_gateway(database_urls.serving_url) as gateway:
        caller = identify_by_key(gateway, said["public key"], "notchpay")
    assert caller.application.public_key_reads


async def test_keys_of_one_role_are_rotated_alone(database_urls: DatabaseUrls) -> None:
    said = create_notchpay(database_urls, "sandbox")
    rotated = command(database_urls, "key", "rotate", said["application"], "--role", "public")
    hash_key = command(database_urls, "key", "rotate", said["application"], "--webhook").stdout

    assert rotated.stderr == f"revoked: {said['public key'][:14]}\n"
    assert rotated.stdout.startswith("pk_test.")
    assert hash_key.startswith("hsk_test.")
    async with running_gateway(database_urls.serving_url) as gateway:
        identify_by_key(gateway, rotated.stdout.strip(), "notchpay")
        identify_by_key(gateway, said["private key"], "notchpay")
        with pytest.raises(Unauthenticated):
            identify_by_key(gateway, said["public key"], "notchpay")


def test_applications_of_neopay_have_no_public_keys(database_urls: DatabaseUrls) -> None:
    application_id, _, _ = credentials(create(database_urls).stdout)
    done = command(database_urls, "key", "create", application_id, "--role", "public")

    assert (done.returncode, done.stderr) == (1, "guichet: role: unknown\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ("key", "create", "98e2fe88-3a95-4c7c-a98f-dfa5192b85f6"),
        ("key", "rotate", "98e2fe88-3a95-4c7c-a98f-dfa5192b85f6"),
        ("key", "rotate", "98e2fe88-3a95-4c7c-a98f-dfa5192b85f6", "--webhook"),
        ("key", "revoke", "98e2fe88-3a95-4c7c-a98f-dfa5192b85f6", "np_test."),
    ],
    ids=" ".join,
)
def test_what_is_not_there_is_a_sentence(
    database_urls: DatabaseUrls, arguments: tuple[str, ...]
) -> None:
    done = command(database_urls, *arguments)

    assert done.returncode == 1
    assert re.fullmatch(r"guichet: no (application|key) \S+\n", done.stderr)


def test_an_unknown_currency_is_refused(database_urls: DatabaseUrls) -> None:
    done = create(database_urls, currency="EURO")

    assert done.returncode == 1
    assert done.stderr == "guichet: currency: unknown\n"


def test_keys_for_sealing_are_made_by_the_program() -> None:
    Vault([guichet("key", "generate").stdout.strip()])


async def test_the_audits_exit_code_says_whether_the_books_are_sound(
    database_urls: DatabaseUrls,
) -> None:
    sound = command(database_urls, "ledger", "audit")
    assert (sound.returncode, sound.stdout) == (0, f"{len(INVARIANTS)} invariants hold.\n")

    connection = await asyncpg.connect(database_urls.superuser_url)
    await connection.execute(
        "INSERT INTO ledger_entries (id, environment, key, event, subject_id, occurred_at)"
        " VALUES (gen_random_uuid(), 'sandbox', 'empty', 'x', gen_random_uuid(), now())"
    )
    await connection.close()
    damaged = command(database_urls, "ledger", "audit")

    assert damaged.returncode == 1
    assert damaged.stdout == "every entry has postings: entry empty has no postings\n"
