"""Addresses that a page sends the payer's browser to: the bank's and the merchant's."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import SplitResult, quote, unquote_plus, urlsplit

_PORTS = {"http": 80, "https": 443}


def is_web_address(url: str, *, live: bool) -> bool:
    """Whether a payer's browser may be sent to ``url``: http(s) (https alone when ``live``), a
    host, no user name, and none of the characters that browsers and parsers read differently.
    """
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        return False
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    schemes = ("https",) if live else ("http", "https")
    return (
        parts.scheme in schemes and bool(parts.hostname) and "@" not in parts.netloc and port != 0
    )


def origin(url: str) -> str | None:
    """The origin as browsers compare it (``https://bank.example:443``); None: no web address."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS[parts.scheme]
    except (ValueError, KeyError):
        return None
    return f"{parts.scheme}://{parts.hostname}:{port}" if parts.hostname else None


def with_query(url: str, parameters: Mapping[str, str]) -> str:
    """``url`` with ``parameters`` in its query: each once, whatever the query had under that name
    replaced, the rest of it and the fragment left byte for byte.
    """
    parts: SplitResult = urlsplit(url)
    kept = [
        piece
        for piece in parts.query.split("&")
        if piece and unquote_plus(piece.partition("=")[0]) not in parameters
    ]
    added = [f"{quote(name, safe='')}={quote(text, safe='')}" for name, text in parameters.items()]
    return parts._replace(query="&".join(kept + added)).geturl()
