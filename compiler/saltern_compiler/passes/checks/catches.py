"""Ways for a failure of what cannot fail."""

from __future__ import annotations

from dataclasses import dataclass

from saltern_compiler.diagnostics.model import Diagnostic
from saltern_compiler.ir.attempts import ARM, ATTEMPT, is_part, whole_of
from saltern_compiler.ir.pipeline import Node, Pipeline
from saltern_compiler.ir.values import expressions
from saltern_compiler.passes.analyses.shape import SHAPE, Shape
from saltern_compiler.passes.analyses.types import TYPES, Types
from saltern_compiler.passes.base import Check, Context
from saltern_runtime.spec import Emit
from saltern_runtime.spec.names import ERROR


@dataclass(frozen=True, slots=True)
class Catches(Check):
    """`unreachable-catch`: a warning."""

    name: str = "catches"

    def check(self, pipeline: Pipeline, context: Context) -> None:
        """Warn of each node, or `try`, whose failure has a way of its own and never comes."""
        if context.has_errors or context.incomplete:
            return
        shape, types = context.get(SHAPE, pipeline), context.get(TYPES, pipeline)
        caught = {edge.source for edges in shape.control.values() for edge in edges if edge.handle == ERROR}
        for node_id in shape.order:
            node = shape.nodes[node_id]
            if node_id not in caught or node.disabled or _may_fail(node, shape, types):
                continue
            what = whole_of(node) if is_part(node) else node_id
            message = f"nothing in `{what}` can fail" if node.type == ATTEMPT else f"`{what}` cannot fail"
            notes = ("It asks nothing outside, and none of its expressions has a value that it refuses.",)
            place = shape.nodes[what].place("id") if what in shape.nodes else node.place("id")
            context.report(Diagnostic("unreachable-catch", message, place, notes=notes))


def _may_fail(node: Node, shape: Shape, types: Types) -> bool:
    """Whether a run of a node may fail: for certain not where it is plain code of expressions that do not."""
    spec = shape.spec(node.id)
    if spec is None or (node.body is None and spec.suspends) or spec.emit is Emit.CALL:
        return True
    if node.body is not None and node.type not in (ATTEMPT, ARM):
        return True
    typed = types.nodes.get(node.id, node)
    found = (expression for _, value in typed.params for expression in expressions(value))
    if any(expression.typed is None or expression.typed.fails for expression in found):
        return True
    return node.body is not None and any(_may_fail(inner, shape, types) for inner in node.body.nodes)
