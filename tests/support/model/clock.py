"""The store's clock in the hands of a test: scripts read the moment where `at` puts it, so that time passes where a step says so."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from saltern_runtime.store import link
from saltern_runtime.store.keys import Keys
from saltern_runtime.store.lua import Library
from saltern_runtime.store.scripts import CALLS

if TYPE_CHECKING:
    import pytest
    import redis

_READS = (
    "  local clock = redis.call('TIME')\n  now = clock[1] * 1000 + math.floor(clock[2] / 1000)",
    "  now = tonumber(redis.call('GET', prefix .. 'now'))",
)


@cache
def _library() -> Library:
    made = Library(call.script for call in CALLS)
    before, after = _READS
    assert made.text.count(before) == 1
    name = f"{made.name}_by_hand"
    made.text = made.text.replace(before, after).replace(made.name, name)
    made.name = name
    return made


def by_hand(patch: pytest.MonkeyPatch) -> None:
    """Let all scripts of this process read the clock that `at` sets."""
    patch.setattr(link, "LIBRARY", _library())


def at(client: redis.Redis, service: str, moment: int) -> None:
    """Set the clock of a service's first shard, Unix ms."""
    client.set(Keys(service).shard(0) + "now", moment)
