"""The store's clock in the hands of a test: scripts read the moment where `at` puts it, so that time passes where a step says so."""

from __future__ import annotations

import hashlib
from functools import cache
from typing import TYPE_CHECKING

from saltern_runtime.store import link
from saltern_runtime.store.keys import Keys
from saltern_runtime.store.lua import text_of

if TYPE_CHECKING:
    import pytest
    import redis

_READS = (
    "local clock = redis.call('TIME')\nlocal now = clock[1] * 1000 + math.floor(clock[2] / 1000)",
    "local now = tonumber(redis.call('GET', KEYS[1] .. 'now'))",
)


@cache
def _by_hand(script: str) -> tuple[str, str]:
    text, _ = text_of(script)
    before, after = _READS
    assert text.count(before) == 1
    text = text.replace(before, after)
    return text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def by_hand(patch: pytest.MonkeyPatch) -> None:
    """Let all scripts of this process read the clock that `at` sets."""
    patch.setattr(link, "text_of", _by_hand)


def at(client: redis.Redis, service: str, moment: int) -> None:
    """Set the clock of a service's first shard, Unix ms."""
    client.set(Keys(service).shard(0) + "now", moment)
