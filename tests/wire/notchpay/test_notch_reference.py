"""Reference data (contract 13)."""

from __future__ import annotations

from typing import Any

import pytest

from wire.client import Client
from wire.notchpay.shops import MakeShop

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def items(client: Client, target: str) -> list[dict[str, Any]]:
    body = (await client.get(target)).json()
    found: list[dict[str, Any]] = body["items"]
    assert body["code"] == 200
    assert body["data"] == found
    assert body["totals"] == body["selected"] == len(found)
    return found


async def test_channels_are_those_by_which_the_application_collects(notch: Client) -> None:
    found = await items(notch, "/channels")

    assert {item["id"] for item in found} == {
        "cm.mtn", "cm.orange", "ci.mtn", "ci.orange", "ci.moov", "sn.orange", "sn.free", "bj.mtn",
        "bj.moov", "cm.mobile",
    }  # fmt: skip
    assert found[0] == {
        "name": "MTN Mobile Money",
        "desc": "Pay with MTN Mobile Money",
        "active": True,
        "enabled": True,
        "countries": ["CM"],
        "id": "cm.mtn",
        "slug": "cm.mtn",
        "type": "mobile",
        "reference": "chn.cm.mtn",
        "delivery": None,
        "payment_delivery": None,
        "live": False,
        "min_amount": 100,
        "max_amount": 5000000,
        "payout": 1,
        "charge": 1,
        "collect": 1,
        "currency": "XAF",
    }


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("country=CM", 3),
        ("country=cm&currency=xaf&amount=500", 3),
        ("country=SN", 2),
        ("currency=XOF", 7),
        ("amount=99", 0),
        ("amount=5000000", 10),
        ("amount=5000001", 0),
        ("amount=nonsense", 0),
    ],
)
async def test_channels_are_filtered(notch: Client, query: str, count: int) -> None:
    assert len(await items(notch, f"/channels?{query}")) == count


async def test_application_without_an_account_has_no_channel(
    notch: Client, make_shop: MakeShop
) -> None:
    live = await make_shop(environment="live")

    assert await items(notch.with_headers(authorization=live.public_key), "/channels") == []


async def test_countries_are_all_of_iso_3166(notch: Client) -> None:
    found = await items(notch, "/countries")

    assert len(found) == len({item["code"] for item in found}) == 249
    assert {"name": "Cameroon", "code": "CM"} in found
    assert {"name": "Côte d’Ivoire", "code": "CI"} in found


async def test_currencies_have_the_decimals_that_the_live_api_shows(notch: Client) -> None:
    found = {item["code"]: item for item in await items(notch, "/currencies")}

    assert found["XAF"] == {
        "name": "Central African CFA Franc",
        "code": "XAF",
        "symbol": "FCFA",
        "fraction": 0,
        "faction": 0,
    }
    shown = {code: found[code]["fraction"] for code in ("EUR", "KWD", "COP", "TZS", "MGA", "ISK")}
    assert shown == {"EUR": 2, "KWD": 3, "COP": 0, "TZS": 0, "MGA": 1, "ISK": 2}
    assert len(found) > 150
