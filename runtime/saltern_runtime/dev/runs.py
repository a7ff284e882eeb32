"""How many runs are open, by the plan that they are pinned to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import redis

from saltern_runtime.settings import Settings
from saltern_runtime.store.store import Store, StoreUnavailableError
from saltern_runtime.store.versions import read_versions


class OpenRuns:
    """Counts the open runs of services."""

    def __init__(self, redis_url: str) -> None:
        self._settings = replace(Settings.from_env(), redis_url=redis_url)
        self._stores: dict[str, Store] = {}

    def __call__(self, service: str) -> Mapping[str, int] | None:
        """Return plan → open runs; None where the store does not say."""
        store = self._stores.setdefault(service, Store(service, self._settings))
        try:
            return {version.plan: version.open for version in read_versions(store, looked_at=0).all}
        except (StoreUnavailableError, redis.RedisError):
            return None
