"""Nodes whose values nobody takes."""

from __future__ import annotations

from dataclasses import replace

from saltern_compiler.ir.pipeline import Node, Pipeline
from saltern_compiler.ir.values import Literal
from saltern_compiler.passes.base import Context, Pass
from saltern_compiler.passes.eliding import Known, literal_text, without_nodes
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import Policy


@dataclass(frozen=True, slots=True)
class DeadNodes(Pass):
    """Take out what is pure, cannot fail, and is neither read nor hung on nor waited for, and what only such nodes read.

    One stays where no other node runs exactly where it does: nothing would tell whether a run came to it.
    """

    name: str = "dead_nodes"

    def apply(self, pipeline: Pipeline, context: Context) -> Pipeline:
        """Return the pipeline without them."""
        gone: dict[str, str] = {}
        given = pipeline
        while True:
            known = Known.of(pipeline, context)
            needed = known.needed()
            found: dict[str, str] = {}
            for node_id in known.shape.order:
                node = known.shape.nodes[node_id]
                unread = node_id not in needed and node.policy == Policy() and not node.disabled
                if unread and known.always_reads(node) and known.is_pure(node) and known.cannot_fail(node):
                    host = known.host(node, found)
                    if host:
                        found[node_id] = host
            if not found:
                break
            for node_id, host in found.items():
                context.elide(known.shape.nodes[node_id], self.name, _why(known.shape.nodes[node_id]), host)
            gone |= found
            pipeline = replace(pipeline, body=without_nodes(pipeline.body, found))
        return pipeline if gone else given


def _why(node: Node) -> str:
    """Say why a node is not needed; of a constant, what it is, since that stands where it was read."""
    values = [value for _, value in node.params if isinstance(value, Literal)]
    if len(values) != len(node.params) or len(values) != 1:
        return "nothing needs its value"
    return f"nothing needs it: it is always {literal_text(values[0])}"
