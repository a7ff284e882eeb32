"""Waiting for what happens elsewhere: in another process, on the store's clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from redis import Redis

T = TypeVar("T")


def until(what: Callable[[], T], seconds: float = 20) -> T:
    """Ask again and again until something is so, and return it; whatever it is after so many seconds."""
    end = time.monotonic() + seconds
    while not (found := what()) and time.monotonic() < end:
        time.sleep(0.02)
    return found


def passed(client: Redis, milliseconds: int) -> None:
    """Return once so much time has passed on the store's own clock, which deadlines are held against."""
    end = _now(client) + milliseconds * 1000
    while _now(client) < end:
        pass


def _now(client: Redis) -> int:
    seconds, microseconds = client.time()
    return seconds * 1_000_000 + microseconds
