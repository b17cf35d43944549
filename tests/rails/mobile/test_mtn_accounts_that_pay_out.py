"""An account at MTN pays out if it has credentials for that; the answer asks nobody."""

from __future__ import annotations

import uuid

import pytest

from guichet.domain.orders import ProviderAccount
from guichet.outbound.client import GuardedClient
from guichet.rails.mtn.account import MtnAccount
from guichet.rails.mtn.rail import MtnRail
from rails.mobile.stage import mtn_account

NOWHERE = "http://127.0.0.1:9"
COLLECTS = {
    "base_url": f"{NOWHERE}/mtn",
    "target_environment": "mtncameroon",
    "collection_subscription_key": "key",
    "collection_api_user": "user",
    "collection_api_key": "secret",
}
PAYS_OUT = {
    "disbursement_subscription_key": "key",
    "disbursement_api_user": "user",
    "disbursement_api_key": "secret",
}
WITHOUT = dict.fromkeys(PAYS_OUT, "")


def pays_out(default: MtnAccount | None, settings: dict[str, str] | None) -> bool:
    account = None if settings is None else ProviderAccount(uuid.uuid4(), settings)
    rail = MtnRail(GuardedClient(), "sandbox", 1, lambda _: None, default)
    return rail.pays_out(account)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [({**COLLECTS, **PAYS_OUT}, True), (COLLECTS, False), ({}, False)],
    ids=["both products", "collection alone", "unusable"],
)
def test_account_of_an_application(settings: dict[str, str], *, expected: bool) -> None:
    assert pays_out(mtn_account(NOWHERE), settings) is expected


@pytest.mark.parametrize(
    ("default", "expected"),
    [
        (mtn_account(NOWHERE), True),
        (mtn_account(NOWHERE, **WITHOUT), False),
        (None, False),
    ],
    ids=["both products", "collection alone", "none"],
)
def test_default_account(default: MtnAccount | None, *, expected: bool) -> None:
    assert pays_out(default, None) is expected
