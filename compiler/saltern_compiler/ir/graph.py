"""Edges that a pipeline does not store: who reads whom, in which order nodes can run, and where that runs in circles.

Every function costs time in proportion to the nodes and references it is given.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from heapq import heapify, heappop, heappush

from saltern_compiler.diagnostics.model import Origin
from saltern_compiler.expr.ast import Reference, references
from saltern_compiler.ir.pipeline import RETURN, Node, Region
from saltern_compiler.ir.values import expressions
from saltern_runtime.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Read:
    """A parameter reads a name from outside of its expression."""

    node: str
    """Id of the reading node: the node itself, or one inside of its body."""
    param: str
    reference: Reference
    origin: Origin
    """Place of the expression; the reference's span counts inside it."""

    @property
    def name(self) -> str:
        """The name that is read: a node's id, `input`, `run` or a variable."""
        return self.reference.name

    @property
    def place(self) -> Origin:
        """Where exactly the name stands."""
        return self.origin.within(*self.reference.span)


@dataclass(frozen=True, slots=True)
class Cycle:
    """Nodes that wait for each other: each one feeds the next, the last feeds the first; begins with the smallest id."""

    ids: tuple[str, ...]


def reads(node: Node) -> list[Read]:
    """List the names that a node's parameters read, and those that its body reads from around it; parameters by name.

    Names of `input`, `run` and of no node at all are included; strict reads have `reference.guarded` False (a parameter that
    keeps what was skipped, such as `values` of a merge, is known to the registry, not here).
    """
    return list(_reads(node))


def own_reads(node: Node) -> tuple[Read, ...]:
    """Return the names that a node's own parameters read; found out once for a node, which a dozen passes ask about."""
    if node.known_reads is None:
        object.__setattr__(node, "known_reads", tuple(_found(node)))
    return node.known_reads or ()


def _found(node: Node) -> Iterator[Read]:
    for param, value in node.params:
        for expression in expressions(value):
            for reference in references(expression.expr):
                yield Read(node.id, param, reference, expression.origin)


def _reads(node: Node) -> Iterator[Read]:
    yield from own_reads(node)
    if node.body is None:
        return
    inside = {inner.id for inner in node.body.nodes} | set(node.body.variables)
    for inner in node.body.nodes:
        yield from (read for read in _reads(inner) if read.name not in inside)


def dependencies(region: Region) -> Mapping[str, frozenset[str]]:
    """Map each node of a region to the nodes of that region it waits for: by data, by control and by `after`.

    Names that are no node of the region (unknown ones, `input`, nodes around it) do not appear; a node that reads itself does.
    """
    ids = {node.id for node in region.nodes}
    needs: dict[str, frozenset[str]] = {}
    for node in region.nodes:
        names = {read.name for read in _reads(node)}
        names.update(edge.source for edge in node.control)
        names.update(node.after)
        if node.body is not None:
            names.update(_control_from_inside(node.body))
        needs[node.id] = needs.get(node.id, frozenset()) | (names & ids)
    return needs


def _control_from_inside(body: Region) -> Iterator[str]:
    for node in body.nodes:
        yield from (edge.source for edge in node.control)
        yield from node.after
        if node.body is not None:
            yield from _control_from_inside(node.body)


def dependants(region: Region) -> Mapping[str, frozenset[str]]:
    """Map each node of a region to the nodes that wait for it: `dependencies`, turned around."""
    feeds: dict[str, set[str]] = {node.id: set() for node in region.nodes}
    for node_id, needs in dependencies(region).items():
        for need in needs:
            feeds[need].add(node_id)
    return {node_id: frozenset(others) for node_id, others in feeds.items()}


def topological(region: Region) -> tuple[Node, ...] | Cycle:
    """Order the nodes of a region so that each stands after all it waits for; ties by id, a `return` as late as can be.

    Where that cannot be, return the first of `cycles`.
    """
    needs = dependencies(region)
    feeds: dict[str, list[str]] = {node_id: [] for node_id in needs}
    for node_id, sources in needs.items():
        for source in sources:
            feeds[source].append(node_id)
    by_id = {node.id: node for node in region.nodes}
    missing = {node_id: len(sources) for node_id, sources in needs.items()}
    ready = [(by_id[node_id].type == RETURN, node_id) for node_id, count in missing.items() if count == 0]
    heapify(ready)
    order: list[Node] = []
    while ready:
        _, node_id = heappop(ready)
        order.append(by_id[node_id])
        for dependant in feeds[node_id]:
            missing[dependant] -= 1
            if missing[dependant] == 0:
                heappush(ready, (by_id[dependant].type == RETURN, dependant))
    if len(order) < len(by_id):
        return cycles(region)[0]
    return tuple(order)


def cycles(region: Region) -> tuple[Cycle, ...]:
    """Find one cycle in each knot of nodes that wait for each other, sorted by their smallest ids."""
    feeds = {node_id: sorted(others) for node_id, others in dependants(region).items()}
    rings = []
    for knot in _knots(feeds):
        if len(knot) == 1 and next(iter(knot)) not in feeds[next(iter(knot))]:
            continue
        rings.append(Cycle(_shortest_way_round(feeds, knot)))
    return tuple(sorted(rings, key=lambda cycle: cycle.ids))


def _shortest_way_round(feeds: Mapping[str, list[str]], knot: frozenset[str]) -> tuple[str, ...]:
    """Walk breadth first from the smallest id of a knot until it is met again."""
    start = min(knot)
    came_from: dict[str, str] = {}
    frontier = [start]
    while frontier:
        following: list[str] = []
        for node_id in frontier:
            for target in feeds[node_id]:
                if target == start:
                    return _way_back(came_from, start, node_id)
                if target in knot and target not in came_from:
                    came_from[target] = node_id
                    following.append(target)
        frontier = following
    raise AssertionError("every node of a knot lies on a cycle")


def _way_back(came_from: Mapping[str, str], start: str, end: str) -> tuple[str, ...]:
    path = [end]
    while path[-1] != start:
        path.append(came_from[path[-1]])
    return tuple(reversed(path))


def _knots(feeds: Mapping[str, list[str]]) -> Iterator[frozenset[str]]:
    """Yield the strongly connected components (Tarjan 1972, without recursion)."""
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    on_stack: set[str] = set()
    for root in sorted(feeds):
        work = [] if root in number else [(root, iter(feeds[root]))]
        while work:
            node_id, rest = work[-1]
            if node_id not in number:
                number[node_id] = low[node_id] = len(number)
                stack.append(node_id)
                on_stack.add(node_id)
            target = next(rest, None)
            if target is None:
                work.pop()
                if work:
                    parent = work[-1][0]
                    low[parent] = min(low[parent], low[node_id])
                if low[node_id] == number[node_id]:
                    yield _pop_knot(node_id, stack, on_stack)
            elif target not in number:
                work.append((target, iter(feeds[target])))
            elif target in on_stack:
                low[node_id] = min(low[node_id], number[target])


def _pop_knot(first: str, stack: list[str], on_stack: set[str]) -> frozenset[str]:
    knot: list[str] = []
    while not knot or knot[-1] != first:
        knot.append(stack.pop())
    on_stack.difference_update(knot)
    return frozenset(knot)
