"""Where one request ends and the next begins: refused unless every reader must agree about it.

What proxies and servers read differently is how requests are smuggled (RFC 9112 section 6). The
parser refuses most of it; this refuses it whatever the parser does.
"""

from __future__ import annotations

#: The headers that frame a request.
FRAMING_HEADERS = frozenset({b"host", b"content-length", b"transfer-encoding"})
_VERSIONS = ("1.1", "1.0")


class Framing:
    """The headers of one request that frame it."""

    __slots__ = ("_encodings", "_hosts", "_lengths", "_others")

    def __init__(self) -> None:
        self._lengths = self._encodings = self._others = self._hosts = 0

    def add(self, name: bytes, value: bytes) -> None:
        """Note one of ``FRAMING_HEADERS``; ``name`` in lower case."""
        if name == b"host":
            self._hosts += 1
        elif name == b"content-length":
            self._lengths += 1
            self._others += not (value.isdigit() and value.isascii())
        else:
            self._encodings += 1
            self._others += value.strip().lower() != b"chunked"

    def is_plain(self, version: str) -> bool:
        """One length or chunks, never both, nothing twice, a Host where HTTP wants it."""
        if version == "1.1":
            hosts_are_right = self._hosts == 1
        else:
            # HTTP/1.0 knows no chunks: a proxy may have passed on what it did not understand.
            hosts_are_right = self._hosts <= 1 and not self._encodings
        return (
            version in _VERSIONS
            and hosts_are_right
            and self._lengths + self._encodings <= 1
            and not self._others
        )
