"""One node in place of several that are the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from saltern_compiler.expr.ast import bound
from saltern_compiler.ir.pipeline import Pipeline, map_nodes
from saltern_compiler.ir.values import expressions
from saltern_compiler.passes.base import Context, Pass
from saltern_compiler.passes.eliding import Known, gate, renamed, without_nodes
from saltern_runtime.spec import Policy


@dataclass(frozen=True, slots=True)
class CommonSubexpressions(Pass):
    """Merge pure nodes that stand beside each other, hang on the same and bind the same; the first in the order of data flow stays.

    It fails where the others would have failed, and is the first that does. What others come `after` stays.
    """

    name: str = "common_subexpressions"

    def apply(self, pipeline: Pipeline, context: Context) -> Pipeline:
        """Return the pipeline with one node of each kind."""
        known = Known.of(pipeline, context)
        same = _same(known)
        if not same:
            return pipeline
        for node_id, first in same.items():
            context.elide(known.shape.nodes[node_id], self.name, f"it is the same as {first}", first)
        body = without_nodes(map_nodes(pipeline.body, lambda node: renamed(node, same)), same)
        return replace(pipeline, body=body)


def _same(known: Known) -> Mapping[str, str]:
    """Return the nodes that another one stands for → that one."""
    shape = known.shape
    awaited = {name for node in shape.nodes.values() for name in node.after}
    hidden = {
        name
        for node in shape.nodes.values()
        for _, value in node.params
        for part in expressions(value)
        for name in bound(part.expr)
    }
    first: dict[object, str] = {}
    same: dict[str, str] = {}
    for node_id in shape.order:
        node = shape.nodes[node_id]
        left_alone = node_id in awaited or node_id in hidden or node_id in shape.outcomes or node.disabled
        if left_alone or node.after or node.policy != Policy() or not node.params or not known.is_pure(node):
            continue
        node = renamed(node, same)
        key = shape.owner.get(node_id, ""), node.type, node.version, node.params, node.connection, gate(node)
        kept = first.setdefault(key, node_id)
        if kept != node_id:
            same[node_id] = kept
    return same
