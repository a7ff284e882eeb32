"""What a flat drawing leaves unsaid: a node drawn behind a node of a branch belongs to that branch.

Normal form has the control edges on every node of a branch. A node without any takes those of the nodes it needs, where all of
them that hang on something hang on the same; merge, return and yield stand outside, since they wait for several branches.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, Literal, TypeAlias

from saltern_compiler.ir.graph import Cycle, reads, topological
from saltern_compiler.ir.pipeline import RETURN, YIELD, ControlEdge, Node, Region

_OUTSIDE: Final = frozenset({"merge", RETURN, YIELD})

Gate: TypeAlias = tuple[tuple[ControlEdge, ...], Literal["all", "any"]]


def inherit_gates(region: Region) -> Region:
    """Return the region in normal form; one that runs in circles stays as it is."""
    inner = [node if node.body is None else replace(node, body=inherit_gates(node.body)) for node in region.nodes]
    made = replace(region, nodes=tuple(inner))
    order = topological(made)
    if isinstance(order, Cycle) or not any(node.control for node in made.nodes):
        return made
    gates: dict[str, Gate] = {}
    for node in order:
        gates[node.id] = _gate(node, gates)
    return replace(made, nodes=tuple(_hang(node, _gate(node, gates)) for node in made.nodes))


def _gate(node: Node, gates: Mapping[str, Gate]) -> Gate:
    own: Gate = (node.control, node.join)
    if node.control or node.type in _OUTSIDE:
        return own
    found = {gates[read.name] for read in reads(node) if not read.reference.guarded and read.name in gates}
    behind = [gate for gate in found if gate[0]]
    return behind[0] if len(behind) == 1 else own


def _hang(node: Node, gate: Gate) -> Node:
    return replace(node, control=gate[0], join=gate[1])
