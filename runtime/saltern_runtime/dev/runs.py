"""How many runs are open, by the plan that they are pinned to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import redis

from saltern_runtime.settings import Settings
from saltern_runtime.store.reading import Reader
from saltern_runtime.store.store import Store, StoreUnavailableError
from saltern_runtime.store.views import TERMINAL


class OpenRuns:
    """Counts the open runs of services; runs that have ended are looked at once."""

    def __init__(self, redis_url: str) -> None:
        self._settings = replace(Settings.from_env(), redis_url=redis_url)
        self._readers: dict[str, Reader] = {}
        self._ended: set[str] = set()

    def __call__(self, service: str) -> Mapping[str, int] | None:
        """Return plan → open runs; None where the store does not say."""
        reader = self._readers.setdefault(service, Reader(Store(service, self._settings), service))
        try:
            return Counter(plan for run_id in reader.open_runs() if (plan := self._plan(reader, run_id)))
        except (StoreUnavailableError, redis.RedisError):
            return None

    def _plan(self, reader: Reader, run_id: str) -> str:
        if run_id in self._ended:
            return ""
        view = reader.run(run_id) if reader.state(run_id) not in TERMINAL else None
        if view is None:
            self._ended.add(run_id)
            return ""
        return view.plan
