"""What a node binds, as its type's functions take it."""

from __future__ import annotations

from collections.abc import Mapping

from saltern_compiler.ir.pipeline import ERROR_TYPE, RESULT_TYPES, Node
from saltern_compiler.ir.values import ListValue, Literal
from saltern_runtime.spec import Bound, Json, NodeType, Type
from saltern_runtime.spec.names import OUTCOMES


def literals(node: Node) -> dict[str, Json]:
    """Return the parameters whose value is a literal."""
    return {name: value.value for name, value in node.params if isinstance(value, Literal)}


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
