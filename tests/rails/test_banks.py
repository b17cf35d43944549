"""The banks that Yapily offers."""

from __future__ import annotations

import pytest

from guichet.rails.port import RailUnavailable
from rails.stage import Stage


async def test_the_banks_of_the_sandbox(stage: Stage) -> None:
    banks = {each.code: each for each in await stage.rail.institutions()}
    assert {"modelo-sandbox", "cic-sandbox", "natwest-sandbox"} <= set(banks)
    modelo = banks["modelo-sandbox"]
    assert (modelo.id, modelo.rail, modelo.environment) == (0, "open_banking", "sandbox")
    assert "GB" in modelo.countries
    assert modelo.logo_url
    assert modelo.icon_url


async def test_no_sandbox_bank_is_offered_for_real_money(stage: Stage) -> None:
    live = type(stage.rail)(
        stage.client, stage.base_url, "application", "canary-of-the-application-secret", "live", 5
    )
    assert await live.institutions() == []


@pytest.mark.parametrize("kind", ["drop", "error", "garble"])
async def test_banks_that_cannot_be_read(stage: Stage, kind: str) -> None:
    await stage.fault("list_institutions", kind)
    with pytest.raises(RailUnavailable):
        await stage.rail.institutions()
