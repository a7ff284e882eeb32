"""What goes into the store's scripts and what comes back."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Final, Literal, NamedTuple, Self

from pydantic_core import from_json

from saltern_runtime.observe.tracecontext import RunEnd
from saltern_runtime.spec import Over
from saltern_runtime.store.dependants import Dependant, Other
from saltern_runtime.store.records import Cursor, Record

Status = Literal["ok", "stale", "ended", "gone"]
"""`stale`: another holds the claim; `ended`: the run is over or being cancelled; `gone`: nothing is known of the run."""


_DECIDED: Final = frozenset({"skip", "broken", "timeout", "expired"})
"""Verdicts that are settled without looking at a value."""


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
    verdict: Literal[
        "", "skip", "lost", "timeout", "expired", "woken", "answered", "collect", "broken", "gone", "sealed"
    ]
    tenant: str
    created_at: float
    """Unix seconds."""
    deadline: float
    """Of the run, Unix seconds by the clock of the store."""
    time_left: float
    """Seconds to it when the claim was made."""
    retention: float
    """Seconds for which the run is kept once it is over."""
    epoch: int = 0
    """The rerun of its run that it belongs to; 0: none. Part of its effect keys."""
    values: Mapping[str, str] = field(default_factory=dict)
    """Where a value stands → JSON text of what it reads; skipped nodes have none."""
    items: int = 0
    """Of an opened region."""
    is_over: bool = False
    """Whether the time of its rounds was over when the claim was made, by the clock of the store."""
    taken: Mapping[str, str] = field(default_factory=dict)
    """Handles that its nodes took before it was suspended."""
    failure: str = ""
    """What failed last, JSON text."""
    done: Mapping[str, float | None] = field(default_factory=dict)
    """What its nodes took in seconds before it was suspended; None: one was skipped."""
    trace: str = ""
    """The trace that its run belongs to; empty: none."""
    waited: float = 0.0
    """Seconds between the moment when it became ready and the claim."""

    trouble: str = ""
    """Why its values cannot be opened, where they cannot."""

    def without_values(self, verdict: Literal["gone", "sealed"] = "gone", trouble: str = "") -> Claim:
        """Return it as one whose values are not to be had, unless what becomes of it is settled without looking at any."""
        return self if self.verdict in _DECIDED else replace(self, verdict=verdict, trouble=trouble)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a script answered: bells to send now, and the next claim if one was made."""

    status: Status
    bells: tuple[Bell, ...] = ()
    claim: Claim | None = None


class Group(NamedTuple):
    """Runs of which so many go on at a time; all of them live in one shard."""

    name: str
    """A digest."""
    most: int
    over: Over
    """What becomes of one more."""

    def shard(self, shards: int) -> int:
        """Return where its runs live."""
        return int(self.name, 16) % shards


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
    """Digests by which the input is known, the one that is kept first, between spaces."""
    idempotency: str
    """Digest of route and key; empty where the caller gave none, or another shard keeps it."""
    deadline: float
    retention: float
    entries: tuple[Dependant, ...]
    retained: Mapping[str, float] = field(default_factory=dict)
    """How it may end (`succeeded`, `failed`, `cancelled`) → for how long it is kept then, where that is less than its retention."""
    reserve: float = 0.0
    """What of the deadline is for compensations."""
    pipeline: str = ""
    """The name of what it runs, where another run made it; `root` is what names of its stages begin with, `parent` that run."""
    root: str = ""
    parent: str = ""
    group: Group | None = None
    cap: int | None = None
    """Open runs that its tenant may have in its shard, where it may be refused."""
    trace: str = ""
    """The trace that it belongs to, as `observe.tracecontext` writes it; empty: none."""
    known: str = ""
    """What would be its `idempotency`, where another shard keeps that."""


class Swept(NamedTuple):
    """What a turn of the timers did: how many entries were due, the bells to send, and runs to cancel with another one."""

    due: int
    bells: tuple[Bell, ...]
    linked: tuple[tuple[str, str], ...] = ()
    """Of each: the run that was cancelled, and the one that is to be."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether a plan's schedules fire, the store's time (Unix ms), and where each stands: its tick (ms) and signature."""

    mine: bool
    now: int
    stands: Mapping[str, tuple[int, str]]
    halted: frozenset[str] = frozenset()
    """Those that make no runs."""


@dataclass(frozen=True, slots=True)
class TickMove:
    """A schedule's move to a tick (Unix ms) from where it stood."""

    plan: str
    schedule: str
    signature: str
    was: tuple[int, str] | None
    at: int


@dataclass(frozen=True, slots=True)
class Created:
    """The answer to `create`. `conflict`: the key came with another body.

    Nothing was made where it is `dropped`, since this run of its group came first, or `full`, since the tenant has as many as it may.
    """

    status: Literal["fresh", "known", "conflict", "dropped", "full"]
    run_id: str
    bells: tuple[Bell, ...] = ()
    open: int = 0
    """Where it is full: how many those are."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a stage ended. FAILED only where the run goes on (`on_error: continue`)."""

    state: Literal["SUCCEEDED", "SKIPPED", "FAILED"]
    dependants: Sequence[Dependant]
    values: Mapping[str, str] = field(default_factory=dict)
    """Where it stands (a node's id, behind the item that it is in) → JSON text."""
    durations: str = "{}"
    """JSON object: node id → seconds, or null where a node of the stage was skipped."""
    seconds: float | None = None
    """Of the whole attempt; None where nothing ran."""
    failure: str | None = None
    cache: Literal["hits", "misses"] | None = None
    """Where a node was cached: whether its value was known."""
    taken: Mapping[str, str] = field(default_factory=dict)
    """Handles that its nodes took, kept while the stage is suspended."""
    other: Sequence[Other] = ()
    """Its nodes that ended another way."""
    undo: Dependant | None = None
    """What takes back what it did, should its run not succeed."""


@dataclass(frozen=True, slots=True)
class Opening:
    """How a region begins. `entries` and `body` are JSON texts with `[*]` in place of the index (scripts/items.lua)."""

    items: Sequence[str]
    """JSON texts; at least one."""
    most: int
    mode: Literal["stop", "continue", "collect"]
    entries: str
    body: str
    carries: bool = False
    """Each round leaves the state for the next one; whether there is a next one a worker says."""
    within: float | None = None
    """Seconds for which rounds may begin."""


@dataclass(frozen=True, slots=True)
class Sleep:
    """How long a wait lasts: `delay` seconds from now, or until a moment in Unix seconds; neither: until the run ends."""

    delay: float | None = None
    till: float | None = None
    asks: str | None = None
    """What an answer from outside is awaited for, JSON text; it ends the wait."""


@dataclass(frozen=True, slots=True)
class Signalled:
    """What became of an answer from outside."""

    status: Literal["ok", "known", "unasked", "late", "missing"]
    """`known`: an earlier one was there; `unasked`: nothing waits for it yet; `late`: nothing waits for it any more."""
    bells: tuple[Bell, ...] = ()
    first: str = ""
    """JSON text."""
    decides: bool = False
    """Whether it is a decision."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """How a node ended its run."""

    state: Literal["FAILED", "SUCCEEDED"]
    durations: str
    failure: str | None = None
    """JSON text."""
    output: str = ""
    """JSON text; empty: none."""
    other: Sequence[Other] = ()
    """Nodes of the stage that ended another way."""


@dataclass(frozen=True, slots=True)
class Failed:
    """How an attempt failed: `delay` seconds until the next, or None and the state that it ends in."""

    failure: str
    delay: float | None
    state: Literal["DEAD", "TIMED_OUT"] = "DEAD"
    dead: bool = True
    """Goes to the dead letters."""
    durations: str | None = None
    """Of the nodes that had run by then, as in `Outcome`; None where the stage has but one."""
    other: Sequence[Other] = ()
    """Its nodes that ended another way."""
    item: tuple[str, int | None] | None = None
    """The region around it that goes on without an item, and the item's index; without one, the region that the run goes on
    without. None where the run ends."""


def read_bells(shard: int, text: str) -> tuple[Bell, ...]:
    """Read the bells of what a script tells."""
    return tuple(Bell(shard, *bell) for bell in json.loads(text) if isinstance(bell, list)) if text else ()


def read_ended(text: str) -> tuple[RunEnd, ...]:
    """Read the runs that ended of what a script tells."""
    told = json.loads(text) if "{" in text else ()
    return tuple(RunEnd(**each) for each in told if isinstance(each, dict))


@lru_cache(4096)
def _names(reads: str) -> tuple[str, ...]:
    """Read the places that a stage reads: the same text for each run outside of regions."""
    return tuple(json.loads(reads))


def read_claim(parts: Sequence[str]) -> Claim:
    """Read a claim as the prelude's `shown` writes it."""
    head, *values = parts
    run, created, left, retention, path, tenant, epoch, trace, text = head.split("\0", 8)
    record = from_json(text)
    cursor = record.get(Record.CURSOR, {})
    reads = _names(record.get(Record.READS, "[]")) if values else ()
    taken, done = record.get(Record.TAKEN), record.get(Record.DURATIONS)
    return Claim(
        run=run,
        path=path,
        nonce=record[Record.NONCE],
        queue=record[Record.QUEUE],
        attempt=record[Record.ATTEMPTS],
        failures=record[Record.FAILURES],
        lost=record[Record.LOST],
        verdict=record.get(Record.VERDICT, ""),
        tenant=tenant,
        created_at=int(created) / 1000,
        deadline=(record[Record.BEGAN] + float(left)) / 1000,
        time_left=float(left) / 1000,
        retention=float(retention) / 1000,
        epoch=int(epoch),
        values={name: value for name, value in zip(reads, values, strict=True) if value},
        items=cursor.get(Cursor.ITEMS, 0),
        is_over=record[Record.BEGAN] >= cursor.get(Cursor.UNTIL, math.inf),
        taken=json.loads(taken) if taken else {},
        failure=record.get(Record.FAILURE, ""),
        done=json.loads(done) if done else {},
        trace=trace,
        waited=max(0.0, (record[Record.BEGAN] - record.get(Record.WAITING_SINCE, record[Record.BEGAN])) / 1000),
    )
