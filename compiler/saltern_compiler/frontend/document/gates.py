"""What a flat drawing leaves unsaid: a node drawn behind a node of a branch belongs to that branch.

Normal form has the control edges on every node of a branch. A node without any takes those of the nodes it needs, where all of
them that hang on something hang on the same; results, and what reads what may have been skipped (merge), stand outside, since
they wait for several branches. What reads a node whose failure takes a branch hangs on its success.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import replace
from typing import Literal, TypeAlias

from saltern_compiler.ir.attempts import CATCH, WHOLES, is_part
from saltern_compiler.ir.graph import Cycle, reads, topological
from saltern_compiler.ir.pipeline import RESULT_TYPES, ControlEdge, Node, Region
from saltern_compiler.registry import Registry
from saltern_runtime.spec.names import OUTCOMES, SUCCESS

Gate: TypeAlias = tuple[tuple[ControlEdge, ...], Literal["all", "any"]]


def inherit_gates(region: Region, registry: Registry) -> Region:
    """Return the region in normal form; one that runs in circles stays as it is."""
    inner = [
        node if node.body is None else replace(node, body=inherit_gates(node.body, registry)) for node in region.nodes
    ]
    opened = replace(region, nodes=tuple(inner))
    order = topological(opened)
    if isinstance(order, Cycle) or not any(node.control for node in opened.nodes):
        return opened
    gates: dict[str, Gate] = {}
    outcomes = frozenset(edge.source for node in opened.nodes for edge in node.control if edge.handle in OUTCOMES)
    firsts = {node.id for node in opened.nodes if is_part(node) and node.type != CATCH}
    for node in order:
        if node.type in WHOLES:
            own = (gate for part, gate in gates.items() if part in firsts and part.rpartition("/")[0] == node.id)
            gates[node.id] = next(own, (node.control, node.join))
            continue
        outside = _stands_outside(node, registry)
        gates[node.id] = (node.control, node.join) if outside else _gate(node, gates, outcomes)
    return replace(opened, nodes=tuple(_hang(node, gates[node.id]) for node in opened.nodes))


def _stands_outside(node: Node, registry: Registry) -> bool:
    spec = registry.node(node.type, node.version)
    return node.type in RESULT_TYPES or (spec is not None and spec.keeps_skipped)


def _gate(node: Node, gates: Mapping[str, Gate], outcomes: Set[str]) -> Gate:
    own: Gate = (node.control, node.join)
    if node.control:
        return own
    read = {each.name for each in reads(node) if not each.reference.guarded and each.name in gates}
    above = {_succeeded(name) if name in outcomes else gates[name] for name in read}
    behind = [gate for gate in above if gate[0]]
    return behind[0] if len(behind) == 1 else own


def _succeeded(node_id: str) -> Gate:
    return (ControlEdge(node_id, SUCCESS),), "all"


def _hang(node: Node, gate: Gate) -> Node:
    return replace(node, control=gate[0], join=gate[1])
