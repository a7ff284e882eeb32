"""What a flat drawing leaves unsaid: a node drawn behind a node of a branch belongs to that branch.

Normal form has the control edges on every node of a branch. A node without any takes those of the nodes it needs, where all of
them that hang on something hang on the same; results, and what reads what may have been skipped (merge), stand outside, since
they wait for several branches.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal, TypeAlias

from saltern_compiler.ir.graph import Cycle, reads, topological
from saltern_compiler.ir.pipeline import RESULT_TYPES, ControlEdge, Node, Region
from saltern_compiler.registry import Registry

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
    for node in order:
        gates[node.id] = (node.control, node.join) if _stands_outside(node, registry) else _gate(node, gates)
    return replace(opened, nodes=tuple(_hang(node, gates[node.id]) for node in opened.nodes))


def _stands_outside(node: Node, registry: Registry) -> bool:
    spec = registry.node(node.type, node.version)
    return node.type in RESULT_TYPES or (spec is not None and spec.keeps_skipped)


def _gate(node: Node, gates: Mapping[str, Gate]) -> Gate:
    own: Gate = (node.control, node.join)
    if node.control:
        return own
    above = {gates[read.name] for read in reads(node) if not read.reference.guarded and read.name in gates}
    behind = [gate for gate in above if gate[0]]
    return behind[0] if len(behind) == 1 else own


def _hang(node: Node, gate: Gate) -> Node:
    return replace(node, control=gate[0], join=gate[1])
