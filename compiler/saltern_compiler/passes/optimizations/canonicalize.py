"""`after` that says nothing: what a node reads or hangs on, it waits for anyway."""

from __future__ import annotations

from dataclasses import replace

from saltern_compiler.ir.pipeline import Node, Pipeline, map_nodes
from saltern_compiler.ir.plan import Change
from saltern_compiler.passes.analyses.shape import SHAPE
from saltern_compiler.passes.base import Context, Pass
from saltern_runtime.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Canonicalize(Pass):
    """Drop such an `after`, since nodes that others only wait for stay stages of their own."""

    name: str = "canonicalize"

    def apply(self, pipeline: Pipeline, context: Context) -> Pipeline:
        """Return the pipeline without them."""
        shape = context.get(SHAPE, pipeline)
        branching = {edge.source for node in shape.nodes.values() for edge in node.control}

        def plain(node: Node) -> Node:
            known = {*shape.reads.get(node.id, ()), *(edge.source for edge in node.control)} - branching
            needless = sorted(known.intersection(node.after))
            if not needless:
                return node
            words = f"it comes after {', '.join(needless)} anyway, which it reads"
            context.changes.append(Change(node.id, self.name, words))
            return replace(node, after=tuple(name for name in node.after if name not in known))

        body = map_nodes(pipeline.body, plain)
        return pipeline if body is pipeline.body else replace(pipeline, body=body)
