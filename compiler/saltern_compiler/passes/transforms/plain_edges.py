"""Edges that say a thing once."""

from __future__ import annotations

from dataclasses import replace

from saltern_compiler.ir.pipeline import Node, Pipeline, map_nodes
from saltern_compiler.passes.base import Context, Pass
from saltern_runtime.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class PlainEdges(Pass):
    """Drop repeated control edges and `after`, and the `join` of a node that hangs on one handle at most."""

    name: str = "plain_edges"

    def apply(self, pipeline: Pipeline, context: Context) -> Pipeline:  # noqa: ARG002 - every pass takes the context
        """Return the pipeline with its edges in one form."""
        body = map_nodes(pipeline.body, _plain)
        return pipeline if body is pipeline.body else replace(pipeline, body=body)


def _plain(node: Node) -> Node:
    control = tuple(sorted(dict.fromkeys(node.control), key=lambda edge: (edge.source, edge.handle)))
    after = tuple(sorted(set(node.after)))
    join = node.join if len(control) > 1 else "all"
    if (control, after, join) == (node.control, node.after, node.join):
        return node
    return replace(node, control=control, after=after, join=join)
