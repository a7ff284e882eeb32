"""What the store holds once every run is over: nothing that is open, nothing due, and in the end nothing but what stays."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from fnmatch import fnmatchcase

import redis

from saltern_runtime.store.keys import Keys
from tests.support.checker import broken
from tests.support.until import until

RETENTION = 300.0
"""Seconds that a run is kept once it is over (pipelines/storm.saltern)."""
DEADLINE = 1200.0
"""Seconds that a run may last (pipelines/storm.saltern)."""
HOUR = 3600.0
"""Seconds that is added where clocks may differ: see the scripts."""
STAYS = (
    "plan:*", "flow:*", "versions", "counted", "seen",  # versions of the pipeline, so that any of them can be shown and rerun
    "runs:*",  # the listing of a tenant; places in it go as new runs come
    "bells:*", "queues",  # one of each for each queue
    "stats", "sweep", "sweep:*",  # figures, and when timers swept
    "tenant", "signing",  # whether there are several tenants; what links are signed with
)  # fmt: skip
"""Keys of a service that are there whatever runs there are: as many as it has versions, queues and tenants."""


def unsettled(client: redis.Redis, service: str, seconds: float) -> list[str]:
    """Wait so long for the timers to take what is left of runs that are over; say what `due` still has, and what is not in order."""
    due = f"{Keys(service).shard(0)}due"
    until(lambda: not client.zcard(due), seconds)
    found = [f"`due` still has {entry!s}" for entry in client.zrange(due, 0, -1)]
    return found + broken(client, service)


def left_behind(client: redis.Redis, service: str, runs: Collection[str]) -> list[str]:
    """Name keys that stay too long: those of `runs` (nobody else's) for their retention, others until a deadline is over, too.

    Then let all of that time pass at once, and name what is still there.
    """
    found = []
    for name, key in _keys(client, service):
        left = client.pttl(key) / 1000
        run = name.split(":")[1] if name.startswith("run:") else ""
        most = RETENTION if run in runs else DEADLINE + RETENTION + HOUR
        if left > most or (left == -0.001 and not stays(name)):
            found.append(f"{name} is kept {'for ever' if left < 0 else f'for {left:.0f} s, not {most:.0f}'}")
        elif left >= 0:
            client.pexpire(key, 1)
    if found:
        return sorted(found)

    def left_over() -> list[str]:
        return [f"{name} is left behind" for name, _ in _keys(client, service) if not stays(name)]

    until(lambda: not left_over(), 5)
    return left_over()


def stays(name: str) -> bool:
    """Say whether a key, by its name in its shard, is one that a service keeps."""
    return any(fnmatchcase(name, pattern) for pattern in STAYS)


def _keys(client: redis.Redis, service: str) -> Iterator[tuple[str, str]]:
    """Yield the names of all keys in the shard, and the keys."""
    prefix = Keys(service).shard(0)
    for key in client.scan_iter(match=f"{prefix}*", count=1000):
        yield key.removeprefix(prefix), key
