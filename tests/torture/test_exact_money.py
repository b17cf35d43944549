"""Every amount there is, through the dialect's way in and its way out, digit for digit."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest
from msgspec import json

from gateways import APPLICATION_ID
from guichet.dialects.neopay.resources import number
from guichet.domain.money import exponent, parse_money
from guichet.gateway import Gateway
from guichet.web.strict_json import read_json
from torture.calls import Merchant
from torture.serving import Served

_COUNT = 999_999
_CHUNK = 10_000


def written(minor: int, decimals: int) -> str:
    """The amount by string surgery alone: no arithmetic that the product uses."""
    digits = str(minor).rjust(decimals + 1, "0")
    return f"{digits[:-decimals]}.{digits[-decimals:]}" if decimals else digits


@pytest.mark.parametrize("currency", ["GBP", "JPY", "KWD"])
def test_each_of_a_million_amounts_comes_out_as_it_went_in(currency: str) -> None:
    decimals = exponent(currency)
    seen = 0
    for start in range(1, _COUNT + 1, _CHUNK):
        minors = range(start, min(start + _CHUNK, _COUNT + 1))
        text = f"[{','.join([written(minor, decimals) for minor in minors])}]".encode()
        tokens = read_json(text)
        assert isinstance(tokens, list)
        amounts = [parse_money(str(token), currency).minor for token in tokens]
        assert amounts == list(minors)
        assert json.encode([number(minor, decimals) for minor in amounts]) == text
        seen += len(amounts)
    assert seen == _COUNT


def test_decimals_that_are_left_out_are_zeros() -> None:
    amounts = [(f"{tenths // 10}.{tenths % 10}", tenths * 10) for tenths in range(1, 100_000, 7)]
    amounts += [(str(whole), whole * 100) for whole in range(1, 10_000, 3)]
    assert [parse_money(text, "GBP").minor for text, _ in amounts] == [each for _, each in amounts]


#: (currency, minor units, decimals), 350.41 among them: the amount that floats are known for.
SAMPLE = [
    ("GBP", 35041, 2),
    ("GBP", 1, 2),
    ("GBP", 9_999_999_999, 2),
    *[("GBP", 1 + 997 * step, 2) for step in range(1000)],
    *[("JPY", 1 + 1999 * step, 0) for step in range(500)],
    *[("KWD", 1 + 1999 * step, 3) for step in range(497)],
]


async def test_amounts_go_over_http_into_the_database_and_back(served: Served) -> None:
    async def there_and_back(currency: str, minor: int, decimals: int) -> None:
        text = written(minor, decimals)
        made = await merchant.create(text, currency)
        assert made.status == 200, made.body
        assert f'"amount":{text},'.encode() in made.body
        read = await merchant.get(f"/api/payments/{made.json()['payment']['id']}")
        assert f'"amount":{text},'.encode() in read.body

    assert len(SAMPLE) == 2000
    async with Merchant(served.url) as merchant:
        for start in range(0, len(SAMPLE), 20):
            await asyncio.gather(*(there_and_back(*each) for each in SAMPLE[start : start + 20]))
    assert await _stored(served.gateway) == sorted(
        (currency, Decimal(written(minor, decimals))) for currency, minor, decimals in SAMPLE
    )


async def _stored(gateway: Gateway) -> list[tuple[str, Decimal]]:
    """What the database holds, scaled by its own arithmetic."""
    async with gateway.database.connection() as connection:
        rows = await connection.fetch(
            "SELECT currency, amount_minor / CASE currency WHEN 'JPY' THEN 1 WHEN 'KWD' THEN 1000"
            " ELSE 100 END::numeric AS amount FROM payments WHERE application_id = $1",
            APPLICATION_ID,
        )
    return sorted((row["currency"], row["amount"]) for row in rows)
