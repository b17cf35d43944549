"""What axe-core finds wrong with a page."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]
from playwright.async_api import Page

#: All of WCAG 2.2 A and AA that axe knows, and what its makers think good besides.
_RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
#: Technique F41, known and told in docs/pages.md: without script the waiting pages load again.
_KNOWN = {"meta-refresh": {"enabled": False}, "meta-refresh-no-exceptions": {"enabled": False}}


async def violations(page: Page, *rules: str) -> list[str]:
    """What breaks the rules (all that it knows, unless some are named), with the elements."""
    only: dict[str, Any] = {"type": "tag", "values": _RULES}
    if rules:
        only = {"type": "rule", "values": rules}
    found = await Axe().run(page, options={"runOnly": only, "rules": {} if rules else _KNOWN})
    return [
        f"{each['id']}: {[node['html'] for node in each['nodes']]}"
        for each in found.response["violations"]
    ]
