"""Links at which answers are taken: whoever holds one may give the answer, until the link expires.

A link carries its run, the activation and its end, and an HMAC over them with a key that the store keeps for the run's shard.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from typing import Final

from saltern_runtime.store.keys import shard_of

ROUTE: Final = "/answers/"
"""What the path of a link begins with, behind the service's own address."""
_MAC: Final = 16
"""Bytes of the HMAC that travel: 128 bits are not guessed."""


@dataclass(frozen=True, slots=True)
class Link:
    """Where a link leads."""

    run: str
    path: str
    """The activation."""
    until: int
    """Unix seconds at which it expires."""

    @property
    def shard(self) -> int:
        """The shard of its run."""
        return shard_of(self.run) or 0

    @property
    def text(self) -> bytes:
        """What is signed."""
        return f"{self.until}|{self.run}|{self.path}".encode()

    def mac(self, key: bytes) -> bytes:
        """Return its HMAC."""
        return hmac.digest(key, self.text, hashlib.sha256)[:_MAC]

    def signed(self, key: bytes) -> str:
        """Write it as what stands behind `ROUTE`."""
        return _write(self.text + self.mac(key))


def read(token: str) -> tuple[Link, bytes] | None:
    """Read a link and the HMAC that came with it, not verified yet; None where it is none."""
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        until, run, path = raw[:-_MAC].decode().split("|", 2)
        link = Link(run, path, int(until))
    except (binascii.Error, ValueError):
        return None
    return (link, raw[-_MAC:]) if shard_of(run) is not None and _write(raw) == token else None


def verified(link: Link, mac: bytes, key: bytes) -> bool:
    """Whether the HMAC is that of the link."""
    return hmac.compare_digest(link.mac(key), mac)


def _write(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
