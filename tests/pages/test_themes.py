"""Colours and logos that merchants choose: readable and harmless, whatever they are."""

from __future__ import annotations

import base64
import re
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guichet.pages.assets import STATIC
from guichet.pages.logos import shown_logo
from guichet.pages.themes import (
    DARK,
    DEFAULT,
    LIGHT,
    NAMED,
    Scheme,
    colour_of,
    contrast,
    find_stylesheet,
    palette,
    stylesheet,
    stylesheet_name,
)
from pages.offers import LOGO, PIXEL
from pages.stall import Stall

#: Text, what it stands on, and the contrast that it needs.
PAIRS = [
    ("on-brand", "brand", 4.5),
    ("on-brand", "brand-strong", 4.5),
    ("on-band", "band", 4.5),
    ("accent", "card", 4.5),
    ("accent", "ground", 4.5),
    ("accent-strong", "card", 4.5),
    ("accent-strong", "ground", 4.5),
    ("brand", "card", 1.2),
]


def _colour(text: str) -> tuple[int, int, int]:
    red, green, blue = bytes.fromhex(text.removeprefix("#"))
    return red, green, blue


def unreadable(colour: str, scheme: Scheme) -> list[str]:
    colours = {name: _colour(text) for name, text in palette(colour, scheme).items()}
    colours |= {"card": scheme.card, "ground": scheme.ground}
    return [
        f"{ink} on {ground}"
        for ink, ground, least in PAIRS
        if contrast(colours[ink], colours[ground]) < least
    ]


@pytest.mark.parametrize("name", sorted(NAMED))
def test_every_named_colour_is_readable(name: str) -> None:
    assert unreadable(NAMED[name], LIGHT) == unreadable(NAMED[name], DARK) == []


@given(st.integers(0, 0xFFFFFF))
def test_any_colour_is_readable(number: int) -> None:
    colour = f"{number:06x}"

    assert unreadable(colour, LIGHT) == unreadable(colour, DARK) == []


def test_a_readable_colour_is_left_as_it_is() -> None:
    chosen = palette("147a45", LIGHT)

    assert chosen["brand"] == chosen["accent"] == "#147a45"


def test_yellow_keeps_its_buttons_yellow_with_black_words() -> None:
    chosen = palette(NAMED["yellow"], LIGHT)

    assert chosen["brand"] == f"#{NAMED['yellow']}"
    assert chosen["on-brand"] == "#000000"
    assert chosen["accent"] != chosen["brand"]


@pytest.mark.parametrize(("block", "scheme"), [(0, LIGHT), (1, DARK)])
def test_the_plain_look_is_the_default_colour(block: int, scheme: Scheme) -> None:
    rules = re.findall(r":root \{(.*?)\}", (STATIC / "checkout.css").read_text(), re.DOTALL)
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", rules[block]))

    assert colours.items() >= palette(DEFAULT, scheme).items()
    assert (_colour(colours["card"]), _colour(colours["ground"])) == (scheme.card, scheme.ground)


@pytest.mark.parametrize(
    ("selected", "colour"),
    [
        ("blue", NAMED["blue"]),
        ("Teal", NAMED["teal"]),
        (" green ", NAMED["green"]),
        ("#A1b2C3", "a1b2c3"),
        ("#a1b2c", DEFAULT),
        ("#a1b2c3;}", DEFAULT),
        ("a1b2c3", DEFAULT),
        ("#\u0661\u0662\u0663\u0664\u0665\u0666", DEFAULT),
        ("url(https://evil.example)", DEFAULT),
        ("", DEFAULT),
        (True, DEFAULT),
        (None, DEFAULT),
        (7, DEFAULT),
        (["blue"], DEFAULT),
        ({"a": 1}, DEFAULT),
    ],
)
def test_what_settings_say_is_a_colour_or_the_default(selected: Any, colour: str) -> None:
    assert colour_of(selected) == colour


def test_a_stylesheet_is_found_by_its_own_name_alone() -> None:
    name = stylesheet_name("a1b2c3")
    assert find_stylesheet(name) == stylesheet("a1b2c3")
    for other in (name.upper(), name[:-5], "a1b2c3.css", "../x", "", f"b{name[1:]}", f"{name}x"):
        assert find_stylesheet(other) is None


@pytest.mark.parametrize(
    "logo",
    [
        LOGO,
        "data:image/jpeg;base64," + base64.b64encode(b"\xff\xd8\xff\xe0rest").decode(),
        "data:image/webp;base64," + base64.b64encode(b"RIFF1234WEBPVP8 ").decode(),
    ],
)
def test_pictures_are_shown(logo: str) -> None:
    assert shown_logo(logo) == logo


@pytest.mark.parametrize(
    "logo",
    [
        "https://shop.example/logo.png",
        "//shop.example/logo.png",
        "/static/logo.png",
        "javascript:alert(1)",
        "data:text/html;base64,PHNjcmlwdD4=",
        "data:image/svg+xml;base64,PHN2Zy8+",
        "data:image/png;base64,PHN2Zy8+",
        "data:image/jpeg;base64," + base64.b64encode(PIXEL).decode(),
        LOGO.replace("base64,", "base64,="),
        LOGO + '" onerror="alert(1)',
        LOGO + "\n",
        LOGO.replace(";base64", ""),
        "data:image/png;base64," + "A" * 400_000,
        "data:image/png;base64,",
        True,
        None,
        7,
        [LOGO],
    ],
)
def test_nothing_else_is_a_logo(logo: Any) -> None:
    assert shown_logo(logo) is None


@pytest.mark.asyncio(loop_scope="module")
async def test_a_links_pages_wear_its_colours_and_its_logo(
    stall: Stall, payer: httpx2.AsyncClient
) -> None:
    settings = {"theme": {"selected": "#0a7d55", "logo": LOGO}}
    _, path = await stall.link(settings=settings)
    page = await payer.get(path)
    found = re.search(r'href="(/theme/0a7d55\.[0-9a-f]+\.css)"', page.text)
    assert found
    assert f'src="{LOGO}"' in page.text
    rules = await payer.get(found.group(1))
    assert rules.headers["content-type"] == "text/css; charset=utf-8"
    assert "immutable" in rules.headers["cache-control"]
    assert rules.headers["x-content-type-options"] == "nosniff"

    poster = await payer.get(f"{path}/poster")
    assert found.group(1) in poster.text


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    "settings", [{}, {"theme": None}, {"theme": "blue"}, {"theme": {"logo": 1, "selected": []}}]
)
async def test_odd_settings_leave_the_plain_look(
    stall: Stall, payer: httpx2.AsyncClient, settings: dict[str, Any]
) -> None:
    _, path = await stall.link(settings=settings)
    page = await payer.get(path)

    assert page.status_code == 200
    assert "/theme/" not in page.text
    assert "<img" not in page.text


@pytest.mark.asyncio(loop_scope="module")
async def test_unknown_colours_are_not_there(payer: httpx2.AsyncClient) -> None:
    for name in ("x", "a1b2c3.css", "..%2f..%2fsettings.py"):
        assert (await payer.get(f"/theme/{name}")).status_code == 404
