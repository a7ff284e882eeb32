"""The nodes: each outbound call leaves a mark under its effect key, so that a test can count what the world saw."""

import os
import time
from functools import cache
from typing import Any

import redis

from chaos_triage.moments import reached
from saltern_runtime.errors import TransientError
from saltern_runtime.graph import SKIPPED, Context, Skipped, node


@cache
def world(pid: int) -> redis.Redis:
    """Return the outside: one client for each process."""
    return redis.Redis.from_url(os.environ["SALTERN_REDIS_URL"], decode_responses=True)


def act(ctx: Context, how: dict[str, Any]) -> str:
    """Do something outside: slow, or refused at first, as the input says."""
    key = ctx.effect_key()
    outside = world(os.getpid())
    reached(f"before:effect:{ctx.node}")
    times = outside.hincrby(f"world:{ctx.run.id}", key, 1)
    if how.get("slow") == ctx.node and times == 1:
        time.sleep(how["seconds"])
    if how.get("refuse") == ctx.node and times == 1:
        raise TransientError("try later", code="rate-limited", status=429)
    reached(f"after:effect:{ctx.node}")
    return key


@node("classify", type="llm.chat@1")
def classify(ctx: Context, *, input: dict[str, Any]) -> str:  # noqa: A002 - the name that nodes read the input by
    """Sort the ticket."""
    act(ctx, input)
    return str(input.get("category", "billing"))


@node("route", type="switch@1")
def route(*, classify: str) -> str:
    """Choose a case."""
    return "case.billing" if classify == "billing" else "else"


@node("tell_billing", type="slack.post_message@1")
def tell_billing(ctx: Context, *, input: dict[str, Any]) -> str:  # noqa: A002 - the name that nodes read the input by
    """Tell billing."""
    return act(ctx, input)


@node("tell_dev", type="slack.post_message@1")
def tell_dev(ctx: Context, *, input: dict[str, Any]) -> str:  # noqa: A002 - the name that nodes read the input by
    """Tell the developers."""
    return act(ctx, input)


@node("log", type="postgres.execute@1")
def log(ctx: Context, *, input: dict[str, Any], classify: str) -> str:  # noqa: A002 - the name that nodes read the input by
    """Write it down."""
    return act(ctx, input)


@node("return", type="return@1")
def return_(*, classify: str, tell_billing: str | Skipped, tell_dev: str | Skipped, log: str) -> dict[str, Any]:
    """Return the result of the run."""
    return {"category": classify, "told": tell_billing is not SKIPPED or tell_dev is not SKIPPED}
