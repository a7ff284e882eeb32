"""What a node binds, as its type's functions take it."""

from __future__ import annotations

from collections.abc import Mapping

from saltern_compiler.expr.ast import Call, Const
from saltern_compiler.ir.pipeline import ERROR_TYPE, RESULT_TYPES, Node
from saltern_compiler.ir.values import Expression, ListValue, Literal, Value
from saltern_runtime.spec import Bound, Json, NodeType, Type
from saltern_runtime.spec.names import OUTCOMES


def literals(node: Node) -> dict[str, Json]:
    """Return the parameters whose value is a literal; of a length of time its seconds."""
    lengths = {name: length for name, value in node.params if (length := length_of(value)) is not None}
    return lengths | {name: value.value for name, value in node.params if isinstance(value, Literal)}


def length_of(value: Value) -> float | None:
    """Return the seconds of a length of time that is written out; None for any other value."""
    match value:
        case Expression(expr=Call(function="duration", target=None, args=(Const(value=str() as text),))):
            from saltern_runtime.expr import ExprError, to_duration  # noqa: PLC0415 - a check of what has none loads no helpers

            try:
                return to_duration(text).total_seconds()
            except ExprError:
                return None
    return None


def bound_by(node: Node, types: Mapping[str, Type] | None = None, files: Mapping[str, str] | None = None) -> Bound:
    """Return what a node binds; `types` are those of its parameters, where they are known yet."""
    known = literals(node)
    lengths = {name: len(value) for name, value in known.items() if isinstance(value, list)}
    lengths |= {name: len(value.items) for name, value in node.params if isinstance(value, ListValue)}
    return Bound(known, dict(types or {}), files or {}, lengths, connected=node.connection is not None)


def handles_of(node: Node, spec: NodeType) -> tuple[str, ...] | None:
    """Return the control handles of a node of a type; None where what it binds is wrong.

    What takes no branches of its own succeeds or fails; but what only passes on what others give does neither.
    """
    own = spec.handles(bound_by(node)) if callable(spec.handles) else spec.handles
    if own or own is None or node.type in RESULT_TYPES or node.type == ERROR_TYPE:
        return own
    return OUTCOMES
