"""What goes into the store's scripts and what comes back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NotRequired, Self, TypedDict

Status = Literal["ok", "stale", "ended", "gone"]
"""`stale`: another holds the claim; `ended`: the run is over or being cancelled; `gone`: nothing is known of the run."""


class Dependant(TypedDict):
    """A stage as its predecessors (or `create`) pass it: the worker knows the plan, the store does not. Times in ms."""

    path: str
    need: int
    join: Literal["all", "any"]
    live: int
    dead: int
    queue: str
    priority: int
    reads: str
    """JSON array of node ids; the empty id is the run's input."""
    timeout: int
    ttl: NotRequired[int]


@dataclass(frozen=True, slots=True)
class Bell:
    """A wake-up call for a queue. `serial` tells this ring of the slot from earlier ones; `path` was most urgent then."""

    shard: int
    queue: str
    slot: int
    serial: int
    path: str = ""
    again: bool = False
    """Rung before, without an answer."""

    def message(self) -> list[Any]:
        """Return what travels through the broker."""
        return [self.shard, self.queue, self.slot, self.serial]

    @classmethod
    def from_message(cls, message: Sequence[Any]) -> Self:
        """Read what travelled through the broker; raises ValueError for anything else."""
        match message:
            case [int(shard), str(queue), int(slot), int(serial)]:
                return cls(shard, queue, slot, serial)
        raise ValueError(f"not a bell: {message!r}")


@dataclass(frozen=True, slots=True)
class Claim:
    """An activation that this worker holds until its lease ends."""

    run: str
    path: str
    nonce: str
    queue: str
    attempt: int
    failures: int
    lost: int
    """Times that a worker was lost over it."""
    verdict: Literal["", "skip", "lost", "timeout", "expired"]
    tenant: str
    created_at: float
    """Unix seconds."""
    time_left: float
    """Seconds to the run's deadline when the claim was made."""
    values: Mapping[str, str] = field(default_factory=dict)
    """Node id → JSON text of what it reads; skipped nodes have none."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a script answered: bells to send now, and the next claim if one was made."""

    status: Status
    bells: tuple[Bell, ...] = ()
    claim: Claim | None = None


@dataclass(frozen=True, slots=True)
class NewRun:
    """A run to create. Times in seconds."""

    id: str
    plan: str
    tenant: str
    trigger: str
    input: str
    """JSON text, or a payload's reference."""
    body: str
    """Digest of the input."""
    idempotency: str
    """Digest of route and key; empty where the caller gave none."""
    deadline: float
    retention: float
    entries: tuple[Dependant, ...]


@dataclass(frozen=True, slots=True)
class Created:
    """The answer to `create`. `conflict`: the key came with another body."""

    status: Literal["fresh", "known", "conflict"]
    run_id: str
    bells: tuple[Bell, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a stage ended. FAILED only where the run goes on (`on_error: continue`)."""

    state: Literal["SUCCEEDED", "SKIPPED", "FAILED"]
    dependants: Sequence[Dependant]
    values: Mapping[str, str] = field(default_factory=dict)
    """Node id → JSON text."""
    durations: str = "{}"
    """JSON object: node id → seconds."""
    seconds: float | None = None
    """Of the whole attempt; None where nothing ran."""
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """How an attempt failed: `delay` seconds until the next, or None and the state that it ends in."""

    failure: str
    delay: float | None
    state: Literal["DEAD", "TIMED_OUT"] = "DEAD"
    dead: bool = True
    """Goes to the dead letters."""


def read_bells(shard: int, text: str) -> tuple[Bell, ...]:
    """Read the bells of a script's answer."""
    return tuple(Bell(shard, *each) for each in json.loads(text)) if text else ()


def read_claim(parts: Sequence[str]) -> Claim:
    """Read a claim as the prelude's `shown` writes it."""
    head, *values = parts
    run, created, left, path, tenant, text = head.split("\0", 5)
    record = json.loads(text)
    reads = json.loads(record.get("r", "[]")) if values else ()
    return Claim(
        run=run,
        path=path,
        nonce=record["n"],
        queue=record["q"],
        attempt=record["a"],
        failures=record["f"],
        lost=record["l"],
        verdict=record.get("v", ""),
        tenant=tenant,
        created_at=int(created) / 1000,
        time_left=float(left) / 1000,
        values={name: value for name, value in zip(reads, values, strict=True) if value},
    )
