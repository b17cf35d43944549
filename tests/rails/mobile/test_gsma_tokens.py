"""Operators that are opened by an access token: fetched once, kept, replaced after a 401."""

from __future__ import annotations

import uuid
from dataclasses import asdict, replace
from typing import Any

import pytest

from guichet.domain.orders import ProviderAccount
from guichet.domain.outcomes import Reason, Refused, Waiting
from guichet.rails.port import RailUnavailable
from rails.mobile.scripted import problem, scripted, state

ROOT = "/gsma/cm.orange"
POST = f"POST {ROOT}/transactions/type/merchantpay"
RESPONSE = f"GET {ROOT}/responses/"
NOT_FOUND = problem(404, "identification", "identifierError")
TOKENS = f"POST {ROOT}/token"


def _with_token(script: Any) -> Any:
    """An order of an account that is opened by an access token."""
    own = script.rail._sessions.of(None).account
    settings = asdict(replace(own, token_url=f"{own.base_url}/token"))
    return script.order(account=ProviderAccount(uuid.uuid4(), settings))


async def test_an_operator_with_a_token_endpoint_is_opened_by_a_token_that_is_kept() -> None:
    async with scripted("gsma") as script:
        order = _with_token(script)
        script.answers |= {
            TOKENS: (200, {"access_token": "canary", "expires_in": 3600}),
            POST: (202, state("pending")[1]),
            RESPONSE: NOT_FOUND,
        }
        for _ in range(2):
            assert isinstance(await script.rail.begin(order), Waiting)
        assert script.calls.count(f"{TOKENS}") == 1


async def test_a_token_that_is_not_taken_is_replaced_once() -> None:
    async with scripted("gsma") as script:
        refused = problem(401, "authorisation", "clientAuthorisationError")
        script.answers |= {
            TOKENS: (200, {"access_token": "canary", "expires_in": 3600}),
            POST: [refused, (202, state("pending")[1])],
        }
        assert isinstance(await script.rail.begin(_with_token(script)), Waiting)
        assert script.calls == [TOKENS, POST, TOKENS, POST]
        script.answers[POST] = refused
        with pytest.raises(RailUnavailable):
            await script.rail.begin(_with_token(script))


async def test_a_no_to_the_payer_costs_no_token() -> None:
    async with scripted("gsma") as script:
        script.answers |= {
            TOKENS: (200, {"access_token": "canary", "expires_in": 3600}),
            POST: problem(401, "authorisation", "requestDeclined"),
            RESPONSE: NOT_FOUND,
        }
        outcome = await script.rail.begin(_with_token(script))
        assert isinstance(outcome, Refused)
        assert outcome.reason is Reason.DECLINED
        assert script.calls.count(TOKENS) == 1


async def test_without_a_token_nothing_is_asked() -> None:
    async with scripted("gsma") as script:
        script.answers[TOKENS] = (401, {"error": "invalid_client"})
        with pytest.raises(RailUnavailable, match="invalid_client"):
            await script.rail.begin(_with_token(script))
        assert script.calls == [TOKENS]
