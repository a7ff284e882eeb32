"""Where bytes live that are too big for a run's hash: large values, and files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final, Protocol

from redis import Redis

from saltern_runtime.store.keys import Keys, digest_of, shard_of

INLINE: Final = 32 * 1024
"""Bytes of a value that stay in the run's hash; JSON text never begins with the mark of a reference."""
MARK: Final = "@"


class PayloadGoneError(LookupError):
    """What a reference leads to is kept no longer."""


class PayloadStore(Protocol):
    """Keeps bytes under an owner and a name. A reference is short, and has no line break.

    The same write again is harmless, so it may be sent twice. Failures to reach it raise ConnectionError, which passes.
    """

    def write(self, owner: str, name: str, chunks: Iterable[bytes], keep: float) -> str:
        """Keep bytes for `keep` seconds at least, and return their reference. Nothing is kept where `chunks` raises.

        `owner` is a run's id, or looks like one: it names a shard.
        """

    def read(self, reference: str) -> Iterator[bytes]:
        """Yield the bytes, a part at a time; raises PayloadGoneError before the first, or where the rest is missing."""

    def hold(self, reference: str, keep: float) -> str:
        """Keep it for `keep` seconds from now at least; returns the reference from now on. Raises PayloadGoneError."""

    def drop(self, reference: str) -> None:
        """Keep it no longer."""

    def sweep(self) -> None:
        """Remove what is kept no longer, where nothing else does; the timers call it now and then."""


class RedisPayloads:
    """Keeps them in the same Redis, beside the run: a key for each chunk."""

    def __init__(self, client: Redis, keys: Keys) -> None:
        """`client` decodes nothing."""
        self._client = client
        self._keys = keys

    def write(self, owner: str, name: str, chunks: Iterable[bytes], keep: float) -> str:
        """See PayloadStore."""
        key = f"{self._keys.shard(shard_of(owner) or 0)}payload:{digest_of(owner, name)[:32]}"
        count = 0
        try:
            for chunk in chunks:
                self._client.set(_part(key, count), chunk, px=_ms(keep))
                count += 1
        except BaseException:
            self._drop(key, count)
            raise
        if not count:
            self._client.set(key, b"", px=_ms(keep))
        return key if count <= 1 else f"{key}*{count}"

    def read(self, reference: str) -> Iterator[bytes]:
        """See PayloadStore."""
        key, count = _read(reference)
        for part in range(count):
            chunk: Any = self._client.get(_part(key, part))
            if chunk is None:
                raise PayloadGoneError(reference)
            yield bytes(chunk)

    def hold(self, reference: str, keep: float) -> str:
        """See PayloadStore."""
        key, count = _read(reference)
        with self._client.pipeline(transaction=False) as pipe:
            for part in range(count):
                pipe.exists(_part(key, part))
                pipe.pexpire(_part(key, part), _ms(keep), gt=True)
            held = pipe.execute()[::2]
        if not all(held):
            raise PayloadGoneError(reference)
        return reference

    def drop(self, reference: str) -> None:
        """See PayloadStore."""
        self._drop(*_read(reference))

    def sweep(self) -> None:
        """See PayloadStore: keys expire by themselves."""

    def _drop(self, key: str, count: int) -> None:
        with self._client.pipeline(transaction=False) as pipe:
            for part in range(count):
                pipe.unlink(_part(key, part))
            pipe.execute()


def _part(key: str, part: int) -> str:
    return f"{key}.{part}" if part else key


def _read(reference: str) -> tuple[str, int]:
    key, _, count = reference.partition("*")
    return key, int(count or 1)


def _ms(keep: float) -> int:
    return max(1, int(keep * 1000))
