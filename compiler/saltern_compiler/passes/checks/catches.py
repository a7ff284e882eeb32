"""Ways for a failure of what cannot fail."""

from __future__ import annotations

from saltern_compiler.diagnostics.model import Diagnostic
from saltern_compiler.expr.ast import Const, Expr, Ident, Index, Select
from saltern_compiler.expr.kinds import holds
from saltern_compiler.ir.attempts import ARM, ATTEMPT, is_part, whole_of
from saltern_compiler.ir.pipeline import Node, Pipeline
from saltern_compiler.ir.values import Expression, Value, expressions
from saltern_compiler.passes.analyses.shape import SHAPE, Shape
from saltern_compiler.passes.analyses.types import TYPES, Types
from saltern_compiler.passes.base import Check, Context
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import ANY, BYTES, STRING, Emit, LiteralType, NodeType, ObjectType, Primitive, Type, UnionType
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
    """Whether a run of a node may fail: for certain not where it is plain code of expressions that do not, with a small value."""
    spec = shape.spec(node.id)
    if spec is None or (node.body is None and spec.suspends) or spec.emit is Emit.CALL:
        return True
    if node.body is not None and node.type not in (ATTEMPT, ARM):
        return True
    typed = types.nodes.get(node.id, node)
    values = [value for _, value in typed.params]
    return (
        node.policy.timeout is not None
        or any(part.typed is None or part.typed.fails for value in values for part in expressions(value))
        or any(map(_may_be_large, values))
        or _is_checked(typed, spec)
        or (node.body is not None and any(_may_fail(inner, shape, types) for inner in node.body.nodes))
    )


def _is_checked(node: Node, spec: NodeType) -> bool:
    """Whether it takes what only a run can tell to be of the right type."""
    given = ((spec.param(name), value) for name, value in node.params if isinstance(value, Expression))
    return any(
        param is not None and param.type != ANY and value.typed is not None and holds(value.typed.type, ANY)
        for param, value in given
    )


def _may_be_large(value: Value) -> bool:
    """Whether it may be over the limit of a value: it is not written out, nor there already, nor made of small parts."""
    if isinstance(value, Expression) and _is_there(value.expr):
        return False
    return any(part.typed is None or not _is_small(part.typed.type) for part in expressions(value))


def _is_small(of: Type) -> bool:
    match of:
        case UnionType(members=members):
            return all(map(_is_small, members))
        case ObjectType(fields=fields, open=is_open):
            return not is_open and all(_is_small(field.type) for field in fields)
    return isinstance(of, LiteralType) or (isinstance(of, Primitive) and of not in (ANY, STRING, BYTES))


def _is_there(expr: Expr) -> bool:
    """Whether it is part of a value that some node has, or of the input."""
    match expr:
        case Select(base=base) | Index(base=base):
            return _is_there(base)
    return isinstance(expr, Ident | Const)
