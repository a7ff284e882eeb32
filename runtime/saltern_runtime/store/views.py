"""What may be seen of runs: plain values, the same for the API, the terminal and tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from saltern_runtime.spec import Json


class RunState(StrEnum):
    """States of a run; the last four are terminal."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    WAITING = "WAITING"
    PAUSED = "PAUSED"
    CANCELLING = "CANCELLING"
    COMPENSATING = "COMPENSATING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    TIMED_OUT = "TIMED_OUT"


TERMINAL: Final = frozenset({RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED, RunState.TIMED_OUT})


class ActivationState(StrEnum):
    """States of an activation; BLOCKED has no record in the store."""

    BLOCKED = "BLOCKED"
    READY = "READY"
    RUNNING = "RUNNING"
    RETRY_WAIT = "RETRY_WAIT"
    SUSPENDED = "SUSPENDED"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"
    CANCELLED = "CANCELLED"
    TIMED_OUT = "TIMED_OUT"
    DEAD = "DEAD"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why something failed. `kind` is external-transient, external-permanent, internal, poison, timeout or expired."""

    kind: str
    code: str
    message: str
    node: str | None = None
    status: int | None = None
    place: str | None = None
    """Of the node in the source: `orders.saltern:12:3`."""
    trace: tuple[str, ...] = ()
    """What the error came through in own code, the outermost first: `rules.py:12 in price`."""


@dataclass(frozen=True, slots=True)
class Items:
    """How far a foreach has come, or a node of its body in all items."""

    total: int
    done: int = 0
    failed: int = 0
    skipped: int = 0
    running: int = 0

    @property
    def over(self) -> int:
        """How many have ended."""
        return self.done + self.failed + self.skipped


@dataclass(frozen=True, slots=True)
class NodeView:
    """One node of a run, in the order of the plan. Times are Unix seconds of the store's clock."""

    id: str
    type: str
    stage: str
    state: ActivationState
    attempt: int
    started_at: float | None
    ended_at: float | None
    duration: float | None
    """Seconds of the last attempt, as the worker measured them."""
    failure: Failure | None = None
    items: Items | None = None
    """Of a foreach and the nodes of its body, which are shown once for all items; None for every other node."""
    cached: int = 0
    """How often its value came from the cache: more than once only where it stands for all items."""
    elided: str = ""
    """Why no stage runs it, where none does: its state is that of a node whose fate it has."""


@dataclass(frozen=True, slots=True)
class Awaited:
    """A node that takes an answer from outside, at one place of a run."""

    path: str
    """The activation: `approve`, `orders[3]/approve`."""
    node: str
    type: str
    schema: Mapping[str, Json]
    """JSON Schema of the answer; of a decision, of all that is kept of it."""
    choices: tuple[str, ...] = ()
    """What may be decided; empty where the answer is no decision."""
    default: str | None = None
    """What is decided where nobody does in time."""
    text: str = ""
    """What a person is asked."""
    shown: str = ""
    """The same without what is about a person, for all who are not asked."""
    deadline: float | None = None
    """Until when it waits, Unix seconds; None where it does not wait now."""
    answer: str | None = None
    """What was answered, JSON text, once it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """One run, as listings show it."""

    id: str
    pipeline: str
    state: RunState
    tenant: str
    trigger: str
    parent: str | None = None
    """The run that started it, where one did."""
    plan: str
    created_at: float
    deadline: float
    ended_at: float | None
    failure: Failure | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView(RunSummary):
    """One run, whole."""

    input: Json
    output: Json
    """None until SUCCEEDED."""
    nodes: tuple[NodeView, ...] = ()
    awaits: tuple[Awaited, ...] = ()
    """What waits for an answer from outside, by path."""
    stranded: str = ""
    """Why nothing of it goes on, in words: no worker of its version comes for what is READY, or it waits for its turn in its group."""


@dataclass(frozen=True, slots=True)
class RunPage:
    """A page of a listing, newest first; `cursor` continues it, None at the end."""

    runs: tuple[RunSummary, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedRuns:
    """Which runs are looked for; what is empty or None takes all."""

    states: frozenset[RunState] = frozenset()
    trigger: str | None = None
    """`api`; `webhook` takes those of all webhooks, `webhook:/tickets` those of one."""
    since: float | None = None
    """When it was created, Unix seconds."""
    until: float | None = None

    def takes(self, run: RunSummary) -> bool:
        """Whether a run is among them."""
        begun = self.trigger is None or run.trigger == self.trigger or run.trigger.startswith(f"{self.trigger}:")
        return begun and (not self.states or run.state in self.states)


ALL_RUNS: Final = WantedRuns()


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened in a run.

    `id` is the stream's and orders events; `type` is such as `run.created`, `stage.started`, `stage.succeeded`,
    `stage.skipped`, `stage.opened` (a foreach), `stage.suspended` (a wait), `stage.asked` and `stage.answered` (an answer from outside), `stage.retrying`, `stage.failed`, `stage.released`, `run.succeeded`, `run.failed`, `run.replayed`, `run.rerun`.
    """

    id: str
    type: str
    at: float
    path: str | None
    """The activation, for `stage.*`: `classify`; in the 18th item of a foreach, `summaries[17]/page`."""
    data: Json


@dataclass(frozen=True, slots=True)
class Started:
    """The answer to a start: the run, and whether this call made it (or an earlier one of the same key)."""

    run_id: str
    fresh: bool
    dropped: bool = False
    """None was made: this one of its group was there first."""
