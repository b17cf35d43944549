from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

import pytest

from conftest import DatabaseUrls
from gateways import running_gateway, seed
from guichet.domain import clock


async def test_a_process_whose_clock_is_wrong_goes_by_the_databases(
    database_urls: DatabaseUrls, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await seed(database_urls.owner_url)
    monkeypatch.setattr(clock, "machine_time", lambda: datetime.now(UTC) + timedelta(days=2))

    with caplog.at_level(logging.WARNING):
        async with running_gateway(database_urls.serving_url) as gateway:
            off = gateway.clock.now() - datetime.now(UTC)

    assert abs(off) < timedelta(seconds=5)
    assert "off the database's" in caplog.text
