"""Which nodes stand together: pure ones as they become ready, and at most one with an effect behind them.

Work that is pure is put where it makes no stage of its own, as long as nothing that had been ready waits for it longer than for an
expression, and no effect comes before a failure that it used to come behind.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from typing import Final

from saltern_compiler.ir.attempts import race_of
from saltern_compiler.ir.pipeline import RESULT_TYPES, ControlEdge
from saltern_compiler.passes.analyses.shape import Shape
from saltern_compiler.passes.analyses.types import Types
from saltern_compiler.passes.analyses.weights import Cost, can_fail, cost_of, is_movable
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import Policy
from saltern_runtime.spec.limits import AT_ONCE
from saltern_runtime.spec.names import COMPENSATE, OUTCOMES


@dataclass(frozen=True, slots=True)
class Gate:
    """What a node, or a group, hangs on."""

    edges: tuple[ControlEdge, ...] = ()
    join: str = "all"


NO_GATE: Final = Gate()
_LOOKS: Final = 8
"""Stages that are looked at for a node, at most."""


@dataclass(slots=True)
class Fusion:
    """Groups in the making. A group is named after the node that it ends with, or the place of a crowd of pure nodes."""

    shape: Shape
    types: Types
    on_error: Mapping[str, str]
    order: tuple[str, ...]
    at: dict[str, int] = field(default_factory=dict)
    """Node → its place in the order."""
    feeds: dict[str, list[str]] = field(default_factory=dict)
    """Node → who reads it, hangs on it or comes after it, in the order."""
    gates: dict[str, Gate] = field(default_factory=dict)
    movable: set[str] = field(default_factory=set)
    slow: dict[str, int] = field(default_factory=dict)
    """Node → what it waits for that takes time: a bit for the place of each."""
    later: dict[str, int] = field(default_factory=dict)
    """Node → what takes time and waits for all that the node waits for: a bit for the place of each."""
    home: dict[str, str] = field(default_factory=dict)
    """Node → the group that it is in, named after one of its nodes."""
    members: dict[str, set[str]] = field(default_factory=dict)
    ends: dict[str, str] = field(default_factory=dict)
    """Group → the node of it that takes time; it runs last. Crowds of plain nodes have none."""
    requires: dict[str, int] = field(default_factory=dict)
    """Group → what takes time and is over before anything of it begins."""
    again: dict[str, set[str]] = field(default_factory=dict)
    """Group → nodes of other groups that it computes for itself."""
    gives: set[str] = field(default_factory=set)
    """Nodes that give a graph its value: a stage with one ends with it."""
    crowds: dict[int, str] = field(default_factory=dict)
    """What plain nodes wait for → the group of those that wait for just that."""

    def __post_init__(self) -> None:
        """Note who waits for whom, and who takes time; each node is alone yet."""
        shape = self.shape
        self.at = {node_id: place for place, node_id in enumerate(self.order)}
        self.feeds = {node_id: [] for node_id in self.order}
        plain: set[str] = set()
        for node_id in self.order:
            node, spec, effect = shape.nodes[node_id], shape.specs[node_id], self.types.effects[node_id]
            self.gates[node_id] = _gate(shape, node_id)
            if node.type in RESULT_TYPES:
                self.gives.add(node_id)
            waits = 0
            for source in shape.before[node_id]:
                if source in self.feeds:  # what a loop asks before each round is no part of a round
                    self.feeds[source].append(node_id)
                    waits |= self.slow[source] | (0 if source in plain else 1 << self.at[source])
            self.slow[node_id] = waits
            stands_alone = (
                not is_movable(node, spec, effect)
                or self.on_error[node_id] != "fail"
                or any(edge.handle in (*OUTCOMES, COMPENSATE) for edge in self.gates[node_id].edges)
            )
            if not stands_alone:
                self.movable.add(node_id)
                if cost_of(self.types.nodes[node_id], spec, effect) < Cost.UNKNOWN:
                    plain.add(node_id)
            self.home[node_id] = node_id
            self.members[node_id] = {node_id}
            self.requires[node_id] = waits
            if node_id not in plain:
                self.ends[node_id] = node_id
        self._look_back()

    def _look_back(self) -> None:
        """Note what waits for all that a node waits for."""
        behind: dict[str, int] = {}
        for node_id in reversed(self.order):
            found = 0
            for reader in self.feeds[node_id]:
                found |= behind[reader] | (1 << self.at[reader] if reader in self.ends else 0)
            behind[node_id] = found
        every = (1 << len(self.order)) - 1
        for node_id in self.order:
            found = every
            for source in self.shape.before[node_id]:
                if source in self.feeds:
                    found &= behind[source] if source in self.ends else self.later[source]
            self.later[node_id] = found

    # where a node goes

    def gather(self) -> None:
        """Put plain nodes together that become ready at the same moment: none of them waits for anything that another does not."""
        for node_id in self.order:
            if node_id not in self.ends:
                self._move(node_id, self.crowds.setdefault(self.slow[node_id], node_id))

    def sink(self) -> None:
        """Put a pure node into the group that alone waits for it, unless an effect would come before its failure then."""
        for node_id in reversed(self.order):
            groups = {self.home[reader] for reader in self.feeds[node_id]} - {self.home[node_id]}
            if node_id not in self.movable or len(groups) != 1 or self._is_read_at_home(node_id):
                continue
            (group,) = groups
            if self.takes(group):
                self._move(node_id, self._before_effects(node_id, group))

    def _is_read_at_home(self, node_id: str) -> bool:
        return any(self.home[reader] == self.home[node_id] for reader in self.feeds[node_id])

    def _before_effects(self, node_id: str, group: str) -> str:
        """Return the group that a node goes to for another one, so that its failure comes before each effect that it came before.

        What waits for all that the node waits for must not run before it: the node goes to the first such one, or stays.
        """
        passed = self.requires[group] & ~self.slow[node_id]
        if not passed or not can_fail(self.types.nodes[node_id]):
            return group
        hosts = passed & self.later[node_id]
        if not hosts:
            return group
        for _ in range(_LOOKS):
            lowest = hosts & -hosts
            host = self.order[lowest.bit_length() - 1]
            if self.home[host] == host and self.takes(host) and self._is_open(host):
                return host
            hosts ^= lowest
            if not hosts:
                break
        return self.home[node_id]

    def takes(self, group: str) -> bool:
        """Whether a group's failure ends the run, or the item, as that of a pure node does, and it begins as others do."""
        end = self.ends.get(group)
        if end is None:
            return True
        races = race_of(self.shape.nodes[end])[1] > 0
        undoes = any(edge.handle == COMPENSATE for edge in self.gates[end].edges)
        return self.on_error[end] == "fail" and not races and not undoes

    def _is_open(self, end: str) -> bool:
        """Whether a stage that ends with a node may do what that node does not need: it neither waits in a line nor begins anew for reasons of its own."""
        node = self.shape.nodes[end]
        connection = self.shape.connections.get(node.connection or "")
        limited = connection is not None and connection.limits is not None
        return node.policy == Policy() and not limited and not self.shape.specs[end].suspends

    # what does not fit

    def gate_of(self, group: str) -> Gate:
        """Return what a group hangs on: its last node's gate, or of a crowd the gate that fits all."""
        end = self.ends.get(group)
        if end is not None:
            return self.gates[end]
        nodes = sorted(self.members[group], key=self.at.__getitem__)
        gate = self.gates[nodes[0]]
        return gate if not self.misfits(nodes, gate) else NO_GATE

    def misfits(self, nodes: Sequence[str], gate: Gate) -> list[str]:
        """Return the nodes (given in the order they run) that may run though a gate around all is shut."""
        fitting: set[str] = set()
        for node_id in nodes:
            own = self.gates[node_id]
            inside = [edge.source in fitting for edge in own.edges]
            hangs = bool(inside) and (any(inside) if own.join == "all" else all(inside))
            if hangs or gate in (own, NO_GATE):
                fitting.add(node_id)
        return [node_id for node_id in nodes if node_id not in fitting]

    def evict(self) -> None:
        """Send nodes back to the crowd that they were ready with, where the gate of the group's last node does not stand for theirs."""
        for group, end in list(self.ends.items()):
            if group not in self.members or self.gates[end] == NO_GATE:
                continue
            nodes = sorted(self.members[group], key=self.at.__getitem__)
            out = set(self.misfits(nodes, self.gates[end]))
            for node_id in reversed(nodes):
                if node_id != end and any(reader in out for reader in self.feeds[node_id]):
                    out.add(node_id)
            for node_id in sorted(out, key=self.at.__getitem__):
                self._move(node_id, node_id if node_id in self.ends else self.crowds[self.slow[node_id]])

    # groups that become one

    def merge(self) -> None:
        """Put a crowd into a group that reads of it, where all else that reads of it waits for that group anyway."""
        for crowd in sorted(self.members, key=lambda group: -max(map(self.at.__getitem__, self.members[group]))):
            if crowd in self.ends:
                continue
            readers = {
                reader
                for node_id in self.members[crowd]
                for reader in self.feeds[node_id]
                if self.home[reader] != crowd
            }
            target = self._first(readers)
            if target is not None and self._may_merge(crowd, target, readers):
                for node_id in sorted(self.members[crowd], key=self.at.__getitem__):
                    self._move(node_id, target)

    def _first(self, readers: Iterable[str]) -> str | None:
        """Return the group of some nodes that the others can only come behind."""
        groups = sorted({self.home[reader] for reader in readers}, key=self._place)
        return groups[0] if groups else None

    def _place(self, group: str) -> tuple[int, int]:
        end = self.ends.get(group)
        first = min(map(self.at.__getitem__, self.members[group])) if end is None else self.at[end]
        return self.requires[group].bit_count(), (0 if end is not None else len(self.order)) + first

    def _may_merge(self, crowd: str, target: str, readers: set[str]) -> bool:
        end = self.ends.get(target)
        needed = self.requires[target] | (0 if end is None else 1 << self.at[end])
        others = {self.home[reader] for reader in readers} - {target}
        if end is not None and self.members[crowd] & self.gives:
            return False
        if self.requires[crowd] & ~self.requires[target] or any(needed & ~self.requires[group] for group in others):
            return False
        if not self.takes(target) or (end is not None and not self._is_open(end) and not self._all_needed(crowd, end)):
            return False
        if (
            end is None
            and self.requires[target] != self.requires[crowd]
            and any(can_fail(self.types.nodes[node_id]) for node_id in self.members[crowd])
        ):
            return False
        nodes = sorted(self.members[crowd] | self.members[target], key=self.at.__getitem__)
        gate = NO_GATE if end is None else self.gates[end]
        return not self.misfits([node_id for node_id in nodes if node_id != end], gate)

    def _all_needed(self, crowd: str, end: str) -> bool:
        """Whether a node waits for each node of a crowd."""
        needed, todo = set[str](), [end]
        while todo:
            for source in self.shape.before[todo.pop()]:
                if source not in needed and source in self.members[crowd] | self.members[end]:
                    needed.add(source)
                    todo.append(source)
        return self.members[crowd] <= needed

    # work that is done twice

    def repeat(self) -> None:
        """Have groups compute for themselves what they read of a crowd, in place of waiting for it, where that is cheap and cannot fail.

        A crowd that nobody waits for then goes to the first that reads of it.
        """
        for crowd in sorted(self.members, key=lambda group: -max(map(self.at.__getitem__, self.members[group]))):
            if crowd in self.ends:
                continue
            nodes = sorted(self.members[crowd], key=self.at.__getitem__)
            able = set[str]()
            for node_id in nodes:
                if self._is_repeatable(node_id, able):
                    able.add(node_id)
            edges = [(node_id, each) for node_id in nodes for each in self.feeds[node_id] if self.home[each] != crowd]
            waiting = {
                self.home[reader]
                for source, reader in edges
                if source not in able or not self._only_reads(reader, source)
            }
            groups = sorted({self.home[reader] for _, reader in edges}, key=self._place)
            repeating = [group for group in groups if group not in waiting and self.takes(group)]
            homes = [group for group in repeating if self.gate_of(group) == NO_GATE]
            if (
                homes
                and not self.gives.intersection(nodes)
                and len(able) == len(nodes)
                and repeating == groups
                and len(nodes) + len(self.members[homes[0]]) <= AT_ONCE
            ):
                repeating.remove(homes[0])
                for node_id in nodes:
                    self._move(node_id, homes[0])
            for group in repeating:
                self.again.setdefault(group, set()).update(able)

    def _only_reads(self, reader: str, source: str) -> bool:
        """Whether a node itself reads another one, and does nothing else with it."""
        shape = self.shape
        hangs = any(edge.source == source for edge in shape.control[reader])
        return (
            source in shape.reads[reader]
            and source not in (*shape.inward.get(reader, ()), *shape.waits[reader])
            and not hangs
        )

    def _is_repeatable(self, node_id: str, able: set[str]) -> bool:
        """Whether a node is cheap, cannot fail, and always runs, on what can be repeated too or is waited for anyway."""
        node, shape = self.types.nodes[node_id], self.shape
        return (
            cost_of(node, shape.specs[node_id], self.types.effects[node_id]) is Cost.CHEAP
            and not can_fail(node)
            and self.gates[node_id] == NO_GATE
            and not shape.waits[node_id]
            and all(source in able or self.ends.get(self.home[source]) == source for source in shape.before[node_id])
        )

    def repeated(self, group: str, nodes: Iterable[str]) -> tuple[str, ...]:
        """Return what a group computes again for some of its nodes, in the order it runs."""
        found, todo = set[str](), list(nodes)
        while todo:
            for source in self.shape.reads[todo.pop()]:
                if source in self.again.get(group, ()) and source not in found:
                    found.add(source)
                    todo.append(source)
        return tuple(sorted(found, key=self.at.__getitem__))

    def _move(self, node_id: str, group: str) -> None:
        old = self.home[node_id]
        if old == group:
            return
        self.members[old].discard(node_id)
        if not self.members[old]:
            del self.members[old]
        self.members.setdefault(group, set()).add(node_id)
        self.home[node_id] = group


def _gate(shape: Shape, node_id: str) -> Gate:
    edges = sorted(shape.control[node_id], key=lambda edge: (edge.source, edge.handle))
    return Gate(tuple(edges), shape.nodes[node_id].join) if edges else NO_GATE
