"""Colours of the pages, made from the one that a merchant chose so that everything stays readable.

WCAG 2.2: text has a contrast of 4.5 with what is behind it (1.4.3), an edge that shows what can be
pressed 3 (1.4.11). Whatever colour is asked for, these hold in the light and in the dark scheme.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from hashlib import sha256
from typing import Any, NamedTuple

#: The words that links may use (contract 7.1, ``settings.theme.selected``).
NAMED = {
    "blue": "1b4fd8",
    "indigo": "4338ca",
    "purple": "6d3bd1",
    "pink": "c2255c",
    "red": "c62828",
    "orange": "c2570c",
    "yellow": "f2b705",
    "green": "147a45",
    "teal": "0b7285",
    "gray": "4b5768",
    "grey": "4b5768",
    "black": "16191f",
}
DEFAULT = NAMED["blue"]

_HEXADECIMAL = re.compile(r"#[0-9a-f]{6}", re.IGNORECASE | re.ASCII)
_TEXT_CONTRAST = 4.5
#: A filled button must at least be seen to be one; its edge has the contrast of text.
_FILL_CONTRAST = 1.25
_STEPS = 100
_WHITE = (255, 255, 255)
_BLACK = (0, 0, 0)
_SELECTOR = ":root"

Colour = tuple[int, int, int]


class Scheme(NamedTuple):
    """The grounds of a colour scheme, as in ``checkout.css``, and how dark its band is made."""

    card: Colour
    ground: Colour
    ink: Colour  # where colours go when they need more contrast
    band_mix: float


LIGHT = Scheme((0xFF, 0xFF, 0xFF), (0xF2, 0xF4, 0xF7), _BLACK, 0.0)
DARK = Scheme((0x1A, 0x21, 0x2C), (0x10, 0x15, 0x1D), _WHITE, 0.45)


def colour_of(selected: Any) -> str:
    """The six hexadecimal digits of what a link's settings say; the default for anything odd."""
    if not isinstance(selected, str):
        return DEFAULT
    word = selected.strip().lower()
    return word[1:] if _HEXADECIMAL.fullmatch(word) else NAMED.get(word, DEFAULT)


def contrast(one: Colour, other: Colour) -> float:
    """The contrast ratio of WCAG 2.2, 1 to 21."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def palette(colour: str, scheme: Scheme) -> dict[str, str]:
    """The variables of ``checkout.css`` that depend on the chosen colour."""
    chosen = _parse(colour)
    brand = _until(chosen, scheme.ink, lambda mixed: contrast(mixed, scheme.card) >= _FILL_CONTRAST)
    on_brand = _readable_on(brand)
    away = _BLACK if on_brand == _WHITE else _WHITE
    accent = _until(
        chosen,
        scheme.ink,
        lambda mixed: (
            min(contrast(mixed, scheme.card), contrast(mixed, scheme.ground)) >= _TEXT_CONTRAST
        ),
    )
    band = _mixed(brand, _BLACK, scheme.band_mix)
    return {
        "brand": _hex(brand),
        "brand-strong": _hex(_mixed(brand, away, 0.18)),
        "on-brand": _hex(on_brand),
        "accent": _hex(accent),
        "accent-strong": _hex(_mixed(accent, scheme.ink, 0.25)),
        "band": _hex(band),
        "on-band": _hex(_readable_on(band)),
    }


@lru_cache(maxsize=512)
def stylesheet(colour: str) -> bytes:
    """The rules that put ``colour`` into the pages."""
    light, dark = (
        ";".join(f"--{name}:{value}" for name, value in palette(colour, scheme).items())
        for scheme in (LIGHT, DARK)
    )
    rules = (
        f"{_SELECTOR}{{{light}}}\n"
        f"@media (prefers-color-scheme:dark){{{_SELECTOR}{{{dark}}}}}\n"
        f"@media print{{{_SELECTOR}{{{light}}}}}\n"
    )
    return rules.encode("ascii")


def stylesheet_name(colour: str) -> str:
    """The name under which the rules are served: it changes with them, so it may be kept."""
    return f"{colour}.{sha256(stylesheet(colour)).hexdigest()[:16]}.css"


def find_stylesheet(name: str) -> bytes | None:
    """The rules served under ``name``; None for a name that is none of ours."""
    colour = name[:6]
    if not _HEXADECIMAL.fullmatch(f"#{colour}") or colour != colour.lower():
        return None
    return stylesheet(colour) if name == stylesheet_name(colour) else None


def _parse(colour: str) -> Colour:
    red, green, blue = bytes.fromhex(colour)
    return red, green, blue


def _hex(colour: Colour) -> str:
    return "#" + bytes(colour).hex()


def _mixed(colour: Colour, other: Colour, share: float) -> Colour:
    red, green, blue = (
        round(one + (two - one) * share) for one, two in zip(colour, other, strict=True)
    )
    return red, green, blue


def _until(colour: Colour, other: Colour, holds: Callable[[Colour], bool]) -> Colour:
    """``colour`` with as little of ``other`` as it takes."""
    for step in range(_STEPS):
        mixed = _mixed(colour, other, step / _STEPS)
        if holds(mixed):
            return mixed
    return other


def _readable_on(ground: Colour) -> Colour:
    """White where it can be read, else black: one of them always can."""
    return _WHITE if contrast(_WHITE, ground) >= _TEXT_CONTRAST else _BLACK


def _luminance(colour: Colour) -> float:
    channels = (channel / 255 for channel in colour)
    red, green, blue = (
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
