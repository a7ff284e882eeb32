"""How often this process asked for work, and how long its stages took: added to the store's figures now and then.

So no claim and no stage costs a call more. What a process has not handed over when it is killed is not counted.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from typing import Final, Literal

from saltern_runtime.observe.metrics import bucket_of
from saltern_runtime.store.store import Store

EVERY: Final = 5.0
"""Seconds between two times that it is handed over, at least."""


class Tally:
    """Claims that were made, times that there was nothing to claim, and durations of stages, by shard."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._counts: Counter[tuple[int, str]] = Counter()
        self._handed = time.monotonic()

    def claimed(self, shard: int, result: Literal["hit", "empty"]) -> None:
        """Count that work was asked for."""
        with self._lock:
            self._counts[shard, f"claims|{result}"] += 1

    def took(self, shard: int, stage: str, seconds: float) -> None:
        """Count how long a stage took that succeeded."""
        with self._lock:
            self._counts[shard, f"stage|{stage}|{bucket_of(seconds)}"] += 1
            self._counts[shard, f"stage|{stage}|ms"] += round(seconds * 1000)

    def hand_over(self, is_last: bool) -> None:
        """Add what was counted to the store's figures; raises StoreUnavailableError, with which what was counted is lost."""
        if not is_last and time.monotonic() - self._handed < EVERY:
            return
        with self._lock:
            counts, self._counts, self._handed = self._counts, Counter(), time.monotonic()
        for shard in sorted({shard for shard, _ in counts}):
            self._store.count(shard, {name: by for (of, name), by in counts.items() if of == shard})
