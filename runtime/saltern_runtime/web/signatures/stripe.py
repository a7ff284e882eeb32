"""Signatures of Stripe: `t=<time>,v1=<hex>,…` in one header, over `time.body`."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from saltern_runtime.web.signatures.base import (
    Scheme,
    SignatureError,
    check_any,
    check_time,
    peek,
    read_time,
    text_in,
)

MOST_PARTS: Final = 16


@dataclass(frozen=True, slots=True)
class Stripe(Scheme):
    """The key is the whole text of the secret, `whsec_` included; schemes other than `v1` are not read."""

    header: str = "Stripe-Signature"
    about: str = "Stripe: Stripe-Signature, with a time and HMACs."

    def verify(
        self, headers: Mapping[str, str], body: bytes, keys: Sequence[bytes], *, now: float, tolerance: float
    ) -> None:
        """Check the `v1` signatures, then the time."""
        pairs = [part.strip().partition("=") for part in headers.get("stripe-signature", "").split(",")[:MOST_PARTS]]
        presented = [value.lower() for name, _, value in pairs if name == "v1" and value]
        sent = next((value for name, _, value in pairs if name == "t"), "")
        if not presented or not sent:
            raise SignatureError("Stripe-Signature needs t and v1")
        at = read_time(sent)
        message = f"{sent}.".encode() + body
        check_any(presented, [hmac.new(key, message, hashlib.sha256).hexdigest() for key in keys])
        check_time(at, now, tolerance)

    def identity(self, headers: Mapping[str, str], body: bytes) -> str | None:  # noqa: ARG002 - the interface
        """Return the id of the event."""
        return text_in(peek(body), "id")
