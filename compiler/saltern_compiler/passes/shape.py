"""The graph of a pipeline: who reads whom, what hangs on what, and an order in which data flows."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from saltern_compiler.ir import graph
from saltern_compiler.ir.pipeline import Connection, ControlEdge, Node, Pipeline, Region
from saltern_compiler.ir.values import Literal, Value
from saltern_compiler.registry import Registry
from saltern_runtime.spec import Emit, Json, NodeType

AMBIENT = frozenset({"input", "run"})
"""Names that every expression may read."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Derived from a pipeline, never stored in it. Of nodes that share an id, the first counts."""

    nodes: Mapping[str, Node]
    specs: Mapping[str, NodeType]
    """Node id → its type; unknown ones are left out."""
    connections: Mapping[str, Connection]
    reads: Mapping[str, tuple[str, ...]]
    """Node id → ids of the nodes that its parameters read, and `input` or `run`; sorted."""
    control: Mapping[str, tuple[ControlEdge, ...]]
    """Node id → the edges that it hangs on, without those that lead nowhere."""
    waits: Mapping[str, tuple[str, ...]]
    """Node id → ids of the nodes that it comes after without reading them: a switch stands for its branches too; sorted."""
    before: Mapping[str, tuple[str, ...]]
    """Node id → all of these: who must be terminal first; sorted."""
    order: tuple[str, ...]
    """Ids in the order of data flow, ties by id, `return` last; nodes on and behind a cycle are left out."""

    def spec(self, node_id: str) -> NodeType | None:
        """Return a node's type, where it is known."""
        return self.specs.get(node_id)

    def handles(self, node_id: str) -> tuple[str, ...] | None:
        """Return the control handles of a node; None where they cannot be known, since its type or cases are wrong."""
        spec = self.specs.get(node_id)
        return None if spec is None else handles_of(self.nodes[node_id], spec)


def handles_of(node: Node, spec: NodeType) -> tuple[str, ...] | None:
    """Return the control handles of a node of a type; None where its cases are wrong."""
    if spec.emit is Emit.IF:
        return ("then", "else")
    if spec.emit is not Emit.SWITCH:
        return ()
    cases = node.param("cases")
    if not isinstance(cases, Literal) or not isinstance(cases.value, list):
        return None
    return (*(f"case.{case_key(case)}" for case in cases.value), "else")


def case_key(value: Json) -> str:
    """Write a case as its handle does: `true`, `false` and `null` as JSON, all else as text."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def all_settings(pipeline: Pipeline) -> Iterator[Value]:
    """Yield what the settings of connections and triggers are bound to."""
    for connection in pipeline.connections:
        yield from (value for _, value in connection.settings)
    for trigger in pipeline.triggers:
        yield from (value for _, value in trigger.settings)


def shape_of(pipeline: Pipeline, registry: Registry) -> Shape:
    """Derive the graph; edges that lead nowhere are left out (the checks report them)."""
    nodes: dict[str, Node] = {}
    for node in pipeline.body.nodes:
        nodes.setdefault(node.id, node)
    specs: dict[str, NodeType] = {}
    for node in nodes.values():
        spec = registry.node(node.type, node.version)
        if spec is not None:
            specs[node.id] = spec
    known = AMBIENT | nodes.keys()
    reads = {each.id: tuple(sorted({read.name for read in graph.reads(each)} & known)) for each in nodes.values()}
    control = {
        each.id: tuple(edge for edge in dict.fromkeys(each.control) if _leads_somewhere(edge, nodes, specs))
        for each in nodes.values()
    }
    waits = _waits(nodes, reads, control)
    before = {
        node_id: tuple(
            sorted({*reads[node_id], *(edge.source for edge in control[node_id]), *waits[node_id]} - AMBIENT)
        )
        for node_id in nodes
    }
    connections: dict[str, Connection] = {}
    for connection in pipeline.connections:
        connections.setdefault(connection.name, connection)
    return Shape(nodes, specs, connections, reads, control, waits, before, _flow(before))


def _leads_somewhere(edge: ControlEdge, nodes: Mapping[str, Node], specs: Mapping[str, NodeType]) -> bool:
    if edge.source not in nodes or edge.source not in specs:
        return False
    handles = handles_of(nodes[edge.source], specs[edge.source])
    return handles is not None and edge.handle in handles


def _waits(
    nodes: Mapping[str, Node], reads: Mapping[str, tuple[str, ...]], control: Mapping[str, tuple[ControlEdge, ...]]
) -> dict[str, tuple[str, ...]]:
    hangs: dict[str, list[str]] = {}
    for node_id, edges in control.items():
        for source in {edge.source for edge in edges}:
            hangs.setdefault(source, []).append(node_id)
    branches: dict[str, tuple[frozenset[str], frozenset[str]]] = {}
    waits: dict[str, tuple[str, ...]] = {}
    for node in nodes.values():
        found: set[str] = set()
        for name in node.after:
            if name not in nodes:
                continue
            found.add(name)
            if name in hangs:
                if name not in branches:
                    branches[name] = _branch(name, hangs, nodes, reads, control)
                whole, ends = branches[name]
                found |= ends if node.id not in whole else frozenset()
        waits[node.id] = tuple(sorted(found))
    return waits


def _branch(
    source: str,
    hangs: Mapping[str, list[str]],
    nodes: Mapping[str, Node],
    reads: Mapping[str, tuple[str, ...]],
    control: Mapping[str, tuple[ControlEdge, ...]],
) -> tuple[frozenset[str], frozenset[str]]:
    """Return what hangs on a node, and those of it that nothing else of it waits for: when these are terminal, all are."""
    whole: set[str] = set()
    todo = [source]
    while todo:
        for each in hangs.get(todo.pop(), ()):
            if each not in whole:
                whole.add(each)
                todo.append(each)
    inner = {
        name for each in whole for name in (*reads[each], *(edge.source for edge in control[each]), *nodes[each].after)
    }
    return frozenset(whole), frozenset(whole - inner)


def _flow(before: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    after: dict[str, list[str]] = {node_id: [] for node_id in before}
    missing = {node_id: len(needed) for node_id, needed in before.items()}
    for node_id, needed in before.items():
        for each in needed:
            after[each].append(node_id)
    ready = [(node_id == "return", node_id) for node_id, count in missing.items() if count == 0]
    heapq.heapify(ready)
    order: list[str] = []
    while ready:
        _, node_id = heapq.heappop(ready)
        order.append(node_id)
        for each in after[node_id]:
            missing[each] -= 1
            if missing[each] == 0:
                heapq.heappush(ready, (each == "return", each))
    return tuple(order)


def cycles(shape: Shape) -> tuple[tuple[str, ...], ...]:
    """Return one shortest cycle for each knot of nodes that wait for each other, such as (a, b): a feeds b, b feeds a."""
    if len(shape.order) == len(shape.nodes):
        return ()
    done = set(shape.order)
    left = tuple(
        replace(node, control=shape.control[node_id], after=shape.waits[node_id])
        for node_id, node in shape.nodes.items()
        if node_id not in done
    )
    return tuple(cycle.ids for cycle in graph.cycles(Region(left)))
