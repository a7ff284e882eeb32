"""Where bytes live that are too big for a run's hash: large values, and files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, Protocol

from redis import Redis
from redis.client import NEVER_DECODE

from saltern_runtime.store.failures import PayloadsUnreachableError
from saltern_runtime.store.keys import PREFIX, Keys, digest_of, shard_of

INLINE: Final = 32 * 1024
"""Bytes of a value that stay in the run's hash; JSON text never begins with the mark of a reference."""
MARK: Final = "@"


class PayloadGoneError(LookupError):
    """What a reference leads to is kept no longer."""


class PayloadStore(Protocol):
    """Keeps bytes under an owner and a name. A reference is short, and has no line break.

    The same write again is harmless, so it may be sent twice. Failures to reach it are those that `Link.patiently` waits out.
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

    def sweep(self) -> bool:
        """Remove a part of what is kept no longer, where nothing else does; says whether there is more. Timers call it now and then."""


class RedisPayloads:
    """Keeps them in the same Redis, beside the run: a key for each chunk."""

    def __init__(
        self, at: Callable[[str], Redis], keys: Keys, patiently: Callable[[Callable[[], Any]], Any] = lambda do: do()
    ) -> None:
        """`at` gives the client of the server that holds a key; `patiently` does something again where that may have changed."""
        self._at = at
        self._keys = keys
        self._patiently = patiently

    def write(self, owner: str, name: str, chunks: Iterable[bytes], keep: float) -> str:
        """See PayloadStore."""
        key = f"{self._keys.shard(shard_of(owner) or 0)}payload:{digest_of(owner, name)[:32]}"
        count = 0
        try:
            for chunk in chunks:
                self._put(_part(key, count), chunk, keep)
                count += 1
        except BaseException:
            self._drop(key, count)
            raise
        if not count:
            self._put(key, b"", keep)
        return key if count <= 1 else f"{key}*{count}"

    def _put(self, key: str, chunk: bytes, keep: float) -> None:
        self._patiently(lambda: self._at(key).set(key, chunk, px=_ms(keep)))

    def _get(self, key: str) -> Any:
        return self._patiently(lambda: self._at(key).execute_command("GET", key, **{NEVER_DECODE: []}))  # type: ignore[no-untyped-call]  # redis-py leaves it untyped

    def read(self, reference: str) -> Iterator[bytes]:
        """See PayloadStore."""
        key, count = _read(reference)
        for part in range(count):
            chunk = self._get(_part(key, part))
            if chunk is None:
                raise PayloadGoneError(reference)
            yield bytes(chunk)

    def hold(self, reference: str, keep: float) -> str:
        """See PayloadStore."""
        key, count = _read(reference)

        def once() -> list[Any]:
            with self._at(key).pipeline(transaction=False) as pipe:
                for part in range(count):
                    pipe.exists(_part(key, part))
                    pipe.pexpire(_part(key, part), _ms(keep), gt=True)
                return pipe.execute()[::2]

        if not all(self._patiently(once)):
            raise PayloadGoneError(reference)
        return reference

    def drop(self, reference: str) -> None:
        """See PayloadStore."""
        self._drop(*_read(reference))

    def sweep(self) -> bool:
        """See PayloadStore: keys expire by themselves."""
        return False

    def _drop(self, key: str, count: int) -> None:
        def once() -> None:
            with self._at(key).pipeline(transaction=False) as pipe:
                for part in range(count):
                    pipe.unlink(_part(key, part))
                pipe.execute()

        self._patiently(once)


class PayloadsByForm:
    """Writes where the setting says; reads, holds and drops where a reference leads: the setting may have been another."""

    def __init__(self, in_redis: PayloadStore, outside: PayloadStore | None) -> None:
        """`outside` is None where the setting is Redis."""
        self._in_redis, self._outside = in_redis, outside
        self._chosen = in_redis if outside is None else outside

    def write(self, owner: str, name: str, chunks: Iterable[bytes], keep: float) -> str:
        """See PayloadStore."""
        return self._chosen.write(owner, name, chunks, keep)

    def read(self, reference: str) -> Iterator[bytes]:
        """See PayloadStore."""
        yield from self._of(reference).read(reference)

    def hold(self, reference: str, keep: float) -> str:
        """See PayloadStore."""
        return self._of(reference).hold(reference, keep)

    def drop(self, reference: str) -> None:
        """See PayloadStore."""
        self._of(reference).drop(reference)

    def sweep(self) -> bool:
        """See PayloadStore."""
        return self._chosen.sweep()

    def _of(self, reference: str) -> PayloadStore:
        if reference.startswith(PREFIX):
            return self._in_redis
        if self._outside is None:
            raise PayloadsUnreachableError(
                "a value lies in the folder or bucket that SALTERN_PAYLOADS named before, and is not to be had while it names none"
            )
        return self._outside


def _part(key: str, part: int) -> str:
    return f"{key}.{part}" if part else key


def _read(reference: str) -> tuple[str, int]:
    key, _, count = reference.partition("*")
    return key, int(count or 1)


def _ms(keep: float) -> int:
    return max(1, int(keep * 1000))
