"""The doctor: what it sees, what it only minds, and what makes an installation unfit."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from conftest import DatabaseUrls
from gateways import APPLICATION_ID, SECRET_KEY, seed
from guichet.server import examination
from guichet.server.examination import Finding, Verdict, examine
from guichet.settings import Settings
from guichet.store import checks, examinations
from guichet.vault import Vault
from server.programs import free_port, guichet

_TRANSFER = """
INSERT INTO transfers (id, application_id, environment, purpose, rail, channel, amount_minor,
    fee_minor, currency, status, approval, created_at, updated_at)
VALUES (gen_random_uuid(), $1, 'sandbox', $2, 'mtn', 'cm.mtn', 100, 0, 'XAF', 'initiated', $3,
    now(), now())
"""
OTHER_KEY = "b3RoZXJzIG9ubHksIG5ldmVyIGEgcmVhbCBzZWNyZXQ="


@pytest.fixture
async def settings(database_urls: DatabaseUrls) -> Settings:
    await seed(database_urls.owner_url)
    return Settings(
        database_url=database_urls.serving_url,
        owner_database_url=database_urls.owner_url,
        secret_keys=SECRET_KEY,
    )


@pytest.fixture
async def owner(database_urls: DatabaseUrls) -> AsyncIterator[asyncpg.Connection[Any]]:
    connection = await asyncpg.connect(database_urls.owner_url)
    yield connection
    await connection.close()


def bad(found: list[Finding]) -> list[tuple[str, Verdict]]:
    return [(each.name, each.verdict) for each in found if each.verdict is not Verdict.FINE]


async def test_a_sound_installation_is_fine_in_every_respect(settings: Settings) -> None:
    found = await examine(settings)

    assert bad(found) == []
    assert {each.name for each in found} == {
        "settings", "database", "secret keys", "clock", "connections", "work", "people", "notices",
        "webhooks", "books",
    }  # fmt: skip


async def test_keys_that_open_nothing_are_wrong(settings: Settings, monkeypatch: Any) -> None:
    monkeypatch.setattr(examination, "open_vault", lambda _: Vault([OTHER_KEY]))

    assert bad(await examine(settings)) == [("secret keys", Verdict.WRONG)]


async def test_a_clock_that_differs_is_wrong(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def earlier(_: object) -> datetime:
        return datetime.now(UTC) - timedelta(seconds=3)

    monkeypatch.setattr(checks, "database_time", earlier)

    assert bad(await examine(settings)) == [("clock", Verdict.WRONG)]


async def test_a_database_without_room_is_minded(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def few(_: object) -> int:
        return 3

    monkeypatch.setattr(examinations, "connections_left", few)

    assert bad(await examine(settings)) == [("connections", Verdict.MIND)]


async def test_a_provider_that_does_not_answer_is_wrong(
    settings: Settings, owner: asyncpg.Connection[Any]
) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    await owner.execute(
        "INSERT INTO provider_accounts (id, application_id, rail, settings, created_at)"
        " VALUES (gen_random_uuid(), $1, 'mtn', $2, now())",
        APPLICATION_ID,
        Vault([SECRET_KEY]).seal(json.dumps({"base_url": url}).encode()),
    )

    found = await examine(settings)

    assert bad(found) == [("providers", Verdict.WRONG)]
    assert url in next(each.said for each in found if each.name == "providers")


async def test_a_public_address_that_is_not_ours_is_wrong(settings: Settings) -> None:
    object.__setattr__(settings, "public_url", f"http://127.0.0.1:{free_port()}")

    assert bad(await examine(settings)) == [("public address", Verdict.WRONG)]


@pytest.mark.parametrize(("proxies", "minded"), [("", True), ("10.0.0.0/8", False)])
async def test_a_proxy_that_is_not_named_is_minded(
    settings: Settings, proxies: str, minded: bool
) -> None:
    object.__setattr__(settings, "public_url", "https://127.0.0.1:1")  # nobody is there
    object.__setattr__(settings, "trusted_proxies", proxies)
    assert (("proxies", Verdict.MIND) in bad(await examine(settings))) is minded


async def test_work_that_waits_is_wrong(settings: Settings, owner: asyncpg.Connection[Any]) -> None:
    await owner.execute(
        "INSERT INTO webhook_deliveries (id, event_id, application_id, url, status,"
        " next_attempt_at, created_at) VALUES (gen_random_uuid(), gen_random_uuid(), $1, 'http://127.0.0.1:9',"
        " 'pending', now() - interval '6 minutes', now())",
        APPLICATION_ID,
    )

    assert bad(await examine(settings)) == [("work", Verdict.WRONG)]


async def test_books_that_are_wrong_and_money_in_suspense_are_told(
    settings: Settings, owner: asyncpg.Connection[Any]
) -> None:
    await owner.execute(
        "INSERT INTO ledger_accounts (environment, code, rail, currency, kind, may_overdraw,"
        " balance_minor) VALUES ('sandbox', 'suspense', 'pix', 'BRL', 'liability', false, 1250)"
    )

    found = await examine(settings)

    assert ("books", Verdict.WRONG) in bad(found)
    assert ("books", Verdict.MIND) in bad(found)
    assert any("sandbox: 12.50 BRL" in each.said for each in found)


async def test_payouts_and_transfers_that_wait_for_a_person_are_minded(
    settings: Settings, owner: asyncpg.Connection[Any]
) -> None:
    for purpose, approval in (("payout", "none"), ("transfer", "wanted"), ("transfer", "none")):
        await owner.execute(_TRANSFER, APPLICATION_ID, purpose, approval)

    found = await examine(settings)

    assert [each.said.split(":")[0] for each in found if each.name == "people"] == [
        "1 payouts to be sent",
        "1 transfers to be approved",
    ]


async def test_events_that_no_connector_knows_are_minded(
    settings: Settings, owner: asyncpg.Connection[Any]
) -> None:
    for error, days in (("unknown event", 1), ("unknown event", 8), (None, 1)):
        await owner.execute(
            "INSERT INTO rail_notices (id, rail, environment, dedupe_key, content, received_at,"
            " error) VALUES (gen_random_uuid(), 'pix', 'sandbox', gen_random_uuid(), '',"
            " now() - $2 * interval '1 day', $1)",
            error,
            days,
        )

    found = [each for each in await examine(settings) if each.name == "notices"]

    assert [each.verdict for each in found] == [Verdict.MIND]
    assert found[0].said.endswith("pix (1)")


async def test_without_the_owner_it_says_what_it_could_not_see(settings: Settings) -> None:
    object.__setattr__(settings, "owner_database_url", "")

    assert ("rows", Verdict.MIND) in bad(await examine(settings))


def test_as_json_every_check_is_printed(database_urls: DatabaseUrls) -> None:
    done = guichet(
        "doctor",
        "--json",
        database_url=database_urls.serving_url,
        owner_database_url=database_urls.owner_url,
        secret_keys=SECRET_KEY,
    )

    assert done.returncode == 0
    assert {"name": "books", "verdict": "fine"}.items() <= json.loads(done.stdout)[-1].items()
