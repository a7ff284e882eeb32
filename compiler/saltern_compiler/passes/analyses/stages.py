"""Which nodes run together: pure ones as they become ready, then at most one with an effect.

Work that is pure is put where it makes no stage of its own, as long as nothing that had been ready waits for it longer than for an
expression, and no effect comes before a failure that it used to come behind.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from saltern_compiler.ir.attempts import race_of
from saltern_compiler.ir.pipeline import CHECK, RESULT_TYPES, ControlEdge
from saltern_compiler.ir.plan import Inner
from saltern_compiler.passes.analyses.shape import Shape
from saltern_compiler.passes.analyses.types import Types
from saltern_compiler.passes.planning.cost import Cost, can_fail, cost_of, is_movable
from saltern_runtime.spec import Policy
from saltern_runtime.spec.limits import AT_ONCE
from saltern_runtime.spec.names import COMPENSATE, OUTCOMES


@dataclass(frozen=True, slots=True)
class Group:
    """A stage to be: its nodes in the order they run; the last one gives it its name, policy and queue."""

    nodes: tuple[str, ...]
    needs: tuple[str, ...]
    """Names of other groups; sorted."""
    after: tuple[str, ...]
    """Those of `needs` that are neither read nor hung on; sorted."""
    when: tuple[ControlEdge, ...] = ()
    """What all of its nodes hang on, or hang on nodes of the group that do."""
    join: str = "all"
    inner: tuple[Inner, ...] = ()
    """Those of its nodes that hang on something else, in the order they run."""
    again: tuple[str, ...] = ()
    """Nodes of other groups that it computes for itself, before its own; in the order they run."""

    @property
    def name(self) -> str:
        """The id of the last node."""
        return self.nodes[-1]


@dataclass(frozen=True, slots=True)
class Gate:
    """What a node, or a group, hangs on."""

    edges: tuple[ControlEdge, ...] = ()
    join: str = "all"


NO_GATE: Final = Gate()


def group_nodes(
    shape: Shape, types: Types, on_error: Mapping[str, str], level: int, region: str = ""
) -> tuple[Group, ...]:
    """Cut a graph, or the body of a node, into groups, in the order of data flow. `on_error` is as decided for each node.

    At level 0 each node is alone; at level 2 what is cheap is computed again where that saves waiting for another stage.
    """
    order = tuple(node_id for node_id in shape.flows[region] if shape.nodes[node_id].type != CHECK)
    fusion = _Fusion(shape, types, on_error, order)
    if level > 0:
        fusion.gather()
        fusion.sink()
        fusion.evict()
        fusion.merge()
    return _cut(fusion)


@dataclass(slots=True)
class _Fusion:
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
    home: dict[str, str] = field(default_factory=dict)
    """Node → the group that it is in, named after one of its nodes."""
    members: dict[str, set[str]] = field(default_factory=dict)
    ends: dict[str, str] = field(default_factory=dict)
    """Group → the node of it that takes time; it runs last. Crowds of plain nodes have none."""
    requires: dict[str, int] = field(default_factory=dict)
    """Group → what takes time and is over before anything of it begins."""
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
        stays = False
        while passed:
            lowest = passed & -passed
            passed ^= lowest
            host = self.order[lowest.bit_length() - 1]
            if self.slow[node_id] & ~self.slow[host] == 0:
                if self.home[host] == host and self.takes(host) and self._is_open(host):
                    return host
                stays = True
        return self.home[node_id] if stays else group

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
        others = [reader for reader in readers if self.home[reader] != target]
        if self.requires[crowd] & ~self.requires[target] or any(needed & ~self.slow[reader] for reader in others):
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


# groups as stages


def _cut(fusion: _Fusion) -> tuple[Group, ...]:
    """Cut groups to the size that a stage may have, and put them in the order of data flow."""
    shape = fusion.shape
    parts: list[tuple[str, ...]] = []
    part_of: dict[str, int] = {}
    gates: list[Gate] = []
    for group, members in fusion.members.items():
        end = fusion.ends.get(group)
        nodes = sorted(members, key=lambda node_id: (node_id == end, fusion.at[node_id]))
        gate = fusion.gate_of(group)
        for first in range(0, len(nodes), AT_ONCE):
            part = tuple(nodes[first : first + AT_ONCE])
            part_of |= dict.fromkeys(part, len(parts))
            parts.append(part)
            gates.append(gate)
    read: list[set[int]] = []
    waited: list[set[int]] = []
    for place, part in enumerate(parts):
        felt = {
            part_of[source]
            for node_id in part
            for source in (
                *shape.reads[node_id],
                *shape.inward.get(node_id, ()),
                *(edge.source for edge in shape.control[node_id]),
            )
            if source in part_of
        }
        read.append(felt - {place})
        waited.append({part_of[source] for node_id in part for source in shape.waits[node_id]} - {place} - felt)
    groups = [
        Group(
            nodes=part,
            needs=tuple(sorted(parts[each][-1] for each in felt | waits)),
            after=tuple(sorted(parts[each][-1] for each in waits)),
            when=shape.control[part[-1]] if fusion.gates[part[-1]] == gate else gate.edges,
            join=gate.join,
            inner=tuple(_inner(node_id, fusion.gates[node_id]) for node_id in part if fusion.gates[node_id] != gate),
        )
        for part, felt, waits, gate in zip(parts, read, waited, gates, strict=True)
    ]
    needs = [felt | waits for felt, waits in zip(read, waited, strict=True)]
    return tuple(groups[place] for place in _flow(needs, [_last(part, fusion) for part in parts]))


def _inner(node_id: str, gate: Gate) -> Inner:
    return Inner(node_id, gate.edges, gate.join)


def _last(part: tuple[str, ...], fusion: _Fusion) -> tuple[bool, int]:
    return fusion.shape.nodes[part[-1]].type in RESULT_TYPES, fusion.at[part[-1]]


def _flow(needs: Sequence[set[int]], keys: Sequence[tuple[bool, int]]) -> Iterator[int]:
    """Yield places so that each comes behind what it needs, and where that leaves a choice in the order of their keys."""
    after: dict[int, list[int]] = {place: [] for place in range(len(needs))}
    for place, sources in enumerate(needs):
        for source in sources:
            after[source].append(place)
    missing = [len(sources) for sources in needs]
    ready = [(keys[place], place) for place, count in enumerate(missing) if count == 0]
    heapq.heapify(ready)
    done = 0
    while ready:
        _, place = heapq.heappop(ready)
        yield place
        done += 1
        for later in after[place]:
            missing[later] -= 1
            if missing[later] == 0:
                heapq.heappush(ready, (keys[later], later))
    assert done == len(needs), "no way leads out of a group and back into it"
