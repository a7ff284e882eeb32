"""Edges that say a thing once."""

from __future__ import annotations

from dataclasses import dataclass, replace

from saltern_compiler.ir.pipeline import Node, Pipeline
from saltern_compiler.passes.base import Context, Pass


@dataclass(frozen=True, slots=True)
class PlainEdges(Pass):
    """Drop repeated control edges and `after`, and the `join` of a node that hangs on one handle at most."""

    name: str = "plain_edges"

    def apply(self, pipeline: Pipeline, context: Context) -> Pipeline:  # noqa: ARG002 - every pass takes the context
        """Return the pipeline with its edges in one form."""
        nodes = tuple(_plain(node) for node in pipeline.body.nodes)
        if all(node is given for node, given in zip(nodes, pipeline.body.nodes, strict=True)):
            return pipeline
        return replace(pipeline, body=replace(pipeline.body, nodes=nodes))


def _plain(node: Node) -> Node:
    control = tuple(sorted(dict.fromkeys(node.control), key=lambda edge: (edge.source, edge.handle)))
    after = tuple(sorted(set(node.after)))
    join = node.join if len(control) > 1 else "all"
    if (control, after, join) == (node.control, node.after, node.join):
        return node
    return replace(node, control=control, after=after, join=join)
