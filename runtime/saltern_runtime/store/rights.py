"""What a user of Redis has to be allowed: each command, with arguments that it takes. Tests hold the lists against what is really sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, TypeAlias

from saltern_runtime.store.keys import PREFIX

Rights: TypeAlias = Mapping[str, tuple[str, ...]]
"""Command → its arguments in a trial, where `KEY` and `CHANNEL` stand for one. A subcommand is written as ACL does, `cluster|slots`."""

STORE: Final[Rights] = {
    "exec": (),
    "exists": ("KEY",),
    "fcall": ("FUNCTION", "1", "KEY"),
    "function|load": ("REPLACE", "CODE"),
    "get": ("KEY",),
    "hdel": ("KEY", "f"),
    "hexists": ("KEY", "f"),
    "hget": ("KEY", "f"),
    "hgetall": ("KEY",),
    "hincrby": ("KEY", "f", "1"),
    "hkeys": ("KEY",),
    "hlen": ("KEY",),
    "hmget": ("KEY", "f"),
    "hscan": ("KEY", "0"),
    "hset": ("KEY", "f", "v"),
    "hsetnx": ("KEY", "f", "v"),
    "info": (),
    "llen": ("KEY",),
    "lrange": ("KEY", "0", "0"),
    "lset": ("KEY", "0", "v"),
    "ltrim": ("KEY", "0", "1"),
    "multi": (),
    "persist": ("KEY",),
    "pexpire": ("KEY", "1"),
    "ping": (),
    "pttl": ("KEY",),
    "rename": ("KEY", "KEY"),
    "rpop": ("KEY",),
    "rpush": ("KEY", "v"),
    "sadd": ("KEY", "v"),
    "scan": ("0",),
    "set": ("KEY", "v"),
    "smembers": ("KEY",),
    "srandmember": ("KEY",),
    "srem": ("KEY", "v"),
    "time": (),
    "unlink": ("KEY",),
    "unwatch": (),
    "watch": ("KEY",),
    "xadd": ("KEY", "*", "f", "v"),
    "xread": ("STREAMS", "KEY", "0"),
    "zadd": ("KEY", "1", "v"),
    "zcard": ("KEY",),
    "zcount": ("KEY", "0", "1"),
    "zmscore": ("KEY", "v"),
    "zpopmax": ("KEY",),
    "zrange": ("KEY", "0", "1"),
    "zrangebyscore": ("KEY", "0", "1"),
    "zrem": ("KEY", "v"),
    "zremrangebyscore": ("KEY", "0", "1"),
    "zrevrangebyscore": ("KEY", "1", "0"),
    "zscore": ("KEY", "v"),
}
CLUSTER: Final[Rights] = {"cluster|slots": ()}
"""In addition, on a cluster."""
FSYNC: Final[Rights] = {"incrby": ("KEY", "1"), "waitaof": ("0", "0", "1")}
"""In addition, with `SALTERN_DURABILITY=fsync`; Redis 7.0 knows no WAITAOF."""
SELECT: Final[Rights] = {"select": ("0",)}
"""In addition, where the URL names another database than 0."""
BROKER: Final[Rights] = {
    "brpop": ("KEY", "1"),
    "client|setinfo": ("lib-name", "trial"),
    "del": ("KEY",),
    "evalsha": ("0" * 40, "1", "KEY"),
    "exec": (),
    "exists": ("KEY",),
    "get": ("KEY",),
    "hdel": ("KEY", "f"),
    "hget": ("KEY", "f"),
    "hset": ("KEY", "f", "v"),
    "llen": ("KEY",),
    "lpush": ("KEY", "v"),
    "multi": (),
    "pexpire": ("KEY", "1"),
    "ping": (),
    "psubscribe": ("CHANNEL",),
    "publish": ("CHANNEL", "v"),
    "punsubscribe": ("CHANNEL",),
    "rpush": ("KEY", "v"),
    "sadd": ("KEY", "v"),
    "script|exists": ("0" * 40,),
    "script|load": ("return 0",),
    "set": ("KEY", "v"),
    "smembers": ("KEY",),
    "srem": ("KEY", "v"),
    "time": (),
    "unwatch": (),
    "watch": ("KEY",),
    "zadd": ("KEY", "1", "v"),
    "zrange": ("KEY", "0", "1"),
    "zrangebyscore": ("KEY", "0", "1"),
    "zrem": ("KEY", "v"),
}
"""Of the broker's user: what kombu sends for queues, for what is unacknowledged, and for the channel of remote control.

Redis 7.0 has no CLIENT SETINFO, which the line then goes without.
"""


def keys_of(service: str) -> tuple[str, ...]:
    """Return the patterns of the store's keys."""
    return (f"{PREFIX}{service}:*",)


def broker_keys_of(service: str) -> tuple[str, ...]:
    """Return the patterns of the broker's keys: its own queues, and kombu's bookkeeping, which all services of a broker share."""
    return (f"{service}.*", "_kombu.binding*", "unacked*", "*.pidbox*")


def channels_of(db: int) -> tuple[str, ...]:
    """Return the patterns of the channels on which Celery's workers are asked (`celery inspect`), and say that they are there."""
    return (f"/{db}.celery.pidbox", f"/{db}.celeryev/*")


def setuser(user: str, commands: Iterable[str], keys: Iterable[str], channels: Iterable[str] = ()) -> str:
    """Return the line that makes a user with these rights and no others; its password stands in place of PASSWORD."""
    parts = [f"~{key}" for key in keys] + [f"&{channel}" for channel in channels]
    return " ".join(["ACL SETUSER", user, "reset on >PASSWORD", *parts, *(f"+{name}" for name in sorted(commands))])
