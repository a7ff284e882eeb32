"""Policies: how often, how long, how urgent. Each field may be unset, so that defaults can be layered."""

from __future__ import annotations

from dataclasses import fields
from typing import Literal

from saltern_runtime.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Retry:
    """Full jitter: before attempt n+1 wait uniform(0, min(cap, base * 2**(n-1))) seconds (Brooker, AWS, 2015).

    A `Retry-After` from the other side is honoured as a lower bound, up to an hour, or to `cap` where that is longer.
    """

    attempts: int = 3
    """Attempts in all, the first one included."""
    base: float = 1.0
    """Seconds."""
    cap: float = 60.0
    """Seconds."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How many attempts may call through a connection, counted over all workers; at least one of both is set."""

    per_second: float | None = None
    """Attempts that begin in a second; where nothing called for a while, a second's worth (at least one) begins at once."""
    concurrency: int | None = None
    """Attempts at the same time."""
    by: Literal["tenant"] | None = None
    """Whom the numbers hold for: each tenant; None: all together."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What a node, a connection, a node type or a pipeline may say; None means: ask the next one."""

    timeout: float | None = None
    """Seconds for one attempt."""
    retry: Retry | None = None
    priority: int | None = None
    """0 (whenever) to 9 (first); 5 by default."""
    ttl: float | None = None
    """Seconds after becoming ready in which the first attempt must have begun."""
    on_error: Literal["fail", "continue"] | None = None
    on_ambiguous: Literal["retry", "fail"] | None = None
    """What an unknown outcome (time-out after sending, lost worker) leads to."""
    cache: float | None = None
    """Seconds for which a value is kept, and given again for the same arguments; of pure and idempotent nodes alone."""

    def over(self, below: Policy) -> Policy:
        """Layer this policy over another: what is set here wins."""
        chosen = {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) is not None}
        return Policy(**{**{f.name: getattr(below, f.name) for f in fields(below)}, **chosen})


DEFAULT_POLICY = Policy(timeout=60.0, retry=Retry(), priority=5, ttl=None, on_error="fail", on_ambiguous="retry")
