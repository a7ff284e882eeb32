"""Signatures of Standard Webhooks: `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`.

The vendor's library fixes the tolerance at five minutes and raises assorted errors for malformed headers, so verifying
stands here; tests sign with the library.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from saltern_runtime.web.signatures.base import Scheme, SignatureError, check_any, check_time, is_id, read_time

MOST_SIGNATURES: Final = 16


@dataclass(frozen=True, slots=True)
class Standard(Scheme):
    """Secrets are `whsec_` and base64; the standard asks for 24 bytes or more of those who make them."""

    header: str = "webhook-signature"
    about: str = "Standard Webhooks: webhook-id, webhook-timestamp and webhook-signature."

    def key(self, secret: str) -> bytes:
        """Return the bytes that a secret writes in base64; some vendors show it with `v1,` before it."""
        text = secret.removeprefix("v1,").removeprefix("whsec_")
        try:
            return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
        except (binascii.Error, ValueError):
            raise ValueError("the secret is not whsec_ and base64") from None

    def verify(
        self, headers: Mapping[str, str], body: bytes, keys: Sequence[bytes], *, now: float, tolerance: float
    ) -> None:
        """Check the signatures that were sent, and the time among what they sign."""
        identity, sent, given = (headers.get(f"webhook-{part}", "") for part in ("id", "timestamp", "signature"))
        if not is_id(identity) or not sent or not given:
            raise SignatureError("webhook-id, webhook-timestamp and webhook-signature are needed")
        at = read_time(sent)
        presented = [
            signature.partition(",")[2] for signature in given.split()[:MOST_SIGNATURES] if signature.startswith("v1,")
        ]
        check_any(presented, [_sign(key, identity, sent, body) for key in keys])
        check_time(at, now, tolerance)


def _sign(key: bytes, identity: str, sent: str, body: bytes) -> str:
    mac = hmac.new(key, f"{identity}.{sent}.".encode() + body, hashlib.sha256)
    return base64.b64encode(mac.digest()).decode()
