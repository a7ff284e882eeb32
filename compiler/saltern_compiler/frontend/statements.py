"""How the flat nodes of a graph become nested statements in the order that data flows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field
from functools import cached_property
from typing import Final

from saltern_compiler.diagnostics.model import Origin
from saltern_compiler.ir.attempts import WHOLES, is_part, whole_of
from saltern_compiler.ir.bound import handles_of
from saltern_compiler.ir.graph import dependencies
from saltern_compiler.ir.pipeline import RESULT_TYPES, Node, Region
from saltern_compiler.ir.values import Literal
from saltern_compiler.registry import Registry
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec.names import COMPENSATE, ELSE, ERROR, OUTCOMES

BRANCHES: Final = frozenset({"if", "switch"})
"""Node types that the language writes with a block for each handle; what hangs on others says so with `when`."""


def cases(node: Node) -> list[str | int | bool | None]:
    """Return the literals of a switch."""
    value = node.param("cases")
    values = value.value if isinstance(value, Literal) and isinstance(value.value, list) else []
    return [case for case in values if case is None or isinstance(case, str | int)]


def else_name(branch: str) -> str:
    """Return the id of the `if` that stands behind the `else` of another one, as `else if` writes it."""
    return f"{branch}_else"


def position(origin: Origin) -> int:
    """Return where in its source a node stands, to put nodes in the order of that."""
    if origin.pointer is None:
        return origin.start or 0
    last = origin.pointer.rpartition("/")[2]
    return int(last) if last.isdigit() else 0


@dataclass(slots=True, eq=False)
class Statement:
    """A node with the statements in its blocks."""

    node: Node
    is_nested: bool = False
    """It stands in the block of the handles that it hangs on."""
    blocks: dict[str, list[Statement]] = field(default_factory=dict)
    """By the first handle of each."""
    shared: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """First handle → all handles of a block that any of several activates, in their order."""

    def ids(self) -> Iterable[str]:
        """Yield the ids of all nodes in it."""
        waiting = [self]
        while waiting:
            statement = waiting.pop()
            yield statement.node.id
            waiting += [inner for block in statement.blocks.values() for inner in block]


@dataclass(frozen=True)
class Nesting:
    """The statements of a region."""

    region: Region
    registry: Registry

    @cached_property
    def statements(self) -> list[Statement]:
        """Nest and order the nodes of the region."""
        by_id = {node.id: Statement(node) for node in self.region.nodes}
        top: list[Statement] = []
        for statement in by_id.values():
            owner = self._owner(statement.node, by_id)
            if owner is None:
                top.append(statement)
                continue
            statement.is_nested = True
            if is_part(statement.node):
                owner.blocks[statement.node.id.rpartition("/")[2]] = [statement]
                continue
            first, *others = handles = tuple(edge.handle for edge in statement.node.control)
            owner.blocks.setdefault(first, []).append(statement)
            if others:
                owner.shared[first] = handles
        needs = dependencies(self.region)
        ordered = in_flow(top, needs)
        for statement in by_id.values():
            statement.blocks = {handle: in_flow(block, needs) for handle, block in statement.blocks.items()}
        return ordered

    def _owner(self, node: Node, by_id: Mapping[str, Statement]) -> Statement | None:
        """Return the branch in whose block a node stands: that of all its edges, unless it stands around itself."""
        if is_part(node):
            whole = by_id.get(whole_of(node))
            return whole if whole is not None and whole.node.type in WHOLES else None
        source = self._branch(node)
        owner = by_id.get(source) if source is not None else None
        if any(edge.handle == COMPENSATE for edge in node.control) != (node.type == COMPENSATE):
            return None
        if owner is None or not {edge.handle for edge in node.control} <= set(self._arms(owner.node)):
            return None
        seen = {node.id}
        above: Node | None = owner.node
        while above is not None:
            if above.id in seen:
                return None
            seen.add(above.id)
            source = self._branch(above)
            outer = by_id.get(source) if source is not None else None
            above = None if outer is None else outer.node
        return owner

    def _branch(self, node: Node) -> str | None:
        """Return the branch that a node hangs on alone, and may stand in a block of."""
        if len(node.control) == 1:
            return node.control[0].source
        return node.control[0].source if _handles_of_one(node) in self._blocks else None

    @cached_property
    def _blocks(self) -> frozenset[tuple[str, tuple[str, ...]]]:
        """Return the cases that can be written together: nothing hangs on some of them, or on more, in a block."""
        groups: set[tuple[str, tuple[str, ...]]] = {
            (node.control[0].source, (node.control[0].handle,)) for node in self.region.nodes if len(node.control) == 1
        }
        groups |= {group for node in self.region.nodes if (group := _handles_of_one(node)) is not None}
        users: dict[tuple[str, str], int] = {}
        for source, handles in groups:
            for handle in handles:
                users[source, handle] = users.get((source, handle), 0) + 1
        alone = (group for group in groups if all(users[group[0], handle] == 1 for handle in group[1]))
        return frozenset(group for group in alone if len(group[1]) > 1 and ELSE not in group[1])

    def _arms(self, node: Node) -> tuple[str, ...]:
        """Return the handles whose nodes can stand in a block of a node."""
        spec = self.registry.node(node.type, node.version)
        handles = OUTCOMES if spec is None else handles_of(node, spec) or ()
        if node.type in BRANCHES:
            return handles
        undone = () if node.body is not None or node.type in {*WHOLES, *RESULT_TYPES} else (COMPENSATE,)
        return (*(handle for handle in handles if handle == ERROR), *undone)


def _handles_of_one(node: Node) -> tuple[str, tuple[str, ...]] | None:
    """Return the branch and the handles of a node that hangs on any of several of one branch."""
    sources = {edge.source for edge in node.control}
    if len(node.control) < 2 or len(sources) > 1 or node.join != "any":
        return None
    return node.control[0].source, tuple(edge.handle for edge in node.control)


def in_flow(statements: list[Statement], needs: Mapping[str, frozenset[str]]) -> list[Statement]:
    """Put statements in an order in which each stands after what it needs; ties, and circles, as in the source."""
    inside = {node_id: number for number, statement in enumerate(statements) for node_id in statement.ids()}
    waits: list[set[int]] = []
    for number, statement in enumerate(statements):
        predecessors = {
            inside[need] for node_id in statement.ids() for need in needs.get(node_id, ()) if need in inside
        }
        waits.append(predecessors - {number})
    rest = sorted(
        range(len(statements)),
        key=lambda number: (position(statements[number].node.origin), statements[number].node.id),
    )
    rest.sort(key=lambda number: statements[number].node.type in RESULT_TYPES)
    feeds: dict[int, list[int]] = {number: [] for number in rest}
    for number, predecessors in enumerate(waits):
        for predecessor in predecessors:
            feeds[predecessor].append(number)
    rank = {number: place for place, number in enumerate(rest)}
    return [statements[number] for number in _kahn(rank, waits, feeds)]


def _kahn(rank: Mapping[int, int], waits: list[set[int]], feeds: Mapping[int, list[int]]) -> list[int]:
    from heapq import heapify, heappop, heappush  # noqa: PLC0415 - used here alone

    counts = [len(predecessors) for predecessors in waits]
    ready = [(rank[number], number) for number in rank if counts[number] == 0]
    heapify(ready)
    rest = dict.fromkeys(sorted(rank, key=lambda number: rank[number]))
    order: list[int] = []
    while rest:
        while ready and ready[0][1] not in rest:
            heappop(ready)
        number = heappop(ready)[1] if ready else next(iter(rest))
        del rest[number]
        order.append(number)
        for target in feeds[number]:
            counts[target] -= 1
            if counts[target] == 0:
                heappush(ready, (rank[target], target))
    return order
