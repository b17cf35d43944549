"""Where requests may go: policies, and the check of an address as it is written."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass

import httpx2

from guichet.outbound.addresses import is_metadata, is_public

_URL_CHARACTERS_MAX = 2048
#: Controls, blanks, backslash and everything beyond ASCII: parsers disagree about all of these.
_AMBIGUOUS = re.compile(r"[^\x21-\x5b\x5d-\x7e]")
#: What the system's resolver takes for IPv4 when it is not four decimals: 0x7f.1, 2130706433, 017.
_NUMERIC_LABEL = re.compile(r"(0x[0-9a-f]*|[0-9]+)\Z", re.IGNORECASE)
_LOCAL_NAMES = ("localhost", "local", "internal", "intranet", "lan", "home.arpa", "localdomain")


class RefusedAddress(Exception):
    """The policy does not allow the address; the message says which rule, never what lies there."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What kind of address is allowed.

    ``public_only``: only https, and only addresses of the public internet. Otherwise http,
    loopback and private networks are allowed too. Link-local addresses and clouds' metadata
    services are never allowed.
    """

    name: str
    public_only: bool

    def judge(self, address: str) -> None:
        """Raise ``RefusedAddress`` unless a connection to this IP address is allowed."""
        if is_metadata(address):
            raise RefusedAddress("link-local and metadata addresses are never allowed")
        if self.public_only and not is_public(address):
            raise RefusedAddress("the address is not on the public internet")


#: For addresses that merchants give us for live payments.
PUBLIC_ONLY = Policy("public_only", public_only=True)
#: For sandbox webhooks, and for providers, whose addresses the operator configures.
ANYWHERE = Policy("anywhere", public_only=False)


def check_url(url: str, policy: Policy) -> None:
    """Raise ``RefusedAddress`` if ``url``, as written, breaks the policy.

    This is the check for the moment an address is registered. It resolves no name: what a name
    leads to is judged when a connection is made, each time.
    """
    if len(url) > _URL_CHARACTERS_MAX:
        raise RefusedAddress("the address is too long")
    if _AMBIGUOUS.search(url):
        raise RefusedAddress("the address has a blank, control or non-ASCII character")
    try:
        parsed = httpx2.URL(url)
    except httpx2.InvalidURL as error:
        raise RefusedAddress("the address cannot be parsed") from error
    if parsed.scheme not in ("https", "http") or (policy.public_only and parsed.scheme != "https"):
        raise RefusedAddress("the scheme is not allowed")
    # A slash is missing or one too many: browsers and libraries disagree about the host.
    if not re.match(r"https?://[^/?#]", url, re.IGNORECASE):
        raise RefusedAddress("the address has no host")
    authority = re.split(r"[/?#]", url, maxsplit=3)[2]
    if "@" in authority:
        raise RefusedAddress("the address has user information")
    if not 0 < (443 if parsed.port is None else parsed.port) <= 65_535 or "%" in authority:
        raise RefusedAddress("the host or port is not usable")
    _check_host(parsed.host.rstrip(".").lower(), policy)


def _check_host(host: str, policy: Policy) -> None:
    if not host:
        raise RefusedAddress("the address has no host")
    literal = _literal(host)
    if literal is not None:
        policy.judge(literal)
        return
    if not policy.public_only:
        return
    if "." not in host or any(host == name or host.endswith(f".{name}") for name in _LOCAL_NAMES):
        raise RefusedAddress("the name is a local one")


def _literal(host: str) -> str | None:
    """The IP address that ``host`` spells, in any spelling the system understands, or None."""
    if ":" in host:
        return host
    if not _NUMERIC_LABEL.match(host.rpartition(".")[2]):
        return None
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except OSError as error:
        raise RefusedAddress("the host looks like an address but is none") from error
