"""The versions of a service: how many runs each has open, and when a worker of it was last seen.

What is open the scripts list (`open:<plan>`, by age). Workers say themselves that they are there (`seen`: queue → Unix ms of the
store's clock), in every shard, each for the queues that it takes from.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from saltern_runtime.store.keys import shard_of, short_of
from saltern_runtime.store.link import Link, in_ms
from saltern_runtime.store.records import Record

SEEN_EVERY: Final = 5.0
"""Seconds between two times that a worker says that it is there."""
SILENT: Final = 30.0
"""Seconds after which a worker that said nothing counts as gone, and what waits for one as stranded."""
LOOKED_AT: Final = 500
"""Open runs of a version whose states are looked at, at most: the oldest ones of each shard."""
_KEPT: Final = 90 * 86_400_000
"""Milliseconds for which it is known when the workers of a queue were last seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A plan that has open runs, or workers. Times are Unix seconds of the store's clock."""

    plan: str
    open: int = 0
    """Runs that are not over, of all tenants."""
    states: Mapping[str, int] = field(default_factory=dict)
    """State → how many of them; of the oldest `LOOKED_AT` in each shard."""
    oldest: float | None = None
    """When the oldest of them was created."""
    ready: int = 0
    """Activations that wait for a worker, limits aside."""
    stranded: int = 0
    """Those of them in queues that no worker takes from."""
    seen: float | None = None
    """When a worker of it was last seen; None: never."""
    is_served: bool = False
    """Whether one was just now."""

    @property
    def short(self) -> str:
        """What queues and Deployments call it."""
        return short_of(self.plan)

    @property
    def unserved(self) -> int:
        """Open runs that no worker will go on with."""
        return 0 if self.is_served else self.open


@dataclass(frozen=True, slots=True)
class Versions:
    """All versions that there is something to say of, the one with the oldest open run first."""

    at: float
    all: tuple[Version, ...]
    gone: tuple[str, ...]
    """Digests of those that had runs or workers, and have neither now."""
    is_counted: bool
    """Whether all that is open is listed. Where timers of this runtime never swept, runs that older ones made are not."""


def announce(store: Link, plan: str, queues: Iterable[str]) -> None:
    """Say that a worker of a plan takes from some queues. Raises StoreUnavailableError at once where that cannot be written."""
    names = tuple(queues)

    def say(prefix: str) -> None:
        now = in_ms(store.at(prefix).time())
        with store.at(prefix).pipeline(transaction=False) as pipe:
            pipe.zadd(f"{prefix}seen", dict.fromkeys(names, now), gt=True)
            pipe.zremrangebyscore(f"{prefix}seen", "-inf", now - _KEPT)
            pipe.sadd(f"{prefix}versions", plan)
            pipe.execute()

    for prefix in _prefixes(store):
        store.patiently(partial(say, prefix), patience=0)


def is_counted(store: Link) -> bool:
    """Whether all that is open is listed, in every shard."""

    def told(prefix: str) -> bool:
        return bool(store.at(prefix).exists(f"{prefix}counted"))

    return all(store.patiently(partial(told, prefix)) for prefix in _prefixes(store))


def note_counted(store: Link) -> None:
    """Keep that every run that was open is listed now."""

    def note(prefix: str) -> object:
        return store.at(prefix).set(f"{prefix}counted", 1)

    for prefix in _prefixes(store):
        store.patiently(partial(note, prefix))


def read_versions(store: Link, looked_at: int = LOOKED_AT) -> Versions:
    """Return the versions of a service. `looked_at`: open runs of each whose states are read."""
    shards = [store.patiently(partial(_Shard.read, store, prefix, looked_at)) for prefix in _prefixes(store)]
    now = max(shard.now for shard in shards)
    plans = sorted({plan for shard in shards for plan in shard.open})
    found = [_version(plan, shards, now) for plan in plans]
    told = [version for version in found if version.open or version.is_served]
    gone = tuple(version.plan for version in found if version not in told)
    told.sort(key=lambda version: (version.oldest or now, version.plan))
    return Versions(now / 1000, tuple(told), gone, is_counted(store))


def stranded(store: Link, run_id: str, plan: str, records: Mapping[str, str], now: float) -> str:
    """Say in words that no worker comes for what is READY in a run; empty where one may yet. `now`: Unix seconds."""
    prefix = store.keys.shard(shard_of(run_id) or 0)
    ready = (json.loads(text) for text in records.values() if '"READY"' in text)
    late = {
        record[Record.QUEUE]
        for record in ready
        if record[Record.STATE] == "READY" and now - record[Record.WAITING_SINCE] / 1000 >= SILENT
    }
    if not late:
        return ""

    def ask() -> list[Any]:
        with store.at(prefix).pipeline(transaction=False) as pipe:
            pipe.zcard(f"{prefix}open:{plan}")
            for queue in sorted(late):
                pipe.zscore(f"{prefix}seen", queue)
            return pipe.execute()

    runs, *seen = store.patiently(ask)
    silent = {queue: at for queue, at in zip(sorted(late), seen, strict=True) if _is_silent(at, now)}
    if not silent:
        return ""
    last = max((at for at in silent.values() if at is not None), default=None)
    since = "has ever been seen" if last is None else f"has been seen since {_moment(last)}"
    of = ", ".join(queue.partition(".")[2] for queue in sorted(silent))
    waits = "1 run of it is" if runs == 1 else f"{runs} runs of it are"
    seen_by = f"no worker of version {short_of(plan)} (queue {of}) {since}; {waits} open"
    return f"{seen_by}: start its workers, or cancel the run and start it again"


def _is_silent(at: float | None, now: float) -> bool:
    """Whether a worker that was last seen then (Unix ms) counts as gone now (Unix seconds)."""
    return at is None or now - at / 1000 > SILENT


@dataclass(frozen=True, slots=True)
class _Shard:
    """What one shard says. Times are Unix ms."""

    now: float
    open: Mapping[str, tuple[int, float | None, Counter[str]]]
    """Plan → how many, when the oldest was created, states."""
    ready: Mapping[str, int]
    seen: Mapping[str, float]

    @classmethod
    def read(cls, store: Link, prefix: str, looked_at: int) -> _Shard:
        client = store.at(prefix)
        with client.pipeline(transaction=False) as pipe:
            pipe.time()
            pipe.smembers(f"{prefix}versions")
            pipe.smembers(f"{prefix}queues")
            pipe.zrange(f"{prefix}seen", 0, -1, withscores=True)
            time, plans, queues, seen = pipe.execute()
        plans, queues = sorted(plans), sorted(queues)
        with client.pipeline(transaction=False) as pipe:
            for queue in queues:
                pipe.zcard(f"{prefix}ready:{queue}")
            for plan in plans:
                pipe.zcard(f"{prefix}open:{plan}")
                pipe.zrange(f"{prefix}open:{plan}", 0, max(0, looked_at - 1), withscores=True)
            told = pipe.execute()
        counts = dict(zip(plans, zip(told[len(queues) :: 2], told[len(queues) + 1 :: 2], strict=True), strict=True))
        runs = [run for _, oldest in counts.values() for run, _ in oldest[:looked_at]]
        with client.pipeline(transaction=False) as pipe:
            for run in runs:
                pipe.hget(f"{prefix}run:{run}", "state")
            states = dict(zip(runs, pipe.execute(), strict=True))
        return cls(
            in_ms(time),
            {
                plan: (
                    count,
                    oldest[0][1] if oldest else None,
                    Counter(filter(None, (states.get(run) for run, _ in oldest))),
                )
                for plan, (count, oldest) in counts.items()
            },
            dict(zip(queues, told, strict=False)),
            dict(seen),
        )


def _version(plan: str, shards: Iterable[_Shard], now: float) -> Version:
    mine = f"{short_of(plan)}."
    count, ready, stranded_ = 0, 0, 0
    states: Counter[str] = Counter()
    begun: list[float] = []
    seen: dict[str, float] = {}
    for shard in shards:
        some, oldest, of = shard.open.get(plan, (0, None, Counter()))
        count, states = count + some, states + of
        begun += [] if oldest is None else [oldest]
        for queue, at in shard.seen.items():
            if queue.startswith(mine):
                seen[queue] = max(at, seen.get(queue, 0.0))
    for shard in shards:
        for queue, depth in shard.ready.items():
            if queue.startswith(mine):
                ready += depth
                stranded_ += depth if _is_silent(seen.get(queue), now / 1000) else 0
    last = max(seen.values(), default=None)
    return Version(
        plan=plan,
        open=count,
        states=dict(sorted(states.items())),
        oldest=min(begun) / 1000 if begun else None,
        ready=ready,
        stranded=stranded_,
        seen=None if last is None else last / 1000,
        is_served=not _is_silent(last, now / 1000),
    )


def _prefixes(store: Link) -> list[str]:
    return [store.keys.shard(shard) for shard in range(store.settings.shards)]


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
