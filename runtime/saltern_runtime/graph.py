"""What generated code is made of: nodes, stages, connections, the graph. Wrong names fail when the module is imported.

A node is a plain function: `ctx` first where it calls out, then one keyword for each node it reads (and `input`, `run`).
Its keywords are its data edges, so they are written once.
"""

from __future__ import annotations

import inspect
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from functools import cached_property
from importlib import resources
from types import UnionType
from typing import Any, Final, Generic, Literal, ParamSpec, TypeVar, Union, get_args, get_origin, get_type_hints

from pydantic import TypeAdapter

from saltern_runtime.spec import Retry

P = ParamSpec("P")
R = TypeVar("R")

MAX_DEPENDANTS: Final = 64
"""Dependants of one stage, at most, so that no script does unbounded work; the compiler inserts relays beyond it."""


class Skipped(Enum):
    """The type of `SKIPPED`."""

    SKIPPED = "skipped"

    def __repr__(self) -> str:
        return "SKIPPED"


SKIPPED: Final = Skipped.SKIPPED
"""Stands for the value of a node that did not run."""


@dataclass(frozen=True, slots=True)
class RunInfo:
    """What a node may know of its run; the same in every attempt and replay."""

    id: str
    tenant: str
    started_at: datetime
    """UTC."""


@dataclass(frozen=True, slots=True)
class Connection:
    """A connector's settings under a name. `secrets` maps a setting to a reference such as `env:SLACK_TOKEN`."""

    name: str
    connector: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)

    def secret(self, setting: str) -> str:
        """Read a secret now; raises MissingSecretError where the environment lacks it."""
        reference = self.secrets[setting]
        name = reference.removeprefix("env:")
        value = os.environ.get(name)
        if value is None:
            raise MissingSecretError(f"connection {self.name!r} needs the environment variable {name}")
        return value


class MissingSecretError(RuntimeError):
    """A secret's reference leads nowhere; permanent until an operator sets it."""


@dataclass(slots=True)
class Context:
    """What a node's callable gets of its surroundings."""

    run: RunInfo
    node: str
    path: str
    """The activation: `classify`, `summaries[17]/page`."""
    attempt: int
    connection: Connection | None
    deadline: float
    """`time.monotonic()` at which this attempt is over."""
    epoch: int = 0
    _calls: int = 0

    def effect_key(self) -> str:
        """Return a stable idempotency key for the next outbound call: tenant, run, path, call number, epoch; never the attempt."""
        self._calls += 1
        return f"{self.run.tenant}:{self.run.id}:{self.path}:{self.node}:{self._calls}:{self.epoch}"


class Node(Generic[P, R]):
    """A function with the node's id, type and connection attached; calling it calls the function."""

    def __init__(self, function: Callable[P, R], node_id: str, type: str, connection: str | None) -> None:  # noqa: A002
        self.function = function
        self.id = node_id
        self.type = type
        self.connection = connection
        self.name = function.__name__
        parameters = inspect.signature(function).parameters
        self.takes_context = "ctx" in parameters
        self.reads: tuple[str, ...] = tuple(name for name in parameters if name != "ctx")
        """Names of the functions that it reads, and `input` or `run`."""
        self.__doc__ = function.__doc__
        self.__wrapped__ = function

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function."""
        return self.function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<node {self.id} {self.type}>"

    @cached_property
    def adapters(self) -> Mapping[str, TypeAdapter[Any]]:
        """Parameter name → adapter of its annotated type without `Skipped` (which has no JSON form), `return` → the result's."""
        hints = get_type_hints(self.function)
        return {name: TypeAdapter(_without_skipped(hint)) for name, hint in hints.items() if name != "ctx"}


def _without_skipped(hint: Any) -> Any:
    if get_origin(hint) not in (Union, UnionType):
        return hint
    return Union[tuple(part for part in get_args(hint) if part is not Skipped)]  # noqa: UP007 - made of a tuple


def node(node_id: str, *, type: str, connection: str | None = None) -> Callable[[Callable[P, R]], Node[P, R]]:  # noqa: A002
    """Mark a function as the node of that id."""

    def mark(function: Callable[P, R]) -> Node[P, R]:
        return Node(function, node_id, type, connection)

    return mark


@dataclass(frozen=True, slots=True)
class On:
    """A handle that must be taken: `On("route", "case.billing")` names a node id and its handle."""

    node: str
    handle: str


@dataclass(frozen=True, slots=True)
class Stage:
    """The unit of claim, lease, retry and checkpoint."""

    name: str
    nodes: tuple[Node[Any, Any], ...]
    when: tuple[On, ...] = ()
    join: Literal["all", "any"] = "all"
    after: tuple[str, ...] = ()
    """Stages to wait for without reading them."""
    relay: tuple[str, ...] = ()
    """Stages without nodes through which arrivals come: what such a relay comes after tells the relay alone when it is
    terminal, and the relay tells this stage. A relay after nothing stands for the start of the run."""
    queue: str = "default"
    timeout: float = 60.0
    retry: Retry = Retry()
    priority: int = 5
    ttl: float | None = None
    on_error: Literal["fail", "continue"] = "fail"
    on_ambiguous: Literal["retry", "fail"] = "retry"


class GraphError(TypeError):
    """Generated code does not fit together; raised at import."""


class Graph:
    """A pipeline as its workers know it."""

    def __init__(
        self,
        name: str,
        *,
        package: str,
        stages: tuple[Stage, ...],
        connections: tuple[Connection, ...] = (),
        deadline: float = 3600.0,
        retention: float = 604_800.0,
    ) -> None:
        """Check that every name leads somewhere. `package` is the package that holds `source_map.json`."""
        self.name = name
        self.package = package
        self.stages = {stage.name: stage for stage in stages}
        self.connections = {each.name: each for each in connections}
        self.deadline = deadline
        self.retention = retention
        if len(self.stages) != len(stages):
            raise GraphError(f"{name}: two stages share a name")
        self.nodes: dict[str, Node[Any, Any]] = {}
        self._functions: dict[str, str] = {}
        self.stage_of: dict[str, str] = {}
        """Node id → stage name."""
        for stage in stages:
            for each in stage.nodes:
                if each.id in self.nodes:
                    raise GraphError(f"{name}: node {each.id!r} stands in two stages")
                self.nodes[each.id] = each
                self._functions[each.name] = each.id
                self.stage_of[each.id] = stage.name
        self.needs = {stage.name: self._needs(stage) for stage in stages}
        """Stage name → names of the stages that tell it when they are terminal, sorted; relays in place of what they stand for."""
        self.dependants: dict[str, tuple[str, ...]] = {
            stage.name: tuple(sorted(other for other, needs in self.needs.items() if stage.name in needs))
            for stage in stages
        }
        self.entries = tuple(stage.name for stage in stages if not self.needs[stage.name])
        for stage_name, after in [*self.dependants.items(), ("(start)", self.entries)]:
            if len(after) > MAX_DEPENDANTS:
                raise GraphError(f"{name}: {len(after)} stages depend on {stage_name!r}; at most {MAX_DEPENDANTS} may")

    def reads(self, node: Node[Any, Any]) -> tuple[str, ...]:
        """Return the ids of the nodes that a node reads (without `input` and `run`), in the order of its keywords."""
        return tuple(self._functions[name] for name in node.reads if name not in ("input", "run"))

    def keyword(self, node_id: str) -> str:
        """Return the keyword under which a node's value is passed."""
        return self.nodes[node_id].name

    def _needs(self, stage: Stage) -> tuple[str, ...]:
        found: set[str] = set()
        for each in stage.nodes:
            for name in each.reads:
                if name in ("input", "run"):
                    continue
                if name not in self._functions:
                    raise GraphError(f"{self.name}: {each.id!r} reads {name!r}, which no stage runs")
                found.add(self.stage_of[self._functions[name]])
            if each.connection is not None and each.connection not in self.connections:
                raise GraphError(
                    f"{self.name}: {each.id!r} names the connection {each.connection!r}, which is not there"
                )
        for on in stage.when:
            if on.node not in self.stage_of:
                raise GraphError(f"{self.name}: stage {stage.name!r} hangs on {on.node!r}, which is not there")
            found.add(self.stage_of[on.node])
        for name in stage.after:
            if name not in self.stages:
                raise GraphError(f"{self.name}: stage {stage.name!r} comes after {name!r}, which is not there")
            found.add(name)
        return tuple(sorted(self._through_relays(stage, found) - {stage.name}))

    def _through_relays(self, stage: Stage, needs: set[str]) -> set[str]:
        """Put a stage's relays in place of what they stand for."""
        for name in stage.relay:
            if name not in self.stages or self.stages[name].nodes:
                raise GraphError(f"{self.name}: stage {stage.name!r} has the relay {name!r}, which is none")
            needs = needs.difference(self.stages[name].after)
        return needs | set(stage.relay)

    @cached_property
    def source_map(self) -> Mapping[str, Any]:
        """`{"plan": "sha256:…", "source": "x.saltern", "nodes": {id: {"function": …, "place": …}}}`."""
        text = resources.files(self.package).joinpath("source_map.json").read_text("utf-8")
        loaded: Mapping[str, Any] = json.loads(text)
        return loaded

    @property
    def digest(self) -> str:
        """The plan digest, which every run is pinned to."""
        return str(self.source_map["plan"])
