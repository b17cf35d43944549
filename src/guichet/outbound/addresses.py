"""Which IP addresses a guarded request may go to, judged after unwrapping embedded IPv4.

The tables are RFC 6890's special-purpose registries, spelled out: the standard library's
``is_global`` follows them too, but its answers changed between Python releases and it does not
look inside 6to4, NAT64 and IPv4-compatible addresses.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

_SPECIAL_IPV4 = tuple(
    IPv4Network(text)
    for text in [
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    ]
)
_UNICAST_IPV6 = IPv6Network("2000::/3")
#: Protocol assignments (with Teredo, ORCHID), documentation, documentation.
_SPECIAL_IPV6 = tuple(IPv6Network(text) for text in ["2001::/23", "2001:db8::/32", "3fff::/20"])

_MAPPED = IPv6Network("::ffff:0:0/96")
_COMPATIBLE = IPv6Network("::/96")
_SIX_TO_FOUR = IPv6Network("2002::/16")
_NAT64 = IPv6Network("64:ff9b::/96")
_TEREDO = IPv6Network("2001::/32")

#: Where clouds serve credentials to whoever asks from inside: no policy allows these.
_METADATA = frozenset(map(ip_address, ("100.100.100.200", "192.0.0.192", "fd00:ec2::254")))
_LINK_LOCAL_IPV4 = IPv4Network("169.254.0.0/16")
_LINK_LOCAL_IPV6 = IPv6Network("fe80::/10")


def unwrap(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that an IPv6 one carries (mapped, compatible, 6to4, NAT64, Teredo), if any.

    ``::`` and ``::1`` are addresses of their own and stay as they are.
    """
    if isinstance(address, IPv4Address):
        return address
    number = int(address)
    if address in _MAPPED or address in _NAT64 or (address in _COMPATIBLE and number > 1):
        return IPv4Address(number & 0xFFFFFFFF)
    if address in _SIX_TO_FOUR:
        return IPv4Address(number >> 80 & 0xFFFFFFFF)
    if address in _TEREDO:
        return IPv4Address(~number & 0xFFFFFFFF)
    return address


def is_metadata(text: str) -> bool:
    """Whether the address is link-local or a cloud's credential service."""
    address = unwrap(ip_address(text.partition("%")[0]))
    if isinstance(address, IPv4Address):
        return address in _LINK_LOCAL_IPV4 or address in _METADATA
    return address in _LINK_LOCAL_IPV6 or address in _METADATA


def is_public(text: str) -> bool:
    """Whether the address (and the IPv4 address it may carry) is one of the public internet."""
    outer = ip_address(text)
    if outer in _COMPATIBLE or outer in _TEREDO:
        return False
    address = unwrap(outer)
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _SPECIAL_IPV4)
    return address in _UNICAST_IPV6 and not any(address in network for network in _SPECIAL_IPV6)
