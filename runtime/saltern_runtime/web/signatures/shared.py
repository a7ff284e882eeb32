"""What is no signature: a secret that comes with each delivery. It says who sent it, and nothing of what was sent."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from saltern_runtime.web.signatures.base import Scheme, SignatureError, check_any

AUTHORIZATION: Final = "Authorization"


@dataclass(frozen=True, slots=True)
class Basic(Scheme):
    """HTTP's basic authentication; the secret is `name:password`."""

    header: str = AUTHORIZATION
    challenge: str = 'Basic realm="webhook", charset="UTF-8"'
    about: str = "A name and a password."
    one_word = False

    def key(self, secret: str) -> bytes:
        """Return name and password."""
        if ":" not in secret:
            raise ValueError("the secret is not a name, a colon and a password")
        return secret.encode()

    def verify(
        self,
        headers: Mapping[str, str],
        body: bytes,  # noqa: ARG002 - the interface
        keys: Sequence[bytes],
        *,
        now: float,  # noqa: ARG002
        tolerance: float,  # noqa: ARG002
    ) -> None:
        """Compare name and password."""
        kind, _, given = headers.get("authorization", "").partition(" ")
        if kind.lower() != "basic":
            raise SignatureError("a name and a password are needed")
        try:
            presented = base64.b64decode(given.strip(), validate=True)
        except (binascii.Error, ValueError):
            raise SignatureError("the name and the password cannot be read") from None
        _check(presented, keys, "the name or the password is wrong")


@dataclass(frozen=True, slots=True)
class Token(Scheme):
    """A secret in a header: behind `Bearer` in Authorization, alone in any other."""

    header: str = AUTHORIZATION
    id: str = ""
    """The header that names the delivery."""
    about: str = "A secret in a header."

    @property
    def is_bearer(self) -> bool:
        """Whether it stands behind `Bearer`."""
        return self.header.lower() == AUTHORIZATION.lower()

    def verify(
        self,
        headers: Mapping[str, str],
        body: bytes,  # noqa: ARG002 - the interface
        keys: Sequence[bytes],
        *,
        now: float,  # noqa: ARG002
        tolerance: float,  # noqa: ARG002
    ) -> None:
        """Compare the secret."""
        given = headers.get(self.header.lower(), "")
        if self.is_bearer:
            kind, _, given = given.partition(" ")
            given = given.strip() if kind.lower() == "bearer" else ""
        if not given:
            raise SignatureError(f"{self.header} is missing or malformed")
        _check(given.encode(), keys, "the token is not known")

    def identity(self, headers: Mapping[str, str], body: bytes) -> str | None:  # noqa: ARG002 - the interface
        """Return what stands in the header that names deliveries."""
        return headers.get(self.id.lower()) if self.id else headers.get("webhook-id")


def _check(presented: bytes, keys: Sequence[bytes], otherwise: str) -> None:
    """Compare digests, whose lengths say nothing of a secret's."""
    try:
        check_any([hashlib.sha256(presented).hexdigest()], [hashlib.sha256(key).hexdigest() for key in keys])
    except SignatureError:
        raise SignatureError(otherwise) from None
