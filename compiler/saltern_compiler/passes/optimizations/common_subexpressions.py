"""One node in place of several that are the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from saltern_compiler.expr.ast import bound
from saltern_compiler.ir.pipeline import Node, Pipeline, map_nodes
from saltern_compiler.ir.values import expressions
from saltern_compiler.passes.base import Context, Pass
from saltern_compiler.passes.eliding import Known, gate, renamed, without_nodes
from saltern_runtime.dataclass import dataclass
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
        same = same_nodes(known, lambda node: node.policy == Policy() and known.is_pure(node))
        return merged(pipeline, context, known, same, by=self.name, because="it is the same as")


def merged(
    pipeline: Pipeline, context: Context, known: Known, same: Mapping[str, str], *, by: str, because: str
) -> Pipeline:
    """Return a pipeline without the nodes that others stand for."""
    if not same:
        return pipeline
    for node_id, first in same.items():
        context.elide(known.shape.nodes[node_id], by, f"{because} {first}", first)
    body = without_nodes(map_nodes(pipeline.body, lambda node: renamed(node, same)), same)
    return replace(pipeline, body=body)


def same_nodes(
    known: Known, may: Callable[[Node], bool], is_parted: Callable[[str, str], bool] | None = None
) -> Mapping[str, str]:
    """Return the nodes, of those that `may` be merged, that another one stands for → that one; two that are parted both stay."""
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
        if left_alone or node.after or not node.params or not may(node):
            continue
        node = renamed(node, same)
        asked = node.type, node.version, node.params, node.connection, node.policy
        key = shape.owner.get(node_id, ""), asked, gate(node)
        kept = first.get(key)
        if kept is None or (is_parted is not None and is_parted(kept, node_id)):
            first[key] = node_id
        else:
            same[node_id] = kept
    return same
