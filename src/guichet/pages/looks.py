"""How the pages of a payment link look: colour and logo from the link's settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from guichet.domain.links import Link
from guichet.pages.logos import shown_logo
from guichet.pages.themes import DEFAULT, colour_of, stylesheet_name


class Look(NamedTuple):
    """``theme`` is the name of a stylesheet (``themes``), ``logo`` a ``data:`` address, or None."""

    theme: str | None = None
    logo: str | None = None


def look_of(link: Link | None) -> Look:
    """The look that the link's settings ask for, as far as it is one of ours; plain for None."""
    theme: Any = link.settings.get("theme") if link else None
    if not isinstance(theme, Mapping):
        return Look()
    colour = colour_of(theme.get("selected"))
    name = None if colour == DEFAULT else stylesheet_name(colour)
    return Look(name, shown_logo(theme.get("logo")))
