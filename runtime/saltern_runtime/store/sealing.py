"""Values at rest, sealed with AES-256-GCM. Without keys nothing is sealed, and nothing costs anything.

A sealed value is `~1<key id>.`, a nonce of 12 bytes and the ciphertext: as it is in a payload, in base64 as a text. JSON text never
begins with that mark, so values that were kept before are told apart. Each owner (a run, a file, a tenant's list of files) has a
key of its own, derived from the operator's, so that no number of runs wears one out; the place of a value in it is
authenticated. What was moved to another run or another place does not open.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from saltern_runtime.jsontext import compact
from saltern_runtime.spec.keyring import Keyring
from saltern_runtime.store.failures import SealedValueError, StoreUnfitError
from saltern_runtime.store.records import Record

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MARK: Final = "~"
"""What a sealed value begins with."""
HIDDEN: Final = "[sealed]"
"""Stands for a part of an object that is sealed beside it, and for one that cannot be opened."""
PART: Final = "sealed"
"""Name of what is sealed of an object whose other parts scripts and listings read."""
FRAME: Final = 64 * 1024
"""Bytes of a file that are sealed at a time."""
_HEAD: Final = re.compile(rb"~1([A-Za-z0-9_-]{1,32})\.")
_VERSION: Final = 1
_NONCE: Final = 12
_TAG: Final = 16


class Seals:
    """Seals and opens the values of one service."""

    def __init__(self, keys: Keyring, service: str) -> None:
        self._keys = {key.id: key.raw for key in keys}
        self._first = keys[0].id if keys else ""
        self._service = service
        self._ciphers = lru_cache(maxsize=1024)(self._cipher)

    def __bool__(self) -> bool:
        """Whether what is kept from now on is sealed."""
        return bool(self._keys)

    def check(self) -> None:
        """Raise StoreUnfitError where there are keys, and nothing that can seal with them."""
        if self:
            self._ciphers(self._first, "check")

    # Values

    def sealed(self, raw: bytes, owner: str, place: str) -> bytes:
        """Seal bytes for a place of an owner."""
        nonce = os.urandom(_NONCE)
        return self._head + nonce + self._ciphers(self._first, owner).encrypt(nonce, raw, place.encode())

    def text(self, sealed: bytes) -> str:
        """Write what was sealed as text."""
        head = len(self._head)
        return sealed[:head].decode() + base64.b64encode(sealed[head:]).decode()

    def opened(self, raw: bytes, owner: str, *places: str) -> bytes:
        """Open what `sealed` gave, for one of these places of its owner, or return bytes that were never sealed. Raises SealedValueError."""
        if not raw.startswith(MARK.encode()):
            return raw
        head = self._read(raw)
        cipher, nonce, rest = self._ciphers(head[1].decode(), owner), *_cut(raw, head.end())
        for place in places:
            found = _decrypted(cipher, nonce, rest, place.encode())
            if found is not None:
                return found
        raise SealedValueError(
            f"a value that is sealed with the key {head[1].decode()!r} was changed, or lies where it was not kept"
        )

    def opened_text(self, text: str, owner: str, *places: str) -> str:
        """Open what `text` wrote."""
        if not text.startswith(MARK):
            return text
        head, dot, rest = text.partition(".")
        try:
            return self.opened(f"{head}{dot}".encode() + base64.b64decode(rest, validate=True), owner, *places).decode()
        except binascii.Error:
            raise SealedValueError("a sealed value was cut off") from None

    # Parts of objects that scripts and listings look into: failures, questions, audits

    def hidden(self, text: str, owner: str, *names: str) -> str:
        """Seal some fields of an object (JSON text). One that could not be opened stays as it is."""
        if not self or PART in (given := json.loads(text)):
            return text
        inside = {name: given[name] for name in names if name in given}
        part = self.text(self.sealed(compact(inside).encode(), owner, PART))
        return compact({**given, **dict.fromkeys(inside, HIDDEN), PART: part})

    def shown(self, given: Mapping[str, Any], owner: str) -> dict[str, Any]:
        """Open what is sealed of an object; where that cannot be, `HIDDEN` stays in place of it."""
        part = given.get(PART)
        if not isinstance(part, str):
            return dict(given)
        try:
            inside = json.loads(self.opened_text(part, owner, PART))
        except SealedValueError:
            return dict(given)
        return {**{name: value for name, value in given.items() if name != PART}, **inside}

    def shown_text(self, text: str, owner: str) -> str:
        """Open what is sealed of an object (JSON text)."""
        return compact(self.shown(json.loads(text), owner)) if f'"{PART}":' in text else text

    def shown_record(self, text: str, owner: str) -> str:
        """Open what is sealed of an activation's record (JSON text): its failure, what it asks."""
        if PART not in text or not text.startswith("{"):
            return text
        record = json.loads(text)
        for name in (Record.FAILURE, Record.ASKS):
            if name in record:
                record[name] = self.shown_text(record[name], owner)
        return compact(record)

    def shown_event(self, data: Any, owner: str) -> Any:
        """Open what is sealed of an event's data: an object, or one inside of it."""
        if not isinstance(data, dict):
            return data
        return self.shown(
            {name: self.shown(part, owner) if isinstance(part, dict) else part for name, part in data.items()}, owner
        )

    # Files

    def sealed_file(self, chunks: Iterable[bytes], owner: str) -> Iterator[bytes]:
        """Seal bytes as they come, in frames of `FRAME` bytes; the owner is this file's alone, so that frames may be counted."""
        cipher, count, waiting = self._ciphers(self._first, owner), 0, bytearray()
        yield self._head
        for chunk in chunks:
            waiting += chunk
            while len(waiting) > FRAME:
                yield cipher.encrypt(_counted(count, last=False), bytes(waiting[:FRAME]), None)
                del waiting[:FRAME]
                count += 1
        yield cipher.encrypt(_counted(count, last=True), bytes(waiting), None)

    def opened_file(self, chunks: Iterable[bytes], owner: str) -> Iterator[bytes]:
        """Open what `sealed_file` gave; raises SealedValueError where a frame is missing, changed, or from elsewhere."""
        waiting, count, cipher = bytearray(), 0, None
        for chunk in chunks:
            waiting += chunk
            if cipher is None and (b"." in waiting[:64] or len(waiting) >= 64):
                head = self._read(bytes(waiting[:64]))
                cipher = self._ciphers(head[1].decode(), owner)
                del waiting[: head.end()]
            while cipher is not None and len(waiting) > FRAME + _TAG:
                yield _frame(cipher, count, bytes(waiting[: FRAME + _TAG]), last=False)
                del waiting[: FRAME + _TAG]
                count += 1
        if cipher is None:
            raise SealedValueError("a sealed file was cut off")
        yield _frame(cipher, count, bytes(waiting), last=True)

    # Digests

    def digests(self, text: str, plain: str) -> str:
        """Return by which digests a text may be known that was kept, the one to keep first: those of all keys, then the plain one."""
        keyed = [f"{name}:{_hmac(self._derived(name, 'digest'), text)}" for name in self._keys]
        return " ".join([*keyed, plain])

    def keyed(self, digest: str) -> str:
        """Return a digest under which something is kept: nobody without the key can tell what it is of."""
        return _hmac(self._derived(self._first, "digest"), digest) if self else digest

    # Keys

    @property
    def _head(self) -> bytes:
        return f"{MARK}{_VERSION}{self._first}.".encode()

    def _read(self, raw: bytes) -> re.Match[bytes]:
        head = _HEAD.match(raw)
        if head is None:
            raise SealedValueError("a value was sealed by a later version of this service, or was changed")
        return head

    def _derived(self, key: str, owner: str) -> bytes:
        if key not in self._keys:
            raise SealedValueError(
                f"a value is sealed with the key {key!r}, which is not among SALTERN_ENCRYPTION_KEYS"
            )
        label = f"saltern\0{_VERSION}\0{self._service}\0{owner}".encode()
        return hmac.digest(self._keys[key], label, hashlib.sha256)

    def _cipher(self, key: str, owner: str) -> AESGCM:
        derived = self._derived(key, owner)
        try:
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        except ModuleNotFoundError:
            raise StoreUnfitError(
                "SALTERN_ENCRYPTION_KEYS needs cryptography: install saltern-runtime[sealing]"
            ) from None
        return AESGCM(derived)


def _hmac(key: bytes, text: str) -> str:
    return hmac.digest(key, text.encode(), hashlib.sha256).hex()


def _cut(raw: bytes, at: int) -> tuple[bytes, bytes]:
    return raw[at : at + _NONCE], raw[at + _NONCE :]


def _counted(count: int, *, last: bool) -> bytes:
    return count.to_bytes(_NONCE - 1, "big") + bytes([last])


def _frame(cipher: AESGCM, count: int, sealed: bytes, *, last: bool) -> bytes:
    found = _decrypted(cipher, _counted(count, last=last), sealed, None)
    if found is None:
        raise SealedValueError("a sealed file was changed, or a part of it is missing")
    return found


def _decrypted(cipher: AESGCM, nonce: bytes, sealed: bytes, place: bytes | None) -> bytes | None:
    """Return what was sealed; None where it was not, with this nonce, for this place."""
    from cryptography.exceptions import InvalidTag

    try:
        return cipher.decrypt(nonce, sealed, place)
    except (InvalidTag, ValueError):
        return None
