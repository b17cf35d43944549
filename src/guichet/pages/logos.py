"""Logos of merchants: pictures that stand in the link's settings themselves, or none."""

from __future__ import annotations

import re
from base64 import b64decode
from typing import Any

#: Pictures that can hold no script, by what their bytes begin with.
_KINDS: dict[str, re.Pattern[bytes]] = {
    "png": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "jpeg": re.compile(rb"\xff\xd8\xff"),
    "webp": re.compile(rb"RIFF....WEBP", re.DOTALL),
}
_DATA_URI = re.compile(r"data:image/(png|jpeg|webp);base64,([A-Za-z0-9+/]+={0,2})", re.ASCII)
_LENGTH_MAX = 262_144


def shown_logo(logo: Any) -> str | None:
    """``logo`` if it is a ``data:`` address of a PNG, JPEG or WebP picture, else None.

    Never an address elsewhere: the payer's browser asks nobody but us.
    """
    if not isinstance(logo, str) or len(logo) > _LENGTH_MAX:
        return None
    match = _DATA_URI.fullmatch(logo)
    if match is None or len(match.group(2)) % 4:
        return None
    return logo if _KINDS[match.group(1)].match(b64decode(match.group(2))) else None
