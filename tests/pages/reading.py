"""What tests read in pages."""

from __future__ import annotations

import re
from html import unescape

import httpx2


def heading(page: httpx2.Response) -> str:
    """The page's title as the payer sees it."""
    found = re.search(r"<h1>(.*?)</h1>", page.text, re.DOTALL)
    assert found, page.text
    return unescape(re.sub(r"<[^>]+>", "", found.group(1))).strip()


def nonce_in(page: httpx2.Response) -> str:
    """The mark of the form in the page."""
    found = re.search(r'name="nonce" value="([^"]+)"', page.text)
    assert found, page.text
    return found.group(1)


def hidden_fields(page: httpx2.Response) -> dict[str, str]:
    """What the page's form sends without being asked."""
    return {
        name: unescape(value)
        for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.text)
    }


def problems_in(page: httpx2.Response) -> dict[str, str]:
    """The sentences of the summary, by the field they lead to."""
    summary = re.search(r'<div class="summary".*?</div>', page.text, re.DOTALL)
    if summary is None:
        return {}
    found = re.findall(r'<a href="#(\w+)">(.*?)</a>', summary.group(0), re.DOTALL)
    return {field: unescape(sentence) for field, sentence in found}


def banks_in(page: httpx2.Response) -> list[str]:
    """The names of the banks that may be chosen."""
    found = re.findall(r'name="bank" value="\d+"[^>]*> <span><bdi>(.*?)</bdi>', page.text)
    return [unescape(name) for name in found]
