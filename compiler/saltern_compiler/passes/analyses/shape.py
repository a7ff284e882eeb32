"""The graph of a pipeline: who reads whom, what hangs on what, and an order in which data flows."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import chain
from typing import Final

from saltern_compiler.expr.ast import Expr, Ident
from saltern_compiler.expr.functions import TYPE_NAMES
from saltern_compiler.ir import graph
from saltern_compiler.ir.attempts import is_race
from saltern_compiler.ir.bound import handles_of
from saltern_compiler.ir.pipeline import RESULT_TYPES, Connection, ControlEdge, Node, Pipeline, Region
from saltern_compiler.ir.values import Value, parts_of
from saltern_compiler.passes.base import Analysis
from saltern_compiler.registry import Registry
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import NodeType
from saltern_runtime.spec.names import AMBIENT, COMPENSATE, OUTCOMES


@dataclass(frozen=True, slots=True)
class Shape:
    """Derived from a pipeline, never stored in it. Of nodes that share an id, the first counts.

    The nodes of bodies are among the others; `owner` says where each one stands. What lies around an owner and is read inside of
    its body counts for the owner, so that `before` and `flows` stay inside of one region.
    """

    nodes: Mapping[str, Node]
    specs: Mapping[str, NodeType]
    """Node id → its type; unknown ones are left out."""
    connections: Mapping[str, Connection]
    owner: Mapping[str, str]
    """Id of a node in a body → id of the node that owns the body."""
    reads: Mapping[str, tuple[str, ...]]
    """Node id → ids of the nodes that its own parameters read, and `input` or `run`; sorted."""
    inward: Mapping[str, tuple[str, ...]]
    """Owner id → ids of the nodes beside it that are read inside of its body; sorted."""
    control: Mapping[str, tuple[ControlEdge, ...]]
    """Node id → the edges that it hangs on, without those that lead nowhere."""
    waits: Mapping[str, tuple[str, ...]]
    """Node id → ids of the nodes that it comes after without reading them: a switch stands for its branches too; sorted."""
    before: Mapping[str, tuple[str, ...]]
    """Node id → all of these that stand beside it: who must be terminal first; sorted."""
    flows: Mapping[str, tuple[str, ...]]
    """Owner id → the ids of its body in the order of data flow, ties by id, what is given last; nodes on and behind a cycle are
    left out. The pipeline's own graph stands under the empty name."""
    order: tuple[str, ...]
    """All of these, a body right behind its owner."""
    taken: Mapping[str, tuple[str, ...] | None]
    """Node id → its control handles, as `handles` gives them; nodes of unknown types are left out."""
    outcomes: frozenset[str] = frozenset()
    """Ids of the nodes on whose success or failure others hang: by edges, or as arms of a race."""
    awaiting: tuple[str, ...] = ()
    """Ids of the nodes that take an answer from outside."""

    def owners(self, node_id: str) -> tuple[str, ...]:
        """Return the ids of the nodes in whose bodies a node stands, the innermost first."""
        owners: list[str] = []
        while node_id in self.owner:
            node_id = self.owner[node_id]
            owners.append(node_id)
        return tuple(owners)

    def sees(self, node_id: str, name: str) -> bool:
        """Whether a node may name another one: it stands beside it or around it."""
        return name in self.nodes and self.owner.get(name, "") in (*self.owners(node_id), "")

    def names_nothing(self, node_id: str, expr: Expr) -> bool:
        """Whether an expression is a single word that a node knows nothing by."""
        known = (*AMBIENT, *TYPE_NAMES, *self.items(node_id))
        return isinstance(expr, Ident) and expr.name not in known and not self.sees(node_id, expr.name)

    def items(self, node_id: str) -> Mapping[str, str]:
        """Return the names that a node knows items by → the owner whose item it is."""
        bound: dict[str, str] = {}
        for owner in reversed(self.owners(node_id)):
            body = self.nodes[owner].body
            bound.update(dict.fromkeys(body.variables if body is not None else (), owner))
        return bound

    def beside(self, node_id: str, other: str) -> str:
        """Return what of a node stands beside another one that it sees: itself, or one of its owners; the outermost where it sees it not."""
        region = self.owner.get(other, "")
        while node_id in self.owner and self.owner[node_id] != region:
            node_id = self.owner[node_id]
        return node_id

    def spec(self, node_id: str) -> NodeType | None:
        """Return a node's type, where it is known."""
        return self.specs.get(node_id)

    def handles(self, node_id: str) -> tuple[str, ...] | None:
        """Return the control handles of a node; None where they cannot be known, since its type or what it binds is wrong."""
        return self.taken.get(node_id)


def all_settings(pipeline: Pipeline) -> Iterator[Value]:
    """Yield what the settings of connections and triggers are bound to, and all values inside of that."""
    settings = [of.settings for of in pipeline.connections] + [of.settings for of in pipeline.triggers]
    for _, value in chain.from_iterable(settings):
        yield from parts_of(value)


def shape_of(pipeline: Pipeline, registry: Registry) -> Shape:
    """Derive the graph; edges that lead nowhere are left out (the checks report them)."""
    nodes: dict[str, Node] = {}
    owner: dict[str, str] = {}
    specs: dict[str, NodeType] = {}
    _collect(pipeline.body, "", _Collected(nodes, owner, specs, registry))
    connections: dict[str, Connection] = {}
    for connection in pipeline.connections:
        connections.setdefault(connection.name, connection)
    taken = {node_id: handles_of(nodes[node_id], spec) for node_id, spec in specs.items()}
    bare = Shape(nodes, specs, connections, owner, {}, {}, {}, {}, {}, {}, (), taken)
    return _with_edges(bare)


@dataclass(frozen=True, slots=True)
class _Collected:
    nodes: dict[str, Node]
    owners: dict[str, str]
    specs: dict[str, NodeType]
    registry: Registry


def _collect(region: Region, owner: str, into: _Collected) -> None:
    """Take the nodes of a region and of the bodies inside that can run."""
    for node in region.nodes:
        if node.id in into.nodes:
            continue
        into.nodes[node.id] = node
        if owner:
            into.owners[node.id] = owner
        spec = into.registry.node(node.type, node.version)
        if spec is None:
            continue
        into.specs[node.id] = spec
        if node.body is not None and spec.region is not None:
            _collect(node.body, node.id, into)


def _with_edges(bare: Shape) -> Shape:
    nodes, owner = bare.nodes, bare.owner
    reads = {node.id: tuple(sorted(_read(node, bare))) for node in nodes.values()}
    control = {
        node.id: tuple(edge for edge in dict.fromkeys(node.control) if _leads_somewhere(edge, node.id, bare))
        for node in nodes.values()
    }
    inward: dict[str, set[str]] = {}
    local: dict[str, set[str]] = {node_id: set() for node_id in nodes}
    for node_id, names in reads.items():
        for name in names:
            if name in AMBIENT:
                continue
            at = bare.beside(node_id, name)
            local[at].add(name)
            if at != node_id:
                inward.setdefault(at, set()).add(name)
    waits: dict[str, set[str]] = {node_id: set() for node_id in nodes}
    for node_id, names in _waits(bare, reads, control).items():
        for name in names:
            waits[bare.beside(node_id, name)].add(name)
    before = {
        node_id: tuple(sorted({*local[node_id], *(edge.source for edge in control[node_id]), *waits[node_id]}))
        for node_id in nodes
    }
    regions: dict[str, dict[str, tuple[str, ...]]] = {"": {}}
    for node_id, needed in before.items():
        regions.setdefault(owner.get(node_id, ""), {})[node_id] = needed
    last = frozenset(node.id for node in nodes.values() if node.type in RESULT_TYPES)
    flows = {region: _flow(needed, last) for region, needed in regions.items()}
    return replace(
        bare,
        reads=reads,
        inward={node_id: tuple(sorted(names)) for node_id, names in inward.items()},
        control=control,
        waits={node_id: tuple(sorted(names)) for node_id, names in waits.items()},
        before=before,
        flows=flows,
        order=tuple(_flatten("", flows)),
        outcomes=frozenset(_outcomes(nodes, reads, control)),
        awaiting=tuple(node_id for node_id, spec in bare.specs.items() if spec.awaits is not None),
    )


def _outcomes(
    nodes: Mapping[str, Node], reads: Mapping[str, tuple[str, ...]], control: Mapping[str, tuple[ControlEdge, ...]]
) -> Iterator[str]:
    for edges in control.values():
        yield from (edge.source for edge in edges if edge.handle in OUTCOMES)
    for node in nodes.values():
        if is_race(node):
            yield from (name for name in reads[node.id] if name in nodes)


def _read(node: Node, bare: Shape) -> set[str]:
    names = {read.name for read in graph.own_reads(node)} - bare.items(node.id).keys()
    return {name for name in names if name in AMBIENT or bare.sees(node.id, name)}


def _flatten(region: str, flows: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    for node_id in flows[region]:
        yield node_id
        if node_id and node_id in flows:
            yield from _flatten(node_id, flows)


def _leads_somewhere(edge: ControlEdge, node_id: str, bare: Shape) -> bool:
    if edge.source not in bare.specs or bare.owner.get(edge.source) != bare.owner.get(node_id):
        return False
    handles = bare.handles(edge.source) or ()
    return edge.handle in handles or (edge.handle == COMPENSATE and handles == OUTCOMES)


def _waits(
    bare: Shape, reads: Mapping[str, tuple[str, ...]], control: Mapping[str, tuple[ControlEdge, ...]]
) -> dict[str, tuple[str, ...]]:
    nodes = bare.nodes
    hangs: dict[str, list[str]] = {}
    for node_id, edges in control.items():
        for source in {edge.source for edge in edges if edge.handle != COMPENSATE}:
            hangs.setdefault(source, []).append(node_id)
    branches: dict[str, tuple[frozenset[str], frozenset[str]]] = {}
    waits: dict[str, tuple[str, ...]] = {}
    for node in nodes.values():
        needs: set[str] = set()
        for name in node.after:
            if not bare.sees(node.id, name):
                continue
            needs.add(name)
            if name in hangs:
                if name not in branches:
                    branches[name] = _branch(name, hangs, nodes, reads, control)
                whole, ends = branches[name]
                needs |= ends if bare.beside(node.id, name) not in whole else frozenset()
        waits[node.id] = tuple(sorted(needs))
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
        for dependant in hangs.get(todo.pop(), ()):
            if dependant not in whole:
                whole.add(dependant)
                todo.append(dependant)
    inner = {
        name
        for member in whole
        for name in (*reads[member], *(edge.source for edge in control[member]), *nodes[member].after)
    }
    return frozenset(whole), frozenset(whole - inner)


def _flow(before: Mapping[str, tuple[str, ...]], last: frozenset[str]) -> tuple[str, ...]:
    after: dict[str, list[str]] = {node_id: [] for node_id in before}
    missing = {node_id: len(needed) for node_id, needed in before.items()}
    for node_id, needed in before.items():
        for need in needed:
            after[need].append(node_id)
    ready = [(node_id in last, node_id) for node_id, count in missing.items() if count == 0]
    heapq.heapify(ready)
    order: list[str] = []
    while ready:
        _, node_id = heapq.heappop(ready)
        order.append(node_id)
        for later in after[node_id]:
            missing[later] -= 1
            if missing[later] == 0:
                heapq.heappush(ready, (later in last, later))
    return tuple(order)


SHAPE: Final = Analysis("shape", lambda pipeline, context: shape_of(pipeline, context.registry))


def cycles(shape: Shape) -> tuple[tuple[str, ...], ...]:
    """Return one shortest cycle for each knot of nodes that wait for each other, such as (a, b): a feeds b, b feeds a."""
    flowing = set(shape.order)
    left: dict[str, list[Node]] = {}
    for node_id, node in shape.nodes.items():
        if node_id not in flowing:
            held = replace(node, control=shape.control[node_id], after=shape.waits[node_id])
            left.setdefault(shape.owner.get(node_id, ""), []).append(held)
    rings = [cycle.ids for nodes in left.values() for cycle in graph.cycles(Region(tuple(nodes)))]
    return tuple(sorted(rings))
