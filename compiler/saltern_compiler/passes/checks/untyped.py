"""Values of any type that nobody has asked for: told in strict mode."""

from __future__ import annotations

from collections.abc import Iterator

from saltern_compiler.diagnostics.model import Diagnostic
from saltern_compiler.expr.ast import Reference, references
from saltern_compiler.ir.pipeline import RETURN, Node, Pipeline
from saltern_compiler.ir.values import Expression, ListValue, ObjectValue, TypeValue, Value
from saltern_compiler.passes.analyses.shape import SHAPE, Shape
from saltern_compiler.passes.analyses.types import TYPES, Types
from saltern_compiler.passes.base import Check, Context
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import ANY, Emit, ListType, MapType, ObjectType, Type
from saltern_runtime.spec.types import without_null


@dataclass(frozen=True, slots=True)
class Untyped(Check):
    """`implicit-any`: in strict mode alone."""

    name: str = "untyped"

    def check(self, pipeline: Pipeline, context: Context) -> None:
        """Report where a value of any type that a call gave is handed on, and nobody has said that it is of any type."""
        if context.has_errors or context.incomplete:
            return
        shape, types = context.get(SHAPE, pipeline), context.get(TYPES, pipeline)
        for node_id in shape.order:
            node = types.nodes[node_id]
            if node.type == RETURN and pipeline.output is not None:
                continue  # what it gives is of the type that is declared, or refused
            for expression in _handed_on(node, shape):
                source = next(filter(None, (_silent(each, shape, types) for each in references(expression.expr))), None)
                if source is not None:
                    _report(expression, source, context)


def _report(expression: Expression, source: str, context: Context) -> None:
    message = f"this is of any type, since nobody says of which `{source}` is"
    notes = (
        "Whatever reads it is checked only while it runs.",
        "Give the node that makes it a type, declare the `output`, or convert it, such as `string(…)`.",
    )
    context.report(Diagnostic("implicit-any", message, expression.origin, notes=notes))


def _handed_on(node: Node, shape: Shape) -> Iterator[Expression]:
    """Yield the expressions of any type that a node makes its value, or the items of its rounds, of."""
    spec = shape.spec(node.id)
    if spec is None:
        return
    if spec.region is not None:
        items = node.param("items")
        if isinstance(items, Expression) and items.typed is not None and items.typed.type in (ANY, ListType(ANY)):
            yield items
    elif spec.emit is Emit.VALUE and not spec.sleeps:
        for param in spec.params:
            value = node.param(param.name)
            if param.type == ANY and value is not None:
                yield from (part for part in _parts(value) if part.typed is not None and part.typed.type == ANY)


def _parts(value: Value) -> Iterator[Expression]:
    """Yield the expressions that are a value, or members of it; what stands in a template becomes text."""
    match value:
        case Expression():
            yield value
        case ListValue(items=items):
            for item in items:
                yield from _parts(item)
        case ObjectValue(fields=fields):
            for _, part in fields:
                yield from _parts(part)


def _silent(reference: Reference, shape: Shape, types: Types) -> str | None:
    """Return what a reference reads of a call, up to where it is of any type, if nobody has said so."""
    node, spec = shape.nodes.get(reference.name), shape.spec(reference.name)
    if node is None or spec is None or spec.emit is not Emit.CALL or spec.region is not None:
        return None
    if any(isinstance(value, TypeValue) for _, value in node.params):
        return None
    of: Type = types.of[node.id]
    steps = [node.id]
    for step in reference.path:
        if without_null(of) == ANY:
            break
        inner = _member(without_null(of), step)
        if inner is None:
            return None
        of = inner
        steps.append(step)
    return ".".join(steps) if without_null(of) == ANY else None


def _member(of: Type, step: str) -> Type | None:
    if isinstance(of, MapType):
        return of.value
    found = of.field(step) if isinstance(of, ObjectType) else None
    return None if found is None else found.type
