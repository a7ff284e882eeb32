"""Names that hide others: the variables of macros. Nodes, items and states that do are errors (`duplicate-id`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from saltern_compiler.diagnostics.model import Diagnostic
from saltern_compiler.expr.ast import Expr, Macro, children
from saltern_compiler.ir.pipeline import Node, Pipeline
from saltern_compiler.ir.values import expressions
from saltern_compiler.passes.analyses.shape import SHAPE, Shape
from saltern_compiler.passes.base import Check, Context
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec.names import INPUT, RUN


@dataclass(frozen=True, slots=True)
class Shadowing(Check):
    """`shadowed-name`: a warning."""

    name: str = "shadowing"

    def check(self, pipeline: Pipeline, context: Context) -> None:
        """Warn of variables of macros that are named as something else that the expression could read."""
        shape = context.get(SHAPE, pipeline)
        for node in shape.nodes.values():
            if context.is_clean(self.name, node):
                continue
            within = [expression for _, value in node.params for expression in expressions(value)]
            if not any(_has_macro(expression.expr) for expression in within):
                context.settle(self.name, node)
            for expression in within:
                for macro, name, what in _hiding(expression.expr, node, shape, {}):
                    message = f"`{name}` hides {what}"
                    notes = ("Until the bracket closes, nothing can read the other one: take another name.",)
                    place = expression.origin.within(*macro.span)
                    context.report(Diagnostic("shadowed-name", message, place, notes=notes))


def _has_macro(expr: Expr) -> bool:
    return isinstance(expr, Macro) or any(map(_has_macro, children(expr)))


def _hiding(expr: Expr, node: Node, shape: Shape, bound: Mapping[str, str]) -> Iterator[tuple[Macro, str, str]]:
    """Yield macros with a variable that hides something, and what that is."""
    if not isinstance(expr, Macro):
        for part in children(expr):
            yield from _hiding(part, node, shape, bound)
        return
    for name in expr.variables:
        what = bound.get(name) or _known_as(name, node, shape)
        if what:
            yield expr, name, what
    yield from _hiding(expr.target, node, shape, bound)
    inner = {**bound, **dict.fromkeys(expr.variables, "the variable of that name around it")}
    for step in expr.steps:
        yield from _hiding(step, node, shape, inner)


def _known_as(name: str, node: Node, shape: Shape) -> str:
    """Say what else a node knows by a name; empty for nothing."""
    if name == INPUT:
        return "the pipeline's input"
    if name == RUN:
        return "the run"
    if name in shape.items(node.id):
        return "what the region around it binds"
    return "the node of that name" if shape.sees(node.id, name) else ""
