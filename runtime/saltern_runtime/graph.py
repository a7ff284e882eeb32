"""What generated code is made of: nodes, stages, connections, the graph. Wrong names fail when the module is imported.

A node is a plain function: `ctx` first where it calls out, then one keyword for each node it reads (and `input`, `run`).
Its keywords are its data edges, so they are written once.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from importlib import resources
from types import MappingProxyType
from typing import Any, get_type_hints

from saltern_runtime.context import SKIPPED, Ask, Connection, Context, MissingSecretError, RunInfo, Skipped
from saltern_runtime.graph_checks import (
    GraphError,
    check_assumptions,
    check_concurrency,
    check_limits,
    check_schedules,
    check_settings,
)
from saltern_runtime.inline import inlined, others, started, walk
from saltern_runtime.masking import Hidden
from saltern_runtime.spec import Assumes, Concurrency
from saltern_runtime.spec.limits import AT_ONCE, DEADLINE, RETENTION
from saltern_runtime.spec.names import AMBIENT, COMPENSATE, ERROR, INPUT, OUTCOMES, RETURN, ROOT
from saltern_runtime.spec.types import Places
from saltern_runtime.stage import (
    Awaits,
    Callee,
    Calls,
    Carries,
    Elided,
    Node,
    On,
    Opens,
    Responds,
    Schedule,
    Sleeps,
    Stage,
    Starts,
    node,
)

__all__ = [
    "SKIPPED", "Ask", "Awaits", "Calls", "Carries", "Connection", "Context", "Elided", "Graph", "GraphError",
    "MissingSecretError", "Node", "On", "Opens", "Responds", "RunInfo", "Schedule", "Skipped", "Sleeps", "Stage", "Starts", "node",
]  # fmt: skip


class Graph:
    """A pipeline as its workers know it."""

    def __init__(
        self,
        name: str,
        *,
        package: str,
        stages: tuple[Stage, ...],
        connections: tuple[Connection, ...] = (),
        schedules: tuple[Schedule, ...] = (),
        deadline: float = DEADLINE,
        retention: float = RETENTION,
        retained: Mapping[str, float] = MappingProxyType({}),
        reserve: float = 0.0,
        secrets: Places = (),
        personal: Places = (),
        assumes: tuple[Assumes, ...] = (),
        concurrency: Concurrency | None = None,
    ) -> None:
        """Check that every name leads somewhere. `package` is the package that holds `source_map.json`."""
        self.name = name
        self.package = package
        self.connections = {connection.name: connection for connection in connections}
        for other in others(stages):
            self._share_connections(other)
        self.schedules = {schedule.id: schedule for schedule in schedules}
        self.secrets, self.personal, self.assumes = secrets, personal, check_assumptions(name, assumes)
        """Where its input holds secrets, and what is about a person; what it has at most."""
        self.deadline, self.retention, self.retained, self.reserve = deadline, retention, retained, reserve
        """Seconds: for a run, of which `reserve` are for compensations; for which one is kept that is over, and how it may end → those where
        they are fewer."""
        self.concurrency = check_concurrency(name, concurrency)
        """How many of its runs go on at a time."""
        self.stages: dict[str, Stage] = {}
        """Stage name → stage, those of bodies included; an owner stands before its body."""
        self.owner_of: dict[str, str] = {}
        """Name of a stage of a body → the stage that owns the body; stages of the pipeline's own graph are left out."""
        self.nodes: dict[str, Node[Any, Any]] = {}
        self._functions: dict[str, str] = {}
        """Scope and name of a function → the id of its node."""
        self.stage_of: dict[str, str] = {}
        """Node id → stage name."""
        self.kept: frozenset[str]
        """Ids of the nodes whose values the store keeps: what ends a stage, and what another stage reads or hangs on."""
        self.parts = tuple(map(inlined, stages))
        """The stages of its own graph, with those of bodies inside."""
        self._members: dict[str, list[str]] = {"": []}
        self._add_all("", self.parts)
        self._started: dict[str, Callee] = {}
        """Root (the id of a node and a colon) → the graph that the node makes runs of. Its stages stand here too, under names
        that begin with the root."""
        for root, graph, parts in started(self.parts):
            self._started[root] = graph
            self._add_all(root, parts)
        graphs = (self, *self._started.values())
        latest = max(graph.deadline for graph in graphs)
        self.longest = latest + max(latest, *(graph.retention for graph in graphs))
        """Seconds for which the store keeps a run of it, or of what it starts, at most."""
        self._check_bodies()
        check_schedules(name, schedules, self.concurrency)
        for connection in connections:
            check_limits(f"{name}: connection {connection.name!r}", connection.limits)
        self.needs: dict[str, tuple[str, ...]] = {}
        """Stage name → names of the stages of its own body that tell it when they are terminal, sorted; relays in place of what
        they stand for. What a body takes from around its owner is among the owner's needs."""
        for stage_name, direct in self._all_needs().items():
            relayed = self._through_relays(self.stages[stage_name], direct) - {stage_name}
            self.needs[stage_name] = () if self.stages[stage_name].compensates else tuple(sorted(relayed))
        self.kept = frozenset(self._kept())
        self.dependants = _dependants(self.needs)
        self.starts = {
            owner: tuple(
                member
                for member in self.members(owner)
                if not self.needs[member] and not self.stages[member].compensates
            )
            for owner in self._members
        }
        """Owner → the stages of its body that need nothing inside of it; under the empty name, those of the pipeline itself, under
        a root (the id of a node that starts, and a colon) those of what it starts."""
        self.entries = self.starts[""]
        self.compensations = dict(self._compensations())
        """Stage name → the stage that takes back what it did."""
        self._check_dependants()

    def reads(self, node: Node[Any, Any]) -> tuple[str, ...]:
        """Return the ids of the nodes that a node reads (without `input`, `run` and items), in the order of its keywords."""
        items = self.items(node)
        return tuple(
            self._functions[node.scope + name] for name in node.reads if name not in AMBIENT and name not in items
        )

    def items(self, node: Node[Any, Any]) -> Mapping[str, str]:
        """Return the keywords of a node that take an item → the owner stage whose item that is."""
        bound = {
            body.variable: owner
            for owner in reversed(self.owners(self.stage_of[node.id]))
            if (body := self.stages[owner].opens) is not None and body.scope == node.scope
        }
        return {name: bound[name] for name in node.reads if name in bound}

    def owners(self, stage: str) -> tuple[str, ...]:
        """Return the stages in whose bodies a stage stands, the innermost first."""
        owners: list[str] = []
        while stage in self.owner_of:
            stage = self.owner_of[stage]
            owners.append(stage)
        return tuple(owners)

    @cached_property
    def input(self) -> Any:
        """The type of its input, as a node of its own says that reads it; None where none does."""
        own = (node for node in self.nodes.values() if not node.scope and INPUT in node.reads)
        return next((get_type_hints(node.function).get(INPUT) for node in own), None)

    def hidden(self, pipeline: str | None = None) -> Hidden:
        """Return what a run has that is not shown: of this pipeline, or of one that is started from it; None: of any of these."""
        found = [each for each in {"": self, **self._started}.items() if pipeline in (None, each[1].name)]
        given = [self.nodes.get(f"{root}{RETURN}") for root, _ in found]
        return Hidden(
            _once(place for _, graph in found for place in graph.secrets),
            _once(place for _, graph in found for place in graph.personal),
            _once(place for node in given if node is not None for place in node.personal),
        )

    def home(self, stage: str) -> Callee:
        """Return the graph whose runs a stage is a part of: this one, or one that is started."""
        return self._started.get(stage[: stage.rfind(ROOT) + 1], self)

    def members(self, owner: str) -> tuple[str, ...]:
        """Return the stages of a body, without those of bodies inside of it.

        For the empty name they are the pipeline's own, for a root those of what is started.
        """
        return tuple(self._members[owner])

    def keyword(self, node_id: str) -> str:
        """Return the keyword under which a node's value is passed."""
        return self.nodes[node_id].name

    def _add_all(self, root: str, stages: tuple[Stage, ...]) -> None:
        self._members.setdefault(root, [])
        for owner, stage in walk("", stages):
            self._add(owner, stage)
            self._members.setdefault(owner or root, []).append(stage.name)

    def _add(self, owner: str, stage: Stage) -> None:
        if stage.name in self.stages:
            raise GraphError(f"{self.name}: two stages share a name: {stage.name!r}")
        self.stages[stage.name] = stage
        if owner:
            self.owner_of[stage.name] = owner
        for member in stage.nodes:
            if member.id in self.nodes:
                raise GraphError(f"{self.name}: node {member.id!r} stands in two stages")
            if member.cache is not None and not member.cache > 0:
                raise GraphError(f"{self.name}: {member.id!r} is cached for {member.cache!r} seconds")
            self.nodes[member.id] = member
            self._functions[member.scope + member.name] = member.id
            self.stage_of[member.id] = stage.name
        if stage.opens is not None and stage.opens.carries is not None:
            check = stage.opens.carries.check
            self.nodes[check.id] = check
            self.stage_of[check.id] = f"{stage.name}/"  # no stage: what stands in the body
            self.owner_of[f"{stage.name}/"] = stage.name

    def _check_dependants(self) -> None:
        starts = ((f"(start of {owner})", members) for owner, members in self.starts.items())
        for told, after in (*self.dependants.items(), *starts):
            if len(after) > AT_ONCE:
                raise GraphError(f"{self.name}: {len(after)} stages depend on {told!r}; at most {AT_ONCE} may")

    def _check_bodies(self) -> None:
        for name, stage in self.stages.items():
            owner = self.owner_of.get(name)
            if owner is not None and not name.startswith(f"{owner}/"):
                raise GraphError(
                    f"{self.name}: stage {name!r} stands in the body of {owner!r}, but is not named after it"
                )
            if stage.ends is not None and not stage.nodes:
                raise GraphError(f"{self.name}: stage {name!r} ends in {type(stage.ends).__name__}, but has no node")
            body = stage.opens
            if body is None:
                continue
            where = f"{self.name}: the body of {name!r}"
            check_settings(where, body)
            if body.result and self.owner_of.get(self.stage_of.get(body.result, "")) != name:
                raise GraphError(f"{where} gives {body.result!r}, which does not stand in it")
            if (
                body.variable and body.scope == stage.nodes[-1].scope
            ):  # a call begins a scope, in which nothing has another meaning yet
                self._check_variable(where, name, body)

    def _check_variable(self, where: str, owner: str, body: Opens) -> None:
        around = (self.stages[outer].opens for outer in self.owners(owner))
        taken = {region.variable for region in around if region is not None and region.scope == body.scope}
        if body.variable in taken | {*AMBIENT} or body.scope + body.variable in self._functions:
            raise GraphError(f"{where} names its item {body.variable!r}, which has another meaning")

    def _share_connections(self, other: Calls | Starts) -> None:
        """Take over the connections of a pipeline that is called or started, but for those that others stand in for."""
        for name, connection in other.graph.connections.items():
            if name not in other.connections and self.connections.setdefault(name, connection) != connection:
                raise GraphError(f"{self.name}: {other.graph.name!r} has another connection {name!r}")

    def _all_needs(self) -> Mapping[str, set[str]]:
        """Collect what each stage waits for; what lies around an owner is waited for by the owner."""
        needs: dict[str, set[str]] = {name: set() for name in self.stages}
        for name, stage in self.stages.items():
            for need in (*self._felt(stage, (*stage.again, *stage.nodes)), *self._hangs(stage), *self._waits(stage)):
                self._add_need(name, need, needs)
            if stage.opens is not None and stage.opens.carries is not None:
                for need in self._felt(stage, [stage.opens.carries.check]):
                    self._add_need(f"{name}/", need, needs)
        return needs

    def _add_need(self, waiting: str, need: str, needs: Mapping[str, set[str]]) -> None:
        while self.owner_of.get(need) != self.owner_of.get(waiting):
            waiting = self.owner_of[waiting]
        needs[waiting].add(need)

    def _felt(self, stage: Stage, nodes: Iterable[Node[Any, Any]]) -> Iterator[str]:
        """Yield the stages whose nodes some nodes of a stage read."""
        for reader in nodes:
            items = self.items(reader)
            for name in reader.reads:
                if name in AMBIENT or name in items:
                    continue
                if any(known.name == name and known.scope == reader.scope for known in stage.again):
                    continue
                read = self._functions.get(reader.scope + name)
                if read is None:
                    raise GraphError(f"{self.name}: {reader.id!r} reads {name!r}, which no stage runs")
                if not self._opens_behind(self.stage_of[read], read, stage.name):
                    yield self._seen(stage, self.stage_of[read], f"{reader.id!r} reads {name!r}")
            if reader.of is not None and On(reader.of, ERROR) not in stage.when:
                raise GraphError(
                    f"{self.name}: {reader.id!r} takes the failure of {reader.of!r}, whose error it does not hang on"
                )
            if reader.connection is not None and reader.connection not in self.connections:
                raise GraphError(
                    f"{self.name}: {reader.id!r} names the connection {reader.connection!r}, which is not there"
                )

    def _compensations(self) -> Iterator[tuple[str, str]]:
        for name, stage in self.stages.items():
            if not stage.compensates:
                continue
            done = self.stage_of.get(stage.compensates)
            if done is None or self.stages[done].nodes[-1].id != stage.compensates:
                raise GraphError(
                    f"{self.name}: stage {name!r} takes back {stage.compensates!r}, which no stage ends with"
                )
            if name in self.owner_of or done in self.owner_of or name != f"{done}/{COMPENSATE}":
                raise GraphError(f"{self.name}: stage {name!r} cannot take back {stage.compensates!r}")
            yield done, name

    def _kept(self) -> Iterator[str]:
        for stage in self.stages.values():
            yield from (last.id for last in stage.nodes[-1:])
            yield from (on.node for on in stage.when)
            if stage.opens is not None and stage.opens.result:
                yield stage.opens.result
            for reader in (*stage.again, *stage.nodes):
                here = {each.id for each in (*stage.again, *stage.nodes)}
                yield from {*self.reads(reader), *(on.node for on in reader.gate)} - here
            if stage.opens is not None and stage.opens.carries is not None:
                yield from self.reads(stage.opens.carries.check)

    def _hangs(self, stage: Stage) -> Iterator[str]:
        if stage.quorum and not 1 <= stage.quorum <= len(stage.when):
            raise GraphError(f"{self.name}: stage {stage.name!r} waits for {stage.quorum} of {len(stage.when)} handles")
        before: set[str] = set()
        for member in stage.nodes:
            for on in member.gate:
                if on.handle in OUTCOMES:
                    raise GraphError(f"{self.name}: {member.id!r} hangs on how {on.node!r} ends: its stage has to")
                if self.stage_of.get(on.node) == stage.name and on.node not in before:
                    raise GraphError(f"{self.name}: {member.id!r} hangs on {on.node!r}, which runs behind it")
            before.add(member.id)
        for on in (*stage.when, *(on for member in stage.nodes for on in member.gate)):
            if on.node not in self.stage_of:
                raise GraphError(f"{self.name}: stage {stage.name!r} hangs on {on.node!r}, which is not there")
            if self.owner_of.get(self.stage_of[on.node]) != self.owner_of.get(stage.name):
                raise GraphError(f"{self.name}: stage {stage.name!r} hangs on {on.node!r}, which is in another body")
            handles = self.nodes[on.node].handles
            if on.handle not in OUTCOMES and handles and on.handle not in handles:
                raise GraphError(
                    f"{self.name}: stage {stage.name!r} hangs on {on.handle!r}, which {on.node!r} never takes"
                )
            yield self.stage_of[on.node]

    def _waits(self, stage: Stage) -> Iterator[str]:
        for name in stage.after:
            if name not in self.stages:
                raise GraphError(f"{self.name}: stage {stage.name!r} comes after {name!r}, which is not there")
            yield self._seen(stage, name, f"stage {stage.name!r} comes after {name!r}")

    def _opens_behind(self, owner: str, read: str, stage: str) -> bool:
        """Whether a node that is read from a body stands in the stage that owns it, before the one that opens it."""
        return owner in self.owners(stage) and self.stages[owner].nodes[-1].id != read

    def _seen(self, stage: Stage, other: str, says: str) -> str:
        """Return a stage that another one names, if it stands beside it or around it."""
        owner = self.owner_of.get(other)
        if owner is not None and owner not in self.owners(stage.name):
            raise GraphError(f"{self.name}: {says}, which stands in the body of {owner!r}")
        if other in self.owners(stage.name):
            raise GraphError(f"{self.name}: {says}, in whose body it stands")
        return other

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


def _dependants(needs: Mapping[str, Sequence[str]]) -> Mapping[str, tuple[str, ...]]:
    """Return stage name → names of the stages that need it, sorted."""
    found: dict[str, list[str]] = {stage_name: [] for stage_name in needs}
    for stage_name, direct in sorted(needs.items()):
        for need in direct:
            found[need].append(stage_name)
    return {stage_name: tuple(waiting) for stage_name, waiting in found.items()}


def _once(places: Iterable[tuple[str | None, ...]]) -> Places:
    return tuple(dict.fromkeys(places))
