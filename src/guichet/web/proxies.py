"""Who the client is when proxies stand before us."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network


class TrustedProxies:
    """The networks whose ``X-Forwarded-For`` is believed; ``ValueError`` for a bad network."""

    def __init__(self, networks: str = "") -> None:
        self._networks: tuple[IPv4Network | IPv6Network, ...] = tuple(
            ip_network(text.strip(), strict=False) for text in networks.split(",") if text.strip()
        )

    def trusts(self, peer: str) -> bool:
        """Whether ``peer``, the address at the other end of the connection, is a trusted proxy."""
        return self._trusts(_address(peer))

    def client_address(self, peer: str, forwarded_for: str | None) -> str:
        """The address of the client: ``peer`` unless that is a trusted proxy, else the nearest
        address in ``forwarded_for`` (nearest last) that is not one. Whatever a client wrote into
        the header itself stands left of what our proxies added, and is never reached.
        """
        if not self._networks or not forwarded_for or not self._trusts(_address(peer)):
            return peer
        client = peer
        for text in reversed(forwarded_for.split(",")):
            address = _address(text.strip())
            if address is None:
                break
            client = str(address)
            if not self._trusts(address):
                break
        return client

    def _trusts(self, address: IPv4Address | IPv6Address | None) -> bool:
        return address is not None and any(address in network for network in self._networks)


@lru_cache(maxsize=4096)
def network_of(address: str) -> str:
    """What limits count as one client: an IPv4 address, or the /64 that one IPv6 client has to
    itself. Whatever is no address stands for itself.
    """
    parsed = _address(address)
    if isinstance(parsed, IPv6Address):
        return str(IPv6Network((int(parsed) >> 64 << 64, 64)))
    return str(parsed) if parsed else address


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
