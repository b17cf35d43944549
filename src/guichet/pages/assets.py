"""The files that pages load: an explicit list, served from memory under names with their hash."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

STATIC = Path(__file__).parent / "static"


class Script(NamedTuple):
    """A script as it was reviewed: its hash, and why it is there."""

    integrity: str
    purpose: str


#: Every script that runs on a page where people pay (PCI DSS 6.4.3). One that differs from what is
#: listed here stops the server from starting.
SCRIPTS = {
    "checkout.js": Script(
        "sha256-be+BugqfSqzzs2IXhxpiGPPtP1/q9FNTrFpyvCi3EOg=",
        "Watches the payment and loads the page again when it changes; guards against a double "
        "click; copies the code; counts down the time left and the way back to the merchant; "
        "prints the receipt.",
    ),
    "link.js": Script(
        "sha256-1nye89ASnzJ9ipGFECOLzKTgvCt0nWnB2zAkPOtUHmE=",
        "Shows the banks that fit what is typed, as the server finds them.",
    ),
}
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
_LISTED = ("checkout.css", "link.css", "api.css", *SCRIPTS)


class Asset(NamedTuple):
    """A served file. ``path`` changes with its content, so that it may be kept for ever."""

    path: str
    content_type: str
    body: bytes
    integrity: str


class ScriptChanged(RuntimeError):
    """A script is not the one that is listed."""


def integrity_of(body: bytes) -> str:
    """The hash in the form of the ``integrity`` attribute."""
    return "sha256-" + b64encode(sha256(body).digest()).decode("ascii")


def load_assets() -> dict[str, Asset]:
    """The listed files by name; raises ``ScriptChanged``."""
    assets = {}
    for name in _LISTED:
        body = (STATIC / name).read_bytes()
        integrity = integrity_of(body)
        if name in SCRIPTS and SCRIPTS[name].integrity != integrity:
            raise ScriptChanged(f"{name} is {integrity}, not as listed in {__name__}")
        stem, _, extension = name.partition(".")
        path = f"/static/{stem}.{sha256(body).hexdigest()[:16]}.{extension}"
        assets[name] = Asset(path, _TYPES[f".{extension}"], body, integrity)
    return assets
