"""Listings of what a tenant has in all shards, newest first: runs, and dead letters. Each is an index by time in each shard."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeAlias, TypeVar

from saltern_runtime.store.keys import shard_of
from saltern_runtime.store.link import Link

T = TypeVar("T")
Place: TypeAlias = tuple[float, str]
"""Where something stands in its index: Unix ms, and its name there."""

READ: Final = 200
"""Places that one round trip reads."""
SCANNED: Final = 5000
"""Places that are looked at for one page; what follows is for the next one."""


@dataclass(frozen=True, slots=True)
class Index(Generic[T]):
    """What one tenant has, by time, in every shard of a store."""

    store: Link
    name: str
    """Of its keys, behind the shard's prefix."""
    read: Callable[[Sequence[Place]], Sequence[T | None]]
    """Gives what stands at some places, None where it is gone or not looked for."""
    since: float | None = None
    """Unix seconds, as `until`: both lie within."""
    until: float | None = None
    batch: int = READ

    def page(self, limit: int, cursor: str | None) -> tuple[tuple[T, ...], str | None]:
        """Return what is found, newest first, and the cursor that goes on behind it, None at the end; ValueError for a broken one."""
        before = None if cursor is None else _read_cursor(cursor)
        found: list[T] = []
        looked, last = 0, before
        for places in self._newest(before):
            for place, item in zip(places, self.read(places), strict=True):
                if item is not None and len(found) == limit:
                    return tuple(found), _cursor(last)
                if item is not None:
                    found.append(item)
                last, looked = place, looked + 1
                if looked >= SCANNED:
                    return tuple(found), _cursor(last)
        return tuple(found), None

    def _newest(self, before: Place | None) -> Iterator[list[Place]]:
        """Yield the places of all shards behind one, newest first."""
        while True:
            places: list[Place] = []
            for shard in range(self.store.settings.shards):
                places += self._places(f"{self.store.keys.shard(shard)}{self.name}", before)
            places.sort(reverse=True)
            yield places[: self.batch]
            if len(places) <= self.batch:
                return
            before = places[self.batch - 1]

    def _places(self, key: str, before: Place | None) -> list[Place]:
        """Return the next places of a shard, one more than a batch where there are: those of one millisecond are told apart by name."""
        top = "+inf" if self.until is None else str(self.until * 1000)
        highest = top if before is None else str(int(before[0]))
        bottom = "-inf" if self.since is None else str(self.since * 1000)
        places: list[Place] = []
        start = 0
        while len(places) <= self.batch:
            page: Any = self.store.patiently(
                lambda at=start: self.store.at(key).zrevrangebyscore(  # type: ignore[misc]  # mypy cannot infer a lambda with a default
                    key, highest, bottom, start=at, num=self.batch + 1, withscores=True
                )
            )
            places += [(score, name) for name, score in page if before is None or (score, name) < before]
            start += len(page)
            if len(page) <= self.batch:
                break
        return places


def _cursor(place: Place | None) -> str | None:
    return None if place is None else f"{int(place[0])}.{place[1]}"


def _read_cursor(text: str) -> Place:
    score, _, name = text.partition(".")
    if not (score.isdigit() and score.isascii() and len(score) <= 16) or shard_of(name.partition("|")[0]) is None:
        raise ValueError(f"not a cursor: {text!r}")
    return float(score), name
