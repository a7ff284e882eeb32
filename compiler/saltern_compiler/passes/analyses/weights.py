"""What running a node costs, and whether it can fail: what fusion goes by.

A round trip to the store and the queue costs about a millisecond. An expression costs micro- to milliseconds, since no value is
larger than a payload may be. What calls a function, of the pipeline's own or of a plugin, costs what nobody knows.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from saltern_compiler.expr.ast import Call, Expr, Macro, children
from saltern_compiler.expr.kinds import holds
from saltern_compiler.ir.pipeline import Node
from saltern_compiler.ir.values import expressions
from saltern_runtime.spec import ANY, Effect, Emit, NodeType, Policy


class Cost(IntEnum):
    """How long a node takes."""

    CHEAP = 0
    """An expression without a loop: to compute it again costs less than to keep it and to read it back."""
    LINEAR = 1
    """An expression that goes over lists, or calls a function that may."""
    UNKNOWN = 2
    """Code of others, or something outside."""


_PLAIN: Final = frozenset({Emit.VALUE, Emit.IF, Emit.SWITCH, Emit.MERGE, Emit.EITHER, Emit.JOIN})
"""What is written out as an expression."""
_QUICK: Final = frozenset(
    {"_+_", "_-_", "_*_", "_/_", "_%_", "-_", "_==_", "_!=_", "_&&_", "_||_", "!_", "_?_:_", "_<_", "_<=_", "_>_", "_>=_", "merge", "size"}
)  # fmt: skip
"""Functions and operators that take about as long whatever they are given."""


def cost_of(node: Node, spec: NodeType, effect: Effect) -> Cost:
    """Return what a node costs."""
    if effect is not Effect.PURE or spec.suspends or spec.emit not in _PLAIN:
        return Cost.UNKNOWN
    quick = all(_is_quick(each.expr) for _, value in node.params for each in expressions(value))
    return Cost.CHEAP if quick else Cost.LINEAR


def can_fail(node: Node) -> bool:
    """Whether a plain node, as typed, may fail for some input: arithmetic, an index, a value whose type only a run can tell."""
    return any(
        each.typed is None or each.typed.fails or holds(each.typed.type, ANY)
        for _, value in node.params
        for each in expressions(value)
    )


def is_movable(node: Node, spec: NodeType, effect: Effect) -> bool:
    """Whether a node may share a stage that another one ends: it is pure, is done when it returns, and nothing is said of it alone."""
    return effect is Effect.PURE and not spec.suspends and node.policy == Policy()


def _is_quick(expr: Expr) -> bool:
    if (isinstance(expr, Macro) and expr.kind != "has") or (isinstance(expr, Call) and expr.function not in _QUICK):
        return False
    return all(map(_is_quick, children(expr)))
