"""Moments at which a process may be told to kill itself: before and after each script, and around each effect."""

import os
import signal
from contextlib import suppress

import redis

from saltern_runtime.store.store import Store

ARMED = "chaos:armed"
_TAKE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"


def reached(moment: str) -> None:
    """Die here if the test armed this moment; one process dies for each time that it is armed."""
    # While the server is away nothing is armed; the store's own call meets the outage.
    with suppress(redis.exceptions.RedisError), redis.Redis.from_url(os.environ["SALTERN_REDIS_URL"]) as client:
        if client.eval(_TAKE, 1, ARMED, moment):
            os.kill(os.getpid(), signal.SIGKILL)


def install() -> None:
    """Make the store pass by its moments."""
    send = Store._send

    def chaotic(self, shard, call, *args, **options):
        reached(f"before:{call.script}")
        reply = send(self, shard, call, *args, **options)
        reached(f"after:{call.script}")
        return reply

    Store._send = chaotic
