"""Which addresses are public: what a URL that a run chooses may lead to."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from saltern_runtime.spec.networks import NetworkList

_NAT64: Final = IPv6Network("64:ff9b::/96")
_SPECIAL: Final = (
    ("a metadata address", IPv4Network("169.254.169.254/32")),
    ("a metadata address", IPv4Network("100.100.100.200/32")),
    ("a metadata address", IPv4Network("168.63.129.16/32")),
    ("a metadata address", IPv4Network("192.0.0.192/32")),
    ("a metadata address", IPv6Network("fd00:ec2::254/128")),
    ("an address of a shared network", IPv4Network("100.64.0.0/10")),
    ("a reserved address", IPv4Network("192.0.0.0/24")),
)
"""What Python does not tell, in all its versions: clouds hand out credentials at the first ones, some of them public."""


def why_refused(text: str, allowed: NetworkList) -> str | None:
    """Say which kind of address is not to be reached; None: it is public, or allowed."""
    outer = ip_address(text)
    address = _inside(outer)
    if any(each in block for each in (outer, address) for block in allowed):
        return None
    return next((kind for kind, block in _SPECIAL if address in block), None) or _kind(address)


def _kind(address: IPv4Address | IPv6Address) -> str | None:
    kinds = (
        (address.is_unspecified, "the address of no host"),
        (address.is_loopback, "a loopback address"),
        (address.is_link_local, "a link-local address"),
        (address.is_multicast, "a multicast address"),
        (address.is_reserved, "a reserved address"),
        (not address.is_global or (isinstance(address, IPv6Address) and address.is_site_local), "a private address"),
    )
    return next((kind for is_one, kind in kinds if is_one), None)


def _inside(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Return the IPv4 address that an IPv6 address leads to, where it does."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1] or address
