"""Those who wait for events of runs, however many: one of them reads for all, so that they take one thread and one connection.

Whoever lags behind, since it reads slowly, is in no round until it waits again, and then goes on from where it was: nothing is kept for anyone.
"""

from __future__ import annotations

import resource
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import anyio

from saltern_runtime.store.keys import shard_of
from saltern_runtime.store.views import Event

News: TypeAlias = Callable[[Mapping[str, str], float], dict[str, list[Event]]]
"""Reads what happened in runs of one shard after an id each, and waits up to so many seconds for the first."""

ROUND: Final = 0.25
"""Seconds that one read waits for events: as long as somebody who joins meanwhile may not be heard."""
PACE: Final = 20e-6
"""Seconds between two reads for each run that is watched: a thousand of them are read 50 times a second at most."""
MOST: Final = 4096
"""Streams of one process, at most, three quarters of them of one tenant. Each takes some 45 KB."""
SPARE: Final = 256
"""Descriptors that streams leave to all else: other requests, connections to the store. Where there are few, half of them."""


def most_streams() -> int:
    """Return how many streams this process takes: no more than it has descriptors for."""
    descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return max(2, min(MOST, descriptors - min(SPARE, descriptors // 2)))


class Streams:
    """How many streams this process has open, and for whom."""

    def __init__(self, most: int | None = None) -> None:
        """`most`: as many as this process can take, unless it is given."""
        self._most = most_streams() if most is None else most
        self._open: Counter[str] = Counter()

    def is_full(self, tenant: str) -> bool:
        """Whether a tenant may have no further one."""
        return self._open.total() >= self._most or self._open[tenant] >= max(1, self._most * 3 // 4)

    @contextmanager
    def one(self, tenant: str) -> Iterator[bool]:
        """Count one in, unless there are enough."""
        if self.is_full(tenant):
            yield False
            return
        self._open[tenant] += 1
        try:
            yield True
        finally:
            self._open[tenant] -= 1
            self._open += Counter()  # drops whoever has none


@dataclass(slots=True, eq=False)
class _Waiter:
    after: str
    told: list[Event] = field(default_factory=list)
    called: anyio.Event = field(default_factory=anyio.Event)
    """Set once there are events, or it is its turn to read."""


class Hub:
    """All who wait for events of one shard's runs."""

    def __init__(self, news: News) -> None:
        self._news = news
        self._waiting: dict[str, list[_Waiter]] = {}
        self._thread = anyio.CapacityLimiter(1)
        self._is_read = False
        self._next = 0.0

    async def events(self, run_id: str, after: str) -> list[Event]:
        """Wait for events of a run after an id, and return the first of them."""
        async with self._joined(run_id, after) as mine:
            while not mine.told:
                if self._is_read:
                    await mine.called.wait()
                    mine.called = anyio.Event()
                else:
                    await self._read()
            return mine.told

    @asynccontextmanager
    async def _joined(self, run_id: str, after: str) -> AsyncIterator[_Waiter]:
        mine = _Waiter(after)
        self._waiting.setdefault(run_id, []).append(mine)
        try:
            yield mine
        finally:
            beside = self._waiting[run_id]
            beside.remove(mine)
            if not beside:
                del self._waiting[run_id]
            self._pass_on()

    def _pass_on(self) -> None:
        """Let somebody who waits read, if nobody does."""
        if not self._is_read:
            for waiters in self._waiting.values():
                waiters[0].called.set()
                return

    async def _read(self) -> None:
        """Read for all who wait now, and tell them. It is not given up in the middle: a thread that nobody waits for goes on reading."""
        self._is_read = True
        try:
            await anyio.sleep_until(self._next)
            since = {run_id: min((each.after for each in some), key=_place) for run_id, some in self._waiting.items()}
            self._next = anyio.current_time() + PACE * len(since)
            told = await anyio.to_thread.run_sync(self._news, since, ROUND, limiter=self._thread)
            for run_id, events in told.items():
                for each in self._waiting.get(run_id, ()):
                    if _place(each.after) < _place(since[run_id]):
                        continue  # joined meanwhile, from further back than what was asked for: the next round is its first
                    each.told = [event for event in events if _place(event.id) > _place(each.after)]
                    if each.told:
                        each.called.set()
        finally:
            self._is_read = False


def _place(event_id: str) -> tuple[int, int]:
    first, _, second = event_id.partition("-")
    return int(first), int(second or 0)


class Hubs:
    """The hubs of a service, one for each shard: of two, no one read is of both."""

    def __init__(self, news: News) -> None:
        self._news = news
        self._hubs: dict[int | None, Hub] = {}

    def of(self, run_id: str) -> Hub:
        """Return the hub of a run's shard."""
        shard = shard_of(run_id)
        if shard not in self._hubs:
            self._hubs[shard] = Hub(self._news)
        return self._hubs[shard]
