"""The nodes: what people write by mistake, and worse."""

import ctypes
import os
import re
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from typing import Any, Final

import redis

from saltern_runtime.graph import Context, node


@cache
def world(pid: int) -> redis.Redis:
    """Return the outside: one client for each process."""
    return redis.Redis.from_url(os.environ["SALTERN_REDIS_URL"], decode_responses=True)


def crash() -> None:
    """Write to an address that nobody has."""
    ctypes.memset(1, 0, 1)


def spin() -> None:
    """Go on for ever, giving others their turns."""
    while True:
        pass


def swallow() -> None:
    """Pass over whatever is raised."""
    while True:
        with suppress(BaseException):
            time.sleep(60)


def backtrack() -> None:
    """Match for longer than anyone lives, without giving others their turns."""
    re.match(r"(a|a)*$", "a" * 200 + "b")


def count() -> None:
    """Add up for hours, without giving others their turns."""
    sum(range(10**12))


def hoard() -> None:
    """Take memory, a bit at a time, until there is no more."""
    kept = []
    while True:
        kept.append(bytearray(1 << 16))


ACTS: Final[Mapping[str, Callable[[], Any]]] = {
    "exits": lambda: os._exit(3),
    "is killed": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "crashes": crash,
    "hoards": hoard,
    "asks for too much": lambda: bytearray(1 << 45),
}
STAYS: Final[Mapping[str, Callable[[], Any]]] = {
    "sleeps": lambda: time.sleep(600),
    "spins": spin,
    "swallows": swallow,
    "backtracks": backtrack,
    "counts": count,
}


def misbehave(ctx: Context, how: Mapping[str, Callable[[], Any]], given: dict[str, Any]) -> None:
    """Do what the input says, as often as it says, if this node is the one that does it; mark who did."""
    if given["how"] in how:
        times = world(os.getpid()).rpush(f"pids:{ctx.run.id}", os.getpid())
        if times <= given.get("times", 100):
            how[given["how"]]()


@node("act", type="python.call@1")
def act(ctx: Context, *, input: dict[str, Any]) -> str:  # noqa: A002 - the name that nodes read the input by
    """Kill the process, or take its memory, if told so."""
    misbehave(ctx, ACTS, input)
    return "done"


@node("stay", type="python.call@1")
def stay(ctx: Context, *, input: dict[str, Any], act: str) -> str:  # noqa: A002 - the name that nodes read the input by
    """Never return, if told so; may take less long than a lease."""
    misbehave(ctx, STAYS, input)
    return act


@node("return", type="return@1")
def return_(*, stay: str) -> str:
    """Return the result of the run."""
    return stay
