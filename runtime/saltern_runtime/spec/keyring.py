"""Keys that values are sealed with, as operators write them."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Final, NamedTuple, Self

LENGTH: Final = 32
"""Bytes of a key: AES-256."""
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,32}")


class KeyringError(ValueError):
    """Keys cannot be read; says all that is wrong. Nothing that may be a part of a key is repeated."""


class SealingKey(NamedTuple):
    """A key and the id that values name it by."""

    id: str
    raw: bytes

    def __repr__(self) -> str:
        return f"<key {self.id}>"


class Keyring(tuple[SealingKey, ...]):
    """Keys as `ID:BASE64`, of 32 bytes each, between commas or on lines of their own. The first one seals, all of them open."""

    __slots__ = ()

    def __new__(cls, text: str = "") -> Self:
        """Read them; raises KeyringError. An empty text holds none."""
        entries = re.split(r"[,\n]", text.strip()) if text.strip() else []
        wrong: list[str] = []
        keys = [key for number, entry in enumerate(entries, 1) for key in _read(number, entry.strip(), wrong)]
        ids = [key.id for key in keys]
        wrong += [
            f"the id {twice!r} stands there twice" for twice in sorted({each for each in ids if ids.count(each) > 1})
        ]
        if wrong:
            raise KeyringError("; ".join(wrong))
        return super().__new__(cls, keys)


def _read(number: int, entry: str, wrong: list[str]) -> Iterator[SealingKey]:
    name, colon, text = (part.strip() for part in entry.partition(":"))
    if not entry:
        wrong.append(f"entry {number} is empty")
        return
    if not colon or not _ID.fullmatch(name):
        wrong.append(
            f"entry {number} is no ID:BASE64, with an id of at most 32 letters, digits, `-` and `_` before the colon"
        )
        return
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        wrong.append(f"the key {name!r} is no base64")
        return
    if len(raw) != LENGTH:
        wrong.append(f"the key {name!r} has {len(raw)} bytes, and needs {LENGTH}: openssl rand -base64 32")
    yield SealingKey(name, raw)


NO_KEYS: Final = Keyring()
