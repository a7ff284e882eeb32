"""Signatures of Standard Webhooks: `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`.

The vendor's library fixes the tolerance at five minutes and raises assorted errors for malformed headers, so verifying
stands here; tests sign with the library.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from typing import Final

PREFIX: Final = "whsec_"
MIN_KEY: Final = 16
"""Bytes; the standard asks for 24 or more of those who make secrets."""
MOST_SIGNATURES: Final = 16
_ID: Final = re.compile(r"[!-~]{1,200}")
_TIMESTAMP: Final = re.compile(r"[0-9]{1,12}")


class SignatureError(Exception):
    """A delivery that cannot be trusted; the message may be told to the sender."""


def keys(text: str) -> tuple[bytes, ...]:
    """Read `whsec_…` secrets, several (while they rotate) separated by spaces; raises ValueError for what is none."""
    secrets = tuple(_key(part) for part in text.split())
    if not secrets:
        raise ValueError("the secret is empty")
    return secrets


def _key(secret: str) -> bytes:
    text = secret.removeprefix(PREFIX)
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except binascii.Error as error:
        raise ValueError("the secret is not whsec_ and base64") from error
    if len(key) < MIN_KEY:
        raise ValueError("the secret is shorter than 16 bytes")
    return key


def verify(headers: Mapping[str, str], body: bytes, secrets: Sequence[bytes], *, now: float, tolerance: float) -> str:
    """Return the webhook-id of a delivery that one of the secrets signed; raises SignatureError otherwise."""
    identity, sent, given = (headers.get(f"webhook-{part}", "") for part in ("id", "timestamp", "signature"))
    if not _ID.fullmatch(identity) or not _TIMESTAMP.fullmatch(sent) or not given:
        raise SignatureError("webhook-id, webhook-timestamp and webhook-signature are needed")
    presented = [
        signature.partition(",")[2] for signature in given.split()[:MOST_SIGNATURES] if signature.startswith("v1,")
    ]
    if not _any_matches(presented, [_sign(key, identity, sent, body) for key in secrets]):
        raise SignatureError("no signature matches")
    if abs(now - int(sent)) > tolerance:
        raise SignatureError("the timestamp is too far from now")
    return identity


def _sign(key: bytes, identity: str, sent: str, body: bytes) -> str:
    mac = hmac.new(key, f"{identity}.{sent}.".encode() + body, hashlib.sha256)
    return base64.b64encode(mac.digest()).decode()


def _any_matches(presented: Sequence[str], expected: Sequence[str]) -> bool:
    matches = False
    for one in presented:
        for other in expected:
            matches |= hmac.compare_digest(one.encode(), other.encode())
    return matches
