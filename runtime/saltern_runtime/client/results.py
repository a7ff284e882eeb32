"""What a service shows, as values. What a later version adds stays in them (`model_extra`) and breaks nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Final, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, TypeAdapter, ValidationError

from saltern_runtime.client.errors import NotSucceededError, OutputError

T = TypeVar("T")
OutputT = TypeVar("OutputT")
OVER: Final = frozenset({"SUCCEEDED", "FAILED", "CANCELLED", "TIMED_OUT"})
"""States that a run leaves by a replay or a rerun alone."""


class Shown(BaseModel):
    """Something that a service shows."""

    model_config = ConfigDict(frozen=True, extra="allow", populate_by_name=True)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON, with all that the service said."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)


class Failure(Shown):
    """Why something failed."""

    kind: str
    """`external-transient`, `external-permanent`, `internal`, `poison`, `timeout`, `expired`, `cancelled`."""
    code: str
    message: str
    node: str | None = None
    status: int | None = None
    place: str | None = None
    """Of the node in the source: `orders.saltern:12:3`."""
    trace: tuple[str, ...] = ()
    """What the error came through in own code, the outermost first: `rules.py:12 in price`."""


class Items(Shown):
    """How far a foreach has come, or a node of its body in all items."""

    total: int
    done: int
    failed: int
    skipped: int
    running: int


class Node(Shown):
    """One node of a run."""

    id: str
    type: str
    stage: str
    state: str
    attempt: int
    started_at: datetime | None
    ended_at: datetime | None
    duration: float | None
    """Seconds of the last attempt."""
    failure: Failure | None
    items: Items | None = None
    cached: int = 0
    elided: str = ""


class Awaited(Shown):
    """What waits for an answer from outside."""

    path: str
    node: str
    type: str
    text: str
    choices: tuple[str, ...]
    """What may be decided; empty where the answer is no decision."""
    default: str | None
    answer: Mapping[str, Any]
    """JSON Schema of the answer."""
    deadline: datetime | None
    decision: Mapping[str, Any] | None
    url: str | None = None


class RunSummary(Shown):
    """One run, as listings show it."""

    id: str
    pipeline: str
    state: str
    trigger: str
    parent: str | None = None
    plan: str
    created_at: datetime
    deadline: datetime
    ended_at: datetime | None
    failure: Failure | None

    @property
    def is_over(self) -> bool:
        """Whether it has ended, well or not."""
        return self.state in OVER


class Run(RunSummary, Generic[OutputT]):
    """One run. Its output is read as the client's type when it is asked for, so that runs of other plans can be looked at."""

    input: Any
    """As the service shows it: plain JSON, with secrets masked."""
    raw_output: Any = Field(alias="output")
    """Plain JSON; None until SUCCEEDED."""
    nodes: tuple[Node, ...]
    awaits: tuple[Awaited, ...]
    stranded: str = ""
    """Why nothing of it goes on, in words: no worker of its version comes for what is READY, or it waits for its turn in its group."""
    _type: TypeAdapter[OutputT] | None = PrivateAttr(None)

    def typed(self, output: TypeAdapter[OutputT] | None) -> Run[OutputT]:
        """Return it with the type of its output; None for plain JSON."""
        self._type = output
        return self

    @cached_property
    def output(self) -> OutputT:
        """What the run returned; raises NotSucceededError where it returned nothing, OutputError where that is of another type."""
        if self.state != "SUCCEEDED":
            failure = self.failure
            why = f"{failure.message} ({failure.kind}, {failure.code})" if failure is not None else ""
            raise NotSucceededError(self.id, self.state, why)
        if self._type is None:
            plain: OutputT = self.raw_output
            return plain
        try:
            return self._type.validate_python(self.raw_output)
        except ValidationError as error:
            places = ", ".join(sorted({".".join(map(str, found["loc"])) or "all of it" for found in error.errors()}))
            # What the run returned may be personal, and stands in pydantic's words.
            raise OutputError(
                f"the output of run {self.id} (plan {self.plan[:19]}) is of another type: {places}"
            ) from None


class Started(Shown, Generic[OutputT]):
    """A run that was accepted."""

    id: str
    created: bool | None
    """False where an earlier request with the same key made the run; None where the service shows the ended run in place of saying."""
    run: Run[OutputT] | None = None
    """The run, where it was waited for and ended in time."""


class Event(Shown):
    """Something that happened in a run: a CloudEvent 1.0."""

    id: str
    """Orders events; `follow(run, after=id)` goes on behind it."""
    type: str
    """`run.created`, `stage.started`, `stage.failed`, `run.succeeded`, …"""
    time: datetime
    path: str | None = Field(default=None, alias="subject")
    """The activation, of `stage.*`: `classify`, `orders[3]/charge`."""
    data: Any = None

    @property
    def is_end(self) -> bool:
        """Whether the run ended with it."""
        return self.type in _ENDS


_ENDS: Final = frozenset(f"run.{state.lower()}" for state in OVER)


class DeadLetter(Shown):
    """An activation that failed for good, until somebody dealt with it."""

    run: str
    path: str
    node: str
    pipeline: str
    at: datetime
    state: str
    attempts: int
    failure: Failure | None
    run_state: str
    trigger: str
    plan: str


class Done(Shown):
    """What became of one of many."""

    run: str
    path: str
    verdict: str
    """`ok`, `done` where it was so already, or why nothing was done."""
    detail: str = ""
    """The same in words; empty where it was done."""


class AuditEntry(Shown):
    """Something that somebody did to a run."""

    what: str
    at: datetime
    by: str
    why: str
    node: str | None = None
    """Of `rerun`: where the run began anew."""
    run: str | None = None
    """Of `again`: the run that was started."""
    plan: str | None = None
    """Of `migrate`: the version that the run was moved to."""
    of: str | None = None
    """Of a run that was started by `again`: the run whose input it has."""


class Halted(Shown):
    """Since when a schedule makes no runs, and why."""

    at: datetime
    by: str
    why: str


class Schedule(Shown):
    """What makes runs by itself."""

    id: str
    cron: str
    time_zone: str
    overlap: str
    """What becomes of a tick while a run is not over: `allow`, `queue`, `drop`, `cancel_previous`."""
    next: datetime | None
    """When it makes a run next; None while it is paused."""
    paused: Halted | None
    """None unless it is."""


class Version(Shown):
    """A version that has open runs, or workers."""

    plan: str
    version: str
    """Its short form, as queues and Deployments carry it."""
    current: bool
    """Whether new runs are of it."""
    open: int
    """Runs that are not over, of all tenants."""
    states: Mapping[str, int]
    """How many of them are in which state; of the oldest five hundred."""
    oldest_at: datetime | None
    ready: int
    """Activations that wait for a worker."""
    stranded: int
    """Those of them in queues that no worker takes from."""
    served: bool
    """Whether a worker of it was seen within half a minute."""
    seen_at: datetime | None


class Versions(Shown):
    """The versions of a service, the one with the oldest open run first."""

    at: datetime
    """Now, by the store's clock."""
    counted: bool
    """Whether every open run is among those counted: once timers have swept."""
    instance: str
    """Who answered: in Kubernetes, the name of the pod."""
    versions: tuple[Version, ...]
    gone: tuple[str, ...]
    """Digests of those that had runs or workers, and have neither now."""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A part of what is listed; `cursor` goes on behind it, None at the end."""

    items: tuple[T, ...]
    cursor: str | None


Batch = Page[Done]
"""What became of up to a hundred letters."""
