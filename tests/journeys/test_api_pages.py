"""The pages about the APIs in a real browser: narrow and wide, light and dark."""

from __future__ import annotations

import pytest

from journeys.axe import violations
from journeys.conftest import NewPayer
from pages.stall import Stall


@pytest.mark.parametrize("target", ["/openapi", "/openapi/neopay"])
async def test_pages_about_the_apis_are_accessible(
    target: str, stall: Stall, new_payer: NewPayer
) -> None:
    async with new_payer(viewport={"width": 320, "height": 568}) as developer:
        page = developer.page
        await page.goto(f"{stall.gateway.settings.base_url}{target}")
        assert await violations(page) == []
        await page.emulate_media(color_scheme="dark")
        assert await violations(page, "color-contrast") == []
        assert await page.evaluate("document.documentElement.scrollWidth") <= 320


async def test_contents_stay_in_sight_on_a_wide_screen(stall: Stall, new_payer: NewPayer) -> None:
    async with new_payer(viewport={"width": 1200, "height": 800}) as developer:
        page = developer.page
        await page.goto(f"{stall.gateway.settings.base_url}/openapi/notchpay")
        contents = page.get_by_role("navigation", name="Contents")
        await contents.get_by_role("link", name="Send money", exact=True).click()
        await page.wait_for_function("location.hash == '#createTransfer'")

        box = await contents.get_by_role("link", name="Start", exact=True).bounding_box()
        assert box is not None
        assert 0 <= box["y"] <= 800
        assert await page.evaluate("document.documentElement.scrollWidth") <= 1200
