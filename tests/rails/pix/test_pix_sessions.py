"""Access tokens and certificates: fetched once, kept while good, never mixed up."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from guichet.domain.outcomes import Waiting
from guichet.rails import accounts, tokens
from guichet.rails.pix.sessions import Session
from guichet.rails.port import RailUnavailable
from rails.pix.scripted import TOKEN, Said, Script, charge, problem, scripted
from rails.pix.stage import Stage


@pytest.fixture
async def script() -> AsyncIterator[Script]:
    async with scripted() as script:
        yield script


def session(script: Script) -> Session:
    return script.rail._sessions.of(script.account)


def fetches(script: Script) -> int:
    return script.calls.count("POST /token")


def token(expires_in: Any = 3600, text: str = TOKEN) -> Said:
    return 200, {"access_token": text, "token_type": "Bearer", "expires_in": expires_in}


async def test_many_calls_wait_for_one_token(script: Script) -> None:
    found = await asyncio.gather(*(session(script).token() for _ in range(20)))
    assert found == [TOKEN] * 20
    assert fetches(script) == 1


async def test_who_gives_up_waiting_does_not_end_the_others_fetch(script: Script) -> None:
    first = asyncio.create_task(session(script).token())
    second = asyncio.create_task(session(script).token())
    await asyncio.sleep(0)
    first.cancel()
    assert await second == TOKEN
    assert fetches(script) == 1


async def test_all_waiters_learn_of_a_failure_and_the_next_asks_again(script: Script) -> None:
    script.answers["POST /token"] = [problem(500), token()]
    failed = await asyncio.gather(
        *(session(script).token() for _ in range(3)), return_exceptions=True
    )
    assert [type(each) for each in failed] == [RailUnavailable] * 3
    assert await session(script).token() == TOKEN
    assert fetches(script) == 2


@pytest.mark.parametrize(
    ("expires_in", "good_seconds"),
    [(3600, 3570), ("3600", 3570), (40, 20), (None, 270), ("soon", 270), (10**8, 86_370)],
)
async def test_a_token_is_renewed_before_it_runs_out(
    script: Script, monkeypatch: pytest.MonkeyPatch, expires_in: Any, good_seconds: float
) -> None:
    now = 1000.0
    # In this module only: every event loop of the process lives by ``time.monotonic``.
    monkeypatch.setattr(tokens, "time", SimpleNamespace(monotonic=lambda: now))
    script.answers["POST /token"] = token(expires_in)
    way_in = session(script)
    await way_in.token()
    now += good_seconds - 0.1
    await way_in.token()
    assert fetches(script) == 1
    now += 0.2
    await way_in.token()
    assert fetches(script) == 2


async def test_a_token_that_is_not_taken_is_replaced_once(script: Script) -> None:
    order = script.order()
    script.answers["PUT /v2/cob/"] = [problem(401), charge(order)]
    assert isinstance(await script.rail.begin(order), Waiting)
    assert script.calls == ["POST /token", f"PUT /v2/cob/{order.key}"] * 2
    script.answers["PUT /v2/cob/"] = problem(401)
    script.calls.clear()
    with pytest.raises(RailUnavailable):
        await script.rail.begin(order)
    assert script.calls.count(f"PUT /v2/cob/{order.key}") == 2
    assert fetches(script) == 1


async def test_a_token_replaced_meanwhile_is_kept(script: Script) -> None:
    way_in = session(script)
    await way_in.token()
    way_in.forget("an older one")
    await way_in.token()
    assert fetches(script) == 1


@pytest.mark.parametrize(
    "answer",
    [
        (200, b""),
        (200, b"<html>"),
        (200, []),
        (200, {"access_token": ""}),
        (200, {"access_token": "a b"}),
        (200, {"access_token": "a\r\nx: y"}),
        (200, {"access_token": "x" * 8193}),
        (302, b""),
        (400, {"error": "invalid_scope"}),
        (500, b""),
    ],
    ids=range(10),
)
async def test_no_token_is_unavailable(script: Script, answer: Said) -> None:
    script.answers["POST /token"] = answer
    with pytest.raises(RailUnavailable, match="POST token"):
        await script.rail.begin(script.order())
    assert script.calls == ["POST /token"]


async def test_the_psps_word_for_it_is_passed_on_if_it_is_one(script: Script) -> None:
    for error, said in (("invalid_client", "invalid_client"), ("canary\nFORGED", "no token")):
        script.answers["POST /token"] = (401, {"error": error})
        with pytest.raises(RailUnavailable) as failure:
            await session(script).token()
        assert str(failure.value) == f"POST token: 401 {said}"


# Accounts -----------------------------------------------------------------------------------------


async def test_each_account_has_a_token_of_its_own(script: Script) -> None:
    other = replace(script.account, id=uuid.uuid4())
    for account in (script.account, other, script.account, other):
        await script.rail._sessions.of(account).token()
    assert fetches(script) == 2


async def test_changed_settings_are_another_way_in(script: Script) -> None:
    before = session(script)
    settings = {**script.account.settings, "client_secret": "another"}
    changed = script.rail._sessions.of(replace(script.account, settings=settings))
    assert changed is not before
    assert changed.account.client_secret == "another"
    same = replace(script.account, settings=dict(settings))
    assert script.rail._sessions.of(same) is changed


async def test_accounts_long_unused_are_let_go(
    script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounts, "_KEPT_MAX", 2)
    first = session(script)
    for _ in range(2):
        script.rail._sessions.of(replace(script.account, id=uuid.uuid4()))
    assert session(script) is not first
    assert len(script.rail._sessions._known) == 2


async def test_an_account_that_cannot_be_used_is_unavailable(stage: Stage) -> None:
    for settings, said in (
        ({}, "base_url: is required"),
        ({**stage.psp.settings, "city": ""}, "city"),
    ):
        broken = replace(stage.account, settings=settings)
        with pytest.raises(RailUnavailable, match=said):
            await stage.rail.advance(stage.order(account=broken))


async def test_a_revoked_token_costs_one_more_call(stage: Stage) -> None:
    order = stage.order()
    await stage.rail.begin(order)
    await stage.control("revoke")
    assert isinstance(await stage.rail.advance(order), Waiting)
    calls = await stage.calls()
    assert (calls["token"], calls["get_cob"]) == (2, 2)


async def test_live_money_has_no_default_account(script: Script) -> None:
    with pytest.raises(ValueError, match="live"):
        type(script.rail)(script.rail._api._client, "live", 5, session(script).account)
