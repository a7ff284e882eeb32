"""What is no signature: a secret that comes with each delivery. It says who sent it, and nothing of what was sent."""

from __future__ import annotations

import base64
import binascii
import hashlib
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from saltern_runtime.web.signatures.base import Scheme, SignatureError, check_any

AUTHORIZATION: Final = "Authorization"


class Shared(Scheme):
    """A secret that is compared with what was sent."""

    refusal: ClassVar[str]
    """What the sender of another one is told."""

    def verify(
        self, headers: Mapping[str, str], body: bytes, keys: Sequence[bytes], *, now: float, tolerance: float
    ) -> None:
        """Compare digests, whose lengths say nothing of a secret's."""
        del body, now, tolerance  # nothing is signed
        presented = hashlib.sha256(self.presented(headers)).hexdigest()
        check_any([presented], [hashlib.sha256(key).hexdigest() for key in keys], self.refusal)

    @abstractmethod
    def presented(self, headers: Mapping[str, str]) -> bytes:
        """Return the secret that was sent; raises SignatureError where there is none."""


@dataclass(frozen=True, slots=True)
class Basic(Shared):
    """HTTP's basic authentication; the secret is `name:password`."""

    header: str = AUTHORIZATION
    challenge: str = 'Basic realm="webhook", charset="UTF-8"'
    about: str = "A name and a password."
    one_word = False
    refusal = "the name or the password is wrong"

    def key(self, secret: str) -> bytes:
        """Return name and password."""
        if ":" not in secret:
            raise ValueError("the secret is not a name, a colon and a password")
        return secret.encode()

    def presented(self, headers: Mapping[str, str]) -> bytes:
        """Return name and password."""
        kind, _, given = headers.get("authorization", "").partition(" ")
        if kind.lower() != "basic":
            raise SignatureError("a name and a password are needed")
        try:
            return base64.b64decode(given.strip(), validate=True)
        except (binascii.Error, ValueError):
            raise SignatureError("the name and the password cannot be read") from None


@dataclass(frozen=True, slots=True)
class Token(Shared):
    """A secret in a header: behind `Bearer` in Authorization, alone in any other."""

    header: str = AUTHORIZATION
    id: str = "webhook-id"
    about: str = "A secret in a header."
    refusal = "the token is not known"

    @property
    def is_bearer(self) -> bool:
        """Whether it stands behind `Bearer`."""
        return self.header.lower() == AUTHORIZATION.lower()

    def presented(self, headers: Mapping[str, str]) -> bytes:
        """Return the bytes of the header, which stand in texts as Latin-1."""
        given = headers.get(self.header.lower(), "")
        if self.is_bearer:
            kind, _, given = given.partition(" ")
            given = given.strip() if kind.lower() == "bearer" else ""
        if not given:
            raise SignatureError(f"{self.header} is missing or malformed")
        return given.encode("latin-1")
