"""What a worker knows of a stage: computed once from the graph, and how its nodes are run."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from saltern_runtime.errors import PermanentError
from saltern_runtime.graph import SKIPPED, Context, Graph, Node, On, RunInfo, Stage
from saltern_runtime.store.calls import Claim, Dependant
from saltern_runtime.store.keys import queue_name

log = logging.getLogger("saltern.engine")


class NodeFailedError(Exception):
    """A node raised; the cause is what it raised."""

    def __init__(self, node: str) -> None:
        super().__init__(node)
        self.node = node


@dataclass(slots=True)
class Result:
    """What a stage's nodes returned."""

    values: dict[str, str] = field(default_factory=dict)
    """Node id → JSON text."""
    taken: dict[str, str] = field(default_factory=dict)
    """Id of a node that others hang on → the handle it took."""
    durations: dict[str, float] = field(default_factory=dict)
    """Node id → seconds."""


class StagePlan:
    """A stage with everything that claiming, running and advancing it needs."""

    def __init__(self, graph: Graph, stage: Stage, plan: str) -> None:
        self.stage = stage
        self.queue = queue_name(plan, stage.queue)
        own = {node.id for node in stage.nodes}
        outside = {read for node in stage.nodes for read in graph.reads(node) if read not in own}
        if not stage.nodes:
            outside = {on.node for on in relayed(graph, stage.name)}
        given = any("input" in node.reads for node in stage.nodes)
        self.reads = json.dumps([*([""] if given else []), *sorted(outside)], separators=(",", ":"))
        self.edges: list[tuple[Dependant, tuple[tuple[str, str], ...]]] = []
        """Each dependant, and the handles of this stage's nodes that it hangs on."""

    def arrival(self, need: int) -> Dependant:
        """Return this stage as its predecessors pass it."""
        stage = self.stage
        made = Dependant(
            path=stage.name,
            need=need,
            join=stage.join if stage.when else "all",
            live=0,
            dead=0,
            queue=self.queue,
            priority=max(0, min(9, stage.priority)),
            reads=self.reads,
            timeout=int(stage.timeout * 1000),
        )
        if stage.ttl is not None:
            made["ttl"] = int(stage.ttl * 1000)
        return made

    def dependants(self, taken: Mapping[str, str]) -> list[Dependant]:
        """Return the dependants with their control edges counted live or dead; where nothing was taken, all are dead."""
        passed: list[Dependant] = []
        for template, hangs in self.edges:
            if not hangs:
                passed.append(template)
                continue
            live = sum(taken.get(node) == handle for node, handle in hangs)
            made = template.copy()
            made["live"], made["dead"] = live, len(hangs) - live
            passed.append(made)
        return passed


def relayed(graph: Graph, relay: str) -> tuple[On, ...]:
    """Return the handles that a relay's dependants hang on and that it tells them of, in place of the stages behind it."""
    behind = _behind(graph, relay)
    return tuple(
        on for other in graph.dependants[relay] for on in graph.stages[other].when if graph.stage_of[on.node] in behind
    )


def _behind(graph: Graph, relay: str) -> frozenset[str]:
    found: set[str] = set()
    for name in graph.stages[relay].after:
        found |= {name} if graph.stages[name].nodes else _behind(graph, name)
    return frozenset(found)


class Plans:
    """All stages of a graph."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.plan = graph.digest
        self.stages = {name: StagePlan(graph, stage, self.plan) for name, stage in graph.stages.items()}
        self.handles = frozenset(on.node for stage in graph.stages.values() for on in stage.when)
        """Ids of nodes whose value is a handle that others hang on."""
        for name, made in self.stages.items():
            told = {name} if made.stage.nodes else _behind(graph, name)
            for other in graph.dependants[name]:
                hangs = tuple(
                    (on.node, on.handle) for on in graph.stages[other].when if graph.stage_of[on.node] in told
                )
                made.edges.append((self.stages[other].arrival(len(graph.needs[other])), hangs))

    @cached_property
    def entries(self) -> tuple[Dependant, ...]:
        """What is ready from the start."""
        return tuple(self.stages[name].arrival(1) for name in self.graph.entries)

    @cached_property
    def shape(self) -> str:
        """The graph as the store keeps it for showing: stage → its nodes with their types."""
        return json.dumps([[s.name, [[n.id, n.type] for n in s.nodes]] for s in self.graph.stages.values()])

    @cached_property
    def queues(self) -> tuple[str, ...]:
        """Full names of all queues, sorted."""
        return tuple(sorted({each.queue for each in self.stages.values()}))

    def run(self, claim: Claim, deadline: float, max_payload: int, entered: Callable[[str], None]) -> Result:
        """Run a claimed stage's nodes in order; raises NodeFailedError. `entered` is told each node before it begins."""
        stage = self.stages[claim.path].stage
        info = RunInfo(claim.run, claim.tenant, datetime.fromtimestamp(claim.created_at, UTC))
        result = Result()
        if not stage.nodes:
            result.taken = {node: str(json.loads(value)) for node, value in claim.values.items()}
        local: dict[str, Any] = {}
        for node in stage.nodes:
            entered(node.id)
            began = time.perf_counter()
            try:
                value = self._call(node, claim, info, deadline, local)
                text = _encode(node, value, max_payload)
            except Exception as error:
                raise NodeFailedError(node.id) from error
            result.durations[node.id] = round(time.perf_counter() - began, 6)
            result.values[node.id] = text
            local[node.id] = value
            if node.id in self.handles:
                result.taken[node.id] = str(value)
        return result

    def _call(
        self, node: Node[Any, Any], claim: Claim, info: RunInfo, deadline: float, local: Mapping[str, Any]
    ) -> Any:
        known = self._keywords[node.id]
        keywords: dict[str, Any] = {}
        for name, read in known:
            if name == "run":
                keywords[name] = info
            elif read in local:
                keywords[name] = local[read]
            elif read in claim.values:
                keywords[name] = node.adapters[name].validate_json(claim.values[read])
            else:
                keywords[name] = SKIPPED
        if not node.takes_context:
            return node.function(**keywords)
        connection = self.graph.connections[node.connection] if node.connection else None
        context = Context(info, node.id, claim.path, claim.attempt, connection, deadline)
        return node.function(context, **keywords)

    @cached_property
    def _keywords(self) -> Mapping[str, tuple[tuple[str, str], ...]]:
        """Node id → its keywords, each with the id of the node that it reads (empty: the input)."""
        found: dict[str, tuple[tuple[str, str], ...]] = {}
        for node in self.graph.nodes.values():
            ids = iter(self.graph.reads(node))
            found[node.id] = tuple((name, "" if name in ("input", "run") else next(ids)) for name in node.reads)
        return found


def _encode(node: Node[Any, Any], value: Any, max_payload: int) -> str:
    """Write a result as JSON text, checked against the node's own annotation."""
    raw = node.adapters["return"].dump_json(value, by_alias=True, exclude_unset=True, warnings="error")
    if len(raw) > max_payload:
        message = f"the result of {node.id!r} has {len(raw)} bytes, over the limit of {max_payload}"
        raise PermanentError(message, code="result-too-large")
    return raw.decode()
