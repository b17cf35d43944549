"""Every page by WCAG 2.2 AA, as far as a machine can tell, on the narrowest phone."""

from __future__ import annotations

import pytest

from guichet.pages.stages import Stage
from journeys.axe import violations
from journeys.conftest import NewPayer
from journeys.scenes import SCENES, enter
from pages.stall import Stall


@pytest.mark.parametrize("name", SCENES)
async def test_page(name: str, stall: Stall, new_payer: NewPayer) -> None:
    async with new_payer(viewport={"width": 320, "height": 568}, has_touch=True) as payer:
        await enter(name, stall, payer.page)
        assert await violations(payer.page) == []
        await payer.page.emulate_media(color_scheme="dark")
        assert await violations(payer.page, "color-contrast") == []
        assert await payer.page.evaluate("document.documentElement.scrollWidth") <= 320
        payer.complaints.clear()  # of statuses other than 200, which are meant


async def test_axe_finds_what_is_wrong(stall: Stall, new_payer: NewPayer) -> None:
    async with new_payer() as payer:
        await enter("ready", stall, payer.page)
        await payer.page.evaluate("document.documentElement.removeAttribute('lang')")
        await payer.page.evaluate("document.querySelector('h1').style.color = '#ccc'")
        found = await violations(payer.page)
        payer.complaints.clear()  # the policy rightly forbids that style

    assert [each.partition(":")[0] for each in found] == ["color-contrast", "html-has-lang"]


async def test_every_stage_is_among_the_pages() -> None:
    names = {name.replace("code-", "").replace("code", "scan") for name in SCENES}
    missing = {stage.value.replace("_", "-") for stage in Stage} - names

    assert missing == {"closed"}  # looks as ``cancelled`` does
