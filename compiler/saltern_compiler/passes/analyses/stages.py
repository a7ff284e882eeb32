"""A graph cut into groups, which become stages: in the order of data flow, and of the size that a stage may have."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence

from saltern_compiler.ir.pipeline import CHECK, RESULT_TYPES, ControlEdge
from saltern_compiler.ir.plan import Inner
from saltern_compiler.passes.analyses.fusion import Fusion, Gate
from saltern_compiler.passes.analyses.shape import Shape
from saltern_compiler.passes.analyses.types import Types
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec.limits import AT_ONCE


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


def group_nodes(
    shape: Shape, types: Types, on_error: Mapping[str, str], level: int, region: str = ""
) -> tuple[Group, ...]:
    """Cut a graph, or the body of a node, into groups, in the order of data flow. `on_error` is as decided for each node.

    At level 0 each node is alone; at level 2 what is cheap is computed again where that saves waiting for another stage.
    """
    order = tuple(node_id for node_id in shape.flows[region] if shape.nodes[node_id].type != CHECK)
    fusion = Fusion(shape, types, on_error, order)
    if level > 0:
        fusion.gather()
        fusion.sink()
        fusion.evict()
        fusion.merge()
    if level > 1:
        fusion.repeat()
    return _cut(fusion)


def _cut(fusion: Fusion) -> tuple[Group, ...]:
    """Cut groups to the size that a stage may have, and put them in the order of data flow."""
    shape = fusion.shape
    parts: list[tuple[str, ...]] = []
    part_of: dict[str, int] = {}
    gates: list[Gate] = []
    again: list[tuple[str, ...]] = []
    for group, members in fusion.members.items():
        end = fusion.ends.get(group)
        nodes = sorted(members, key=lambda node_id: (node_id == end, node_id in fusion.gives, fusion.at[node_id]))
        gate = fusion.gate_of(group)
        for first in range(0, len(nodes), AT_ONCE):
            part = tuple(nodes[first : first + AT_ONCE])
            part_of |= dict.fromkeys(part, len(parts))
            parts.append(part)
            gates.append(gate)
            again.append(fusion.repeated(group, part))
    read: list[set[int]] = []
    waited: list[set[int]] = []
    for place, part in enumerate(parts):
        felt = {
            part_of[source]
            for node_id in (*again[place], *part)
            for source in (
                *shape.reads[node_id],
                *shape.inward.get(node_id, ()),
                *(edge.source for edge in shape.control[node_id]),
            )
            if source in part_of and source not in again[place]
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
            again=repeated,
        )
        for part, felt, waits, gate, repeated in zip(parts, read, waited, gates, again, strict=True)
    ]
    needs = [felt | waits for felt, waits in zip(read, waited, strict=True)]
    return tuple(groups[place] for place in _flow(needs, [_last(part, fusion) for part in parts]))


def _inner(node_id: str, gate: Gate) -> Inner:
    return Inner(node_id, gate.edges, gate.join)


def _last(part: tuple[str, ...], fusion: Fusion) -> tuple[bool, int]:
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
