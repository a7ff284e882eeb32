"""Networks as operators write them."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final, Self


class NetworkList(tuple[IPv4Network | IPv6Network, ...]):
    """Networks by address and length, comma-separated (`10.20.0.0/16,fd00:1::/64`), `any` of them, or none."""

    __slots__ = ()

    def __new__(cls, text: str = "") -> Self:
        """Read a list; raises ValueError."""
        blocks = ("0.0.0.0/0", "::/0") if text.strip() == "any" else text.split(",") if text.strip() else ()
        return super().__new__(cls, (ip_network(block.strip()) for block in blocks))


NO_NETWORK: Final = NetworkList()
EVERYWHERE: Final = NetworkList("any")
