"""Which nodes run together: pure nodes, then at most one with an effect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from saltern_compiler.ir.pipeline import CHECK, ControlEdge, Node
from saltern_compiler.passes.analyses.shape import Shape
from saltern_runtime.spec import Effect, NodeType, Policy
from saltern_runtime.spec.limits import AT_ONCE

Gate: TypeAlias = tuple[tuple[ControlEdge, ...], str]


@dataclass(frozen=True, slots=True)
class Group:
    """A stage to be: its nodes in the order they run; the last one gives it its name, policy and queue."""

    nodes: tuple[str, ...]
    needs: tuple[str, ...]
    """Names of other groups; sorted."""
    after: tuple[str, ...]
    """Those of `needs` that are neither read nor hung on; sorted."""

    @property
    def name(self) -> str:
        """The id of the last node."""
        return self.nodes[-1]


def group_nodes(
    shape: Shape, effects: Mapping[str, Effect], on_error: Mapping[str, str], region: str = ""
) -> tuple[Group, ...]:
    """Cut a graph, or the body of a node, into groups, in the order of data flow.

    A pure node joins the group of its consumers where these are all in one group, so that no way leads out of a group and
    back into it. What a loop asks before each round is no part of a round. Going against the flow, every consumer has its group already. What a body reads from around it stays apart
    from the stage that owns the body.
    """
    order = tuple(node_id for node_id in shape.flows[region] if shape.nodes[node_id].type != CHECK)
    readers: dict[str, list[str]] = {node_id: [] for node_id in order}
    tied: set[str] = set()
    for node_id in order:
        for name in shape.reads[node_id]:
            if name in readers:
                readers[name].append(node_id)
        tied.update(edge.source for edge in shape.control[node_id])
        tied.update(shape.waits[node_id])
        tied.update(shape.inward.get(node_id, ()))
    members: dict[str, list[str]] = {}
    group_of: dict[str, str] = {}
    for node_id in reversed(order):
        home = node_id
        groups = {group_of[reader] for reader in readers[node_id]}
        if len(groups) == 1 and node_id not in tied and _joins(shape.specs[node_id], effects[node_id]):
            (only,) = groups
            if len(members[only]) < AT_ONCE and _go_together(shape, node_id, only, on_error):
                home = only
        group_of[node_id] = home
        members.setdefault(home, []).append(node_id)
    return tuple(_group(tuple(reversed(members[node_id])), shape, group_of) for node_id in order if node_id in members)


def _joins(spec: NodeType, effect: Effect) -> bool:
    """Whether a node may run before others in their stage: it is pure, and its value is there once its function returns."""
    return effect is Effect.PURE and not spec.suspends


def _go_together(shape: Shape, pure: str, last: str, on_error: Mapping[str, str]) -> bool:
    """Whether a pure node runs, and fails, exactly where the last node of the group does."""
    same_gate = _gate(shape.nodes[pure]) == _gate(shape.nodes[last])
    return same_gate and on_error[pure] == on_error[last] == "fail" and shape.nodes[pure].policy == Policy()


def _gate(node: Node) -> Gate:
    return tuple(sorted(node.control, key=lambda edge: (edge.source, edge.handle))), node.join


def _group(nodes: tuple[str, ...], shape: Shape, group_of: Mapping[str, str]) -> Group:
    flow_needs: set[str] = set()
    waits: set[str] = set()
    for node_id in nodes:
        read = (*shape.reads[node_id], *shape.inward.get(node_id, ()))
        flow_needs.update(group_of[name] for name in read if name in group_of)
        flow_needs.update(group_of[edge.source] for edge in shape.control[node_id])
        waits.update(group_of[name] for name in shape.waits[node_id])
    own = {nodes[-1]}
    return Group(nodes, tuple(sorted((flow_needs | waits) - own)), tuple(sorted(waits - flow_needs - own)))
