"""Every page by WCAG 2.2 AA, as far as a machine can tell, on the narrowest phone."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]
from playwright.async_api import Page

from guichet.pages.stages import Stage
from journeys.conftest import NewPayer
from journeys.scenes import SCENES, enter
from pages.stall import Stall

#: All of WCAG 2.2 A and AA that axe knows, and what its makers think good besides.
_RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
#: Technique F41, known and told in docs/pages.md: without script the waiting pages load again.
_KNOWN = {"meta-refresh": {"enabled": False}, "meta-refresh-no-exceptions": {"enabled": False}}


async def _violations(page: Page, *rules: str) -> list[str]:
    only: dict[str, Any] = {"type": "tag", "values": _RULES}
    if rules:
        only = {"type": "rule", "values": rules}
    found = await Axe().run(page, options={"runOnly": only, "rules": {} if rules else _KNOWN})
    return [
        f"{each['id']}: {[node['html'] for node in each['nodes']]}"
        for each in found.response["violations"]
    ]


@pytest.mark.parametrize("name", SCENES)
async def test_page(name: str, stall: Stall, new_payer: NewPayer) -> None:
    async with new_payer(viewport={"width": 320, "height": 568}, has_touch=True) as payer:
        await enter(name, stall, payer.page)
        assert await _violations(payer.page) == []
        await payer.page.emulate_media(color_scheme="dark")
        assert await _violations(payer.page, "color-contrast") == []
        assert await payer.page.evaluate("document.documentElement.scrollWidth") <= 320
        payer.complaints.clear()  # of statuses other than 200, which are meant


async def test_axe_finds_what_is_wrong(stall: Stall, new_payer: NewPayer) -> None:
    async with new_payer() as payer:
        await enter("ready", stall, payer.page)
        await payer.page.evaluate("document.documentElement.removeAttribute('lang')")
        await payer.page.evaluate("document.querySelector('h1').style.color = '#ccc'")
        found = await _violations(payer.page)
        payer.complaints.clear()  # the policy rightly forbids that style

    assert [each.partition(":")[0] for each in found] == ["color-contrast", "html-has-lang"]


async def test_every_stage_is_among_the_pages() -> None:
    names = {name.replace("code-", "").replace("code", "scan") for name in SCENES}
    missing = {stage.value.replace("_", "-") for stage in Stage} - names

    assert missing == {"closed"}  # looks as ``cancelled`` does
