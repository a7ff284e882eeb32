"""Schedules that people halt: where each stands, whether it goes on, and what was done to it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from saltern_runtime.store.link import in_ms
from saltern_runtime.store.store import Store


class Stand(NamedTuple):
    """Where a schedule stands."""

    tick: int | None
    """Its last one, whether it made a run or not, or when it was first seen or let go on; Unix ms. None: no timers have seen it."""
    halted: dict[str, Any] | None
    """Since when (`at`, Unix seconds), by whom and why it makes no runs; None: it makes some."""


def stands(store: Store, shard: int, schedules: Sequence[str]) -> tuple[int, list[Stand]]:
    """Return the store's time (Unix ms), and where schedules of a shard stand."""
    prefix = store.keys.shard(shard)

    def read() -> list[Any]:
        with store.at(prefix).pipeline(transaction=True) as pipe:
            pipe.time()
            pipe.hmget(f"{prefix}schedules", [*schedules])
            pipe.hmget(f"{prefix}halted", [*schedules])
            return pipe.execute()

    time, ticks, halted = store.patiently(read)
    return in_ms(time), [
        Stand(
            int(tick.partition(" ")[0]) if tick else None,
            store.seals.shown(json.loads(text), schedule) if text else None,
        )
        for schedule, tick, text in zip(schedules, ticks, halted, strict=True)
    ]


def audit_of(store: Store, shard: int, schedule: str) -> list[dict[str, Any]]:
    """Return what people did to a schedule, the first thing first: the last thousand."""
    key = f"{store.keys.shard(shard)}audit:{schedule}"
    texts: Any = store.patiently(lambda: store.at(key).lrange(key, 0, -1))
    return [store.seals.shown(json.loads(text), schedule) for text in texts]
