"""Addresses, assets, stages: the parts of the pages that need no gateway."""

from __future__ import annotations

import re

import pytest

from guichet.pages import assets
from guichet.pages.addresses import is_web_address, origin, with_query
from guichet.pages.assets import SCRIPTS, STATIC, ScriptChanged, integrity_of, load_assets
from guichet.pages.render import Renderer
from guichet.pages.stages import Stage
from guichet.pages.themes import contrast


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)", "data:text/html,x", "//evil.example/", "/path", "", "https:///x",
        "https://user@evil.example/", "https://a\\@evil.example/", "https://a b.example/",
        "https://a.example/\n", "https://a.example:0/", "https://a.example:99999/",
        "https://[::1/", "ftp://a.example/", "https://\u0430.example/", " https://a.example/",
    ],
)  # fmt: skip
def test_no_browser_is_sent_to(url: str) -> None:
    assert not is_web_address(url, live=False)


def test_live_payers_go_by_https_alone() -> None:
    assert is_web_address("http://localhost:9000/cb", live=False)
    assert not is_web_address("http://localhost:9000/cb", live=True)
    assert is_web_address("https://shop.example/cb", live=True)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://shop.example", "https://shop.example?a=1%262"),
        ("https://shop.example/x?b=2", "https://shop.example/x?b=2&a=1%262"),
        ("https://shop.example/x?a=9&b=%7e&a", "https://shop.example/x?b=%7e&a=1%262"),
        ("https://shop.example/x?%61=9#top", "https://shop.example/x?a=1%262#top"),
        ("https://shop.example/x?b=1;2&&c", "https://shop.example/x?b=1;2&c&a=1%262"),
    ],
)
def test_what_we_add_to_a_query_stands_there_once(url: str, expected: str) -> None:
    assert with_query(url, {"a": "1&2"}) == expected
    assert with_query(expected, {"a": "1&2"}) == expected


def test_origins_are_compared_as_browsers_do() -> None:
    assert origin("https://Bank.example/x") == origin("https://bank.example:443")
    assert origin("https://bank.example") != origin("http://bank.example")
    for other in ("null", "", "chrome-extension://abc", "https://[", "https://:1"):
        assert origin(other) is None


def test_every_script_is_listed_with_its_hash_and_its_reason() -> None:
    assert {path.name for path in STATIC.glob("*.js")} == SCRIPTS.keys()
    for name, script in SCRIPTS.items():
        assert script.integrity == integrity_of((STATIC / name).read_bytes())
        assert script.purpose


def test_a_script_that_was_changed_stops_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    other = assets.Script("sha256-other", "tampered with")
    monkeypatch.setitem(assets.SCRIPTS, "checkout.js", other)
    with pytest.raises(ScriptChanged):
        load_assets()


def test_templates_hold_no_inline_script_style_or_foreign_address() -> None:
    for path in (STATIC.parent / "templates").glob("*.html"):
        text = path.read_text()
        assert not re.search(r"\son\w+=|\sstyle=|<style|javascript:|https?://|\|\s*safe", text), (
            path
        )
        for script in re.findall(r"<script[^>]*>(.*?)</script>", text, re.DOTALL):
            assert script == "", path


def test_every_stage_has_its_template() -> None:
    names = Renderer("http://pay.example").template_names()

    assert {stage.value for stage in Stage} <= names


def _contrast(one: str, other: str) -> float:
    colours = (bytes.fromhex(colour.removeprefix("#")) for colour in (one, other))
    return contrast(*((red, green, blue) for red, green, blue in colours))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    ("ink", "ground", "least"),
    [
        ("ink", "card", 4.5), ("ink", "ground", 4.5), ("soft", "card", 4.5),
        ("soft", "ground", 4.5), ("accent", "card", 4.5), ("accent-strong", "ground", 4.5),
        ("on-brand", "brand", 4.5), ("on-brand", "brand-strong", 4.5), ("on-band", "band", 4.5),
        ("on-notice", "notice", 4.5), ("on-ribbon", "ribbon", 4.5), ("good", "card", 4.5),
        ("bad", "card", 4.5), ("mind", "card", 3), ("edge", "card", 3),
    ],
)  # fmt: skip
def test_colours_can_be_told_apart(scheme: str, ink: str, ground: str, least: float) -> None:
    blocks = re.findall(r":root \{(.*?)\}", (STATIC / "checkout.css").read_text(), re.DOTALL)
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", blocks[scheme == "dark"]))

    assert _contrast(colours[ink], colours[ground]) >= least
