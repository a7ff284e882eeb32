"""What every way of signing a webhook offers: keys out of a variable, verifying, the name of a delivery, an answered handshake."""

from __future__ import annotations

import hmac
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from pydantic_core import from_json

MIN_KEY: Final = 16
"""Bytes of a secret at least, whoever made it."""
_ID: Final = re.compile(r"[!-~]{1,200}")
_TIMESTAMP: Final = re.compile(r"[0-9]{1,12}")


class SignatureError(Exception):
    """A delivery that cannot be trusted; the message may be told to the sender."""


class Scheme(ABC):
    """One way in which deliveries are signed. Header names are those of `Mapping[str, str]` in small letters."""

    header: str
    """Where the signature stands."""
    one_word: ClassVar[bool] = True
    """Secrets hold no spaces, so that spaces part them as line ends do."""
    challenge: str = "Webhook"
    """What a 401 asks for in WWW-Authenticate."""
    about: str = ""
    id: str = "webhook-id"
    """The header that names the delivery."""
    payload: ClassVar[str] = ""
    """The form field in which JSON is sent, where the vendor does so."""

    def keys(self, text: str) -> tuple[bytes, ...]:
        """Read secrets, several while they rotate; raises ValueError, which repeats none, for what is none."""
        parts = text.split() if self.one_word else [line.strip() for line in text.splitlines()]
        found = tuple(self.key(part) for part in parts if part)
        if not found:
            raise ValueError("the secret is empty")
        if any(len(key) < MIN_KEY for key in found):
            raise ValueError(f"the secret is shorter than {MIN_KEY} bytes")
        return found

    def key(self, secret: str) -> bytes:
        """Return the key that a secret stands for."""
        return secret.encode()

    @abstractmethod
    def verify(
        self, headers: Mapping[str, str], body: bytes, keys: Sequence[bytes], *, now: float, tolerance: float
    ) -> None:
        """Raise SignatureError unless one of the keys signed the delivery; times are in seconds."""

    def identity(self, headers: Mapping[str, str], body: bytes) -> str | None:  # noqa: ARG002 - for those whose id stands in the body
        """Return what the vendor calls a verified delivery, so that its repeats are known; None where it has no name."""
        return headers.get(self.id.lower())

    def greeting(self, headers: Mapping[str, str], body: bytes) -> dict[str, Any] | None:  # noqa: ARG002 - for those that greet
        """Return the answer to a verified delivery that only asks whether anyone listens; None for all others."""
        return None


def is_id(text: str) -> bool:
    """Tell whether a text can name a delivery."""
    return _ID.fullmatch(text) is not None


def read_time(text: str) -> int:
    """Read seconds since 1970 as vendors write them; raises SignatureError for what are none."""
    if not _TIMESTAMP.fullmatch(text):
        raise SignatureError("the timestamp is missing or malformed")
    return int(text)


def check_time(sent: int, now: float, tolerance: float) -> None:
    """Raise SignatureError for a delivery of long ago, or of the future: after the signature, so that strangers learn nothing."""
    if abs(now - sent) > tolerance:
        raise SignatureError("the timestamp is too far from now")


def check_any(presented: Sequence[str], expected: Sequence[str], otherwise: str = "no signature matches") -> None:
    """Raise SignatureError unless one that was presented is expected; each is compared with each, in constant time."""
    matches = False
    for one in presented:
        for other in expected:
            matches |= hmac.compare_digest(one.encode(), other.encode())
    if not matches:
        raise SignatureError(otherwise)


def peek(body: bytes) -> dict[str, Any]:
    """Read the object that a verified body is; empty where it is none, which whoever reads it for good will say."""
    try:
        found = from_json(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def text_in(found: Mapping[str, Any], key: str) -> str | None:
    """Return the text behind a key, if there is one."""
    value = found.get(key)
    return value if isinstance(value, str) else None
