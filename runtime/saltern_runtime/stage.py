"""What a graph is put together of: nodes, what they hang on, stages and what these end with, schedules."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from contextlib import suppress
from copy import copy
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import UnionType
from typing import (
    Any,
    Generic,
    Literal,
    ParamSpec,
    Protocol,
    TypeAlias,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from pydantic import PydanticInvalidForJsonSchema, PydanticUserError, TypeAdapter

from saltern_runtime.context import Connection, Skipped
from saltern_runtime.files import mentions_files
from saltern_runtime.integers import INT_MAX, INT_MIN
from saltern_runtime.spec import Assumes, Concurrency, OnError, OnLimit, OnSkip, Retry
from saltern_runtime.spec.concurrency import Overlap
from saltern_runtime.spec.schema import places_in
from saltern_runtime.spec.types import LABELS, Label, Places

P = ParamSpec("P")
R = TypeVar("R")


class Node(Generic[P, R]):
    """A function with the node's id, type and connection attached; calling it calls the function."""

    def __init__(
        self,
        function: Callable[P, R],
        node_id: str,
        type: str,  # noqa: A002 - the word of generated code
        connection: str | None,
        of: str | None = None,
        *,
        cache: float | None = None,
        personal: Places = (),
        personal_items: Places = (),
    ) -> None:
        self.function = function
        self.id = node_id
        self.type = type
        self.connection = connection
        self.of = of
        """Id of the node whose failure it takes, as `failure`."""
        self.cache = cache
        """Seconds for which its value is kept, and given again for the same arguments."""
        self.personal, self.personal_items = personal, personal_items
        """Where its value, and an item of its region, hold what is about a person."""
        self.scope = ""
        """What ids of the nodes begin with that it reads by their names: `s/`, where a call named `s` runs its pipeline."""
        self.gate: tuple[On, ...] = ()
        """What it hangs on, where that is more than what its stage hangs on."""
        self.join: Literal["all", "any"] = "all"
        self.name = function.__name__
        parameters = inspect.signature(function).parameters
        self.takes_context = "ctx" in parameters
        self.reads: tuple[str, ...] = tuple(
            name for name in parameters if name != "ctx" and (of is None or name != "failure")
        )
        """Names of the functions that it reads, and `input` or `run`."""
        self.__doc__ = function.__doc__
        self.__wrapped__ = function

    def within(self, scope: str, connections: Mapping[str, str]) -> Node[P, R]:
        """Return this node as a call of its pipeline runs it: under the call's name, with the connections that the call gives."""
        placed = copy(self)
        placed.id, placed.scope = f"{scope}{self.id}", f"{scope}{self.scope}"
        placed.of = None if self.of is None else f"{scope}{self.of}"
        placed.connection = None if self.connection is None else connections.get(self.connection, self.connection)
        placed.gate = tuple(On(f"{scope}{on.node}", on.handle) for on in self.gate)
        return placed

    def when(self, *gate: On, join: Literal["all", "any"] = "all") -> Node[P, R]:
        """Return this node as a stage runs it that goes on without it: it is skipped unless all (or any) of these are taken."""
        placed = copy(self)
        placed.gate, placed.join = gate, join
        return placed

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function."""
        return self.function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<node {self.id} {self.type}>"

    @cached_property
    def handles(self) -> tuple[str, ...]:
        """The handles that its annotation says it takes one of; empty where it does not say."""
        returned = get_type_hints(self.function).get("return")
        return get_args(returned) if get_origin(returned) is Literal else ()

    @cached_property
    def adapters(self) -> Mapping[str, TypeAdapter[Any]]:
        """Parameter name → adapter of its annotated type without `Skipped` (which has no JSON form), `return` → the result's."""
        hints = get_type_hints(self.function)
        return {name: TypeAdapter(_without_skipped(hint)) for name, hint in hints.items() if name != "ctx"}

    @cached_property
    def marked(self) -> Mapping[Label, Mapping[str, Places]]:
        """Label → parameter name → where what it is given has that label, as its type says; what has no JSON Schema says nothing."""
        found: dict[Label, dict[str, Places]] = {label: {} for label in LABELS}
        for name, adapter in self.adapters.items():
            with suppress(PydanticInvalidForJsonSchema, PydanticUserError):
                schema = adapter.json_schema(mode="serialization")
                for label in LABELS:
                    found[label][name] = places_in(schema, label)
        return found

    @cached_property
    def gives_files(self) -> bool:
        """Whether there may be files in what the function returns."""
        return mentions_files(get_type_hints(self.function).get("return"))


def _without_skipped(hint: Any) -> Any:
    if get_origin(hint) not in (Union, UnionType):
        return hint
    return Union[tuple(part for part in get_args(hint) if part is not Skipped)]  # noqa: UP007 - made of a tuple


def node(
    node_id: str,
    *,
    type: str,  # noqa: A002 - the word of generated code
    connection: str | None = None,
    of: str | None = None,
    cache: float | None = None,
    personal: Places = (),
    personal_items: Places = (),
) -> Callable[[Callable[P, R]], Node[P, R]]:
    """Mark a function as the node of that id."""

    def mark(function: Callable[P, R]) -> Node[P, R]:
        return Node(
            function, node_id, type, connection, of, cache=cache, personal=personal, personal_items=personal_items
        )

    return mark


@dataclass(frozen=True, slots=True)
class On:
    """A handle that must be taken: `On("route", "case.billing")` names a node id and its handle."""

    node: str
    handle: str


@dataclass(frozen=True, slots=True)
class Carries:
    """The rounds of a region follow each other, each with the state that the one before gave."""

    check: Node[Any, Any]
    """Asked of the state before each round; it reads the state, and what stands around the owner."""
    at_most: int
    """Rounds."""
    within: float | None = None
    """Seconds from the first round on, after which none begins; None: as long as the run may."""
    on_limit: OnLimit = "fail"


@dataclass(frozen=True, slots=True)
class Opens:
    """The stage ends by opening a region: its body runs a round for each item that the last node's function gave.

    Meanwhile the stage is suspended; the value of its last node is made of the rounds' results.
    """

    variable: str
    """The keyword under which the body's nodes take the item; empty: under none."""
    stages: tuple[Stage, ...]
    """Named `<owner>/<stage>`; they read each other, the item, and whatever stands around the owner."""
    result: str
    """Id of the node whose value is the round's result: `<owner>/yield`; empty: the round gives nothing."""
    at_most: int = 8
    """Rounds that run at the same time."""
    on_error: OnError = "stop"
    on_skip: OnSkip = "drop"
    carries: Carries | None = None
    """None: the last node's function gives the items of all rounds. Else it gives the first state, and the value is the last."""
    gather: Callable[[list[Any]], Any] | None = None
    """Makes the value (a JSON value) of the list of results (JSON values, in the order of the items); None: the list itself."""
    scope: str = ""
    """The scope of the nodes that take the item."""
    callee: Callee | None = None
    """The graph that a call runs, where this is one."""


class Callee(Protocol):
    """What a call, or a start, needs of the graph that it runs."""

    name: str
    parts: tuple[Stage, ...]
    nodes: dict[str, Node[Any, Any]]
    connections: dict[str, Connection]
    deadline: float
    retention: float
    retained: Mapping[str, float]
    reserve: float
    secrets: Places
    personal: Places
    assumes: tuple[Assumes, ...]
    concurrency: Concurrency | None


@dataclass(frozen=True, slots=True)
class Calls:
    """The stage ends by running another pipeline as a part of the run.

    Its input is the only item of the list that the last node's function gave; its output becomes the value of that node.
    """

    graph: Callee
    connections: Mapping[str, str] = field(default_factory=dict)
    """Connection of the pipeline that is called → the one that stands in for it."""


@dataclass(frozen=True, slots=True)
class Starts:
    """The stage ends by making a run of its own of another pipeline.

    Its input is what the last node's function gave; its id becomes the value of that node.
    """

    graph: Callee
    connections: Mapping[str, str] = field(default_factory=dict)
    """Connection of the pipeline that is started → the one that stands in for it."""
    linked: bool = False
    """Whether it is cancelled with the run that makes it, and over by that one's deadline."""


@dataclass(frozen=True, slots=True)
class Sleeps:
    """The stage ends by sleeping as long as, or until, its last node's function says; the value of that node is null."""


@dataclass(frozen=True)
class Awaits:
    """The stage ends by waiting for an answer from outside, whose type is `answer`; it is the value of the last node.

    Where `choices` are given, it is a decision for one of them, and `default` what is decided where nobody does in time.
    """

    answer: Any
    choices: tuple[str, ...] = ()
    default: str | None = None

    @cached_property
    def adapter(self) -> TypeAdapter[Any]:
        """The answer's type as what validates it."""
        return TypeAdapter(self.answer)

    @cached_property
    def schema(self) -> dict[str, Any]:
        """The answer's type as JSON Schema, as the store keeps it with the plan: any later version's API goes by it."""
        schema: dict[str, Any] = _of_64_bits(self.adapter.json_schema(mode="serialization"))
        return schema


def _of_64_bits(schema: Any) -> Any:
    """Hold whole numbers to what an `int` can be."""
    if isinstance(schema, list):
        return [_of_64_bits(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    bounds = {"minimum": INT_MIN, "maximum": INT_MAX} if schema.get("type") == "integer" else {}
    return {name: _of_64_bits(part) for name, part in schema.items()} | bounds


@dataclass(frozen=True, slots=True)
class Responds:
    """The value of the stage's last node answers the request that started the run."""


Ends: TypeAlias = Opens | Sleeps | Awaits | Responds | Calls | Starts | None
"""What a stage does once its nodes have run."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """When runs start by themselves: a cron line in a time zone, and what they are given."""

    id: str
    """Part of the ids of its runs: letters, digits, `_` and `-`."""
    cron: str
    """Five fields."""
    time_zone: str = "UTC"
    catch_up: Literal["skip", "last", "all"] = "last"
    """Which of the ticks that passed while no timers ran are made up for."""
    overlap: Overlap = "allow"
    """What becomes of a tick whose schedule has a run that is not over: it makes one beside it, one that waits, none, or one in its place."""
    jitter: float = 0.0
    """Seconds by which a tick fires later, at most: so much that all timers agree on."""
    input: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Elided:
    """A node of the pipeline that no stage runs, since what becomes of it is known beforehand; runs show it all the same."""

    node: str
    type: str
    like: str
    """Id of the node whose state it has."""
    by: str
    """The optimization that took it out."""
    because: str
    skipped: bool = False
    """Whether it is skipped once that node is over."""
    needs: tuple[str, ...] = ()
    """Other nodes that it would have come after: it was not come to before these were over."""
    feeds: tuple[str, ...] = ()
    """Nodes that would have come after it: it was over when one of these began."""
    made: str = ""
    """Id of a node that computes it and is none of the pipeline's, so that it is not shown; empty: there is none."""

    def within(self, scope: str) -> Elided:
        """Return it with `scope` before its name and those of other nodes."""
        needs, feeds = (tuple(f"{scope}{name}" for name in names) for names in (self.needs, self.feeds))
        made = self.made and f"{scope}{self.made}"
        return replace(
            self, node=f"{scope}{self.node}", like=f"{scope}{self.like}", needs=needs, feeds=feeds, made=made
        )


@dataclass(frozen=True, slots=True)
class Stage:
    """The unit of claim, lease, retry and checkpoint: its nodes run one after the other, and are recorded together.

    Of the values that they give the store keeps the last one, and those that something outside of the stage reads or hangs on.
    """

    name: str
    nodes: tuple[Node[Any, Any], ...]
    """Each may read those before it; one with a `gate` of its own is skipped where that is shut, and the others go on."""
    when: tuple[On, ...] = ()
    join: Literal["all", "any"] = "all"
    quorum: int = 0
    """It runs as soon as so many of `when` are taken, and what the others hang on is cancelled; 0: as `join` says."""
    after: tuple[str, ...] = ()
    """Stages to wait for without reading them."""
    relay: tuple[str, ...] = ()
    """Stages without nodes through which arrivals come: what such a relay comes after tells the relay alone when it is
    terminal, and the relay tells this stage. A relay after nothing stands for the start of the run."""
    compensates: str = ""
    """Id of the node that it takes back, where its run does not succeed: it comes after nothing and before nothing. Empty: none."""
    queue: str = "default"
    timeout: float = 60.0
    retry: Retry = Retry()
    priority: int = 5
    ttl: float | None = None
    on_error: Literal["fail", "continue"] = "fail"
    on_ambiguous: Literal["retry", "fail"] = "retry"
    elided: tuple[Elided, ...] = ()
    """Nodes that are shown with those of the stage."""
    ends: Ends = None
    """What the stage does once its nodes have run, before it has its value; None: it is done."""
    again: tuple[Node[Any, Any], ...] = ()
    """Nodes of other stages that it computes for itself before its own, in place of waiting for what they give: pure ones, that
    cannot fail. What they give here is recorded nowhere."""

    @property
    def opens(self) -> Opens | None:
        """The region that it opens, if any."""
        return self.ends if isinstance(self.ends, Opens) else None
