"""Expressions of constants alone, evaluated by the functions that generated code calls: what would fail has no value here."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any, Final

from saltern_compiler.expr.ast import Call, Const, Expr, ListExpr, Macro, references
from saltern_compiler.expr.rewrite import with_parts
from saltern_runtime.spec.names import AMBIENT

LARGEST: Final = 1024
"""Characters of a text that is made, at most: a program is not to grow by what it says briefly."""
_UNKNOWN: Final = object()
_OPERATORS: Final[Mapping[str, str]] = {
    "_+_": "add", "_-_": "sub", "_*_": "mul", "_/_": "div", "_%_": "mod", "-_": "neg", "!_": "not_",
    "_==_": "equal", "_<_": "lt", "_<=_": "le", "_>_": "gt", "_>=_": "ge", "@in": "is_in",
}  # fmt: skip
_FUNCTIONS: Final[Mapping[str, str]] = {
    "size": "size", "string": "to_string", "int": "to_int", "double": "to_double", "bool": "to_bool",
    "timestamp": "to_timestamp", "duration": "to_duration",
    "charAt": "char_at", "indexOf": "index_of", "lastIndexOf": "last_index_of", "lowerAscii": "lower_ascii",
    "upperAscii": "upper_ascii", "replace": "replace", "substring": "substring", "trim": "trim", "join": "join",
    "math.abs": "math_abs", "math.ceil": "math_ceil", "math.floor": "math_floor", "math.round": "math_round",
    "math.trunc": "math_trunc", "math.sign": "math_sign", "math.greatest": "math_greatest", "math.least": "math_least",
}  # fmt: skip
"""Those whose values hang on nothing but what they are given: no time zone, no pattern."""
_METHODS: Final[Mapping[str, Callable[..., Any]]] = {
    "contains": operator.contains, "startsWith": str.startswith, "endsWith": str.endswith,
}  # fmt: skip
"""Those that are Python's own in generated code, for texts."""


def fold(expr: Expr) -> Expr:
    """Put its value in place of each part of an expression that has always the same; the expression itself where none has.

    What is left reads every node that it read before, and fails where it failed.
    """
    return _fold(expr)[0]


def _fold(expr: Expr) -> tuple[Expr, Any]:
    """Return an expression, folded, and its value where it has always the same."""
    if isinstance(expr, Const):
        return expr, _of_const(expr)
    if isinstance(expr, Macro):
        return expr, _UNKNOWN
    values: list[Any] = []

    def part(of: Expr) -> Expr:
        folded, value = _fold(of)
        values.append(value)
        return folded

    rebuilt = with_parts(expr, part)
    if rebuilt == expr:
        rebuilt = expr
    if isinstance(rebuilt, ListExpr) and not rebuilt.optional and not any(value is _UNKNOWN for value in values):
        return rebuilt, values
    if not isinstance(rebuilt, Call):
        return rebuilt, _UNKNOWN
    shorter = _shorter(rebuilt)
    if shorter is not None:
        return replace(shorter, span=expr.span), _of_const(shorter)
    value = _UNKNOWN if any(value is _UNKNOWN for value in values) else _called(rebuilt, values)
    written = _written(value)
    return (rebuilt, value) if written is None else (replace(written, span=expr.span), value)


def _of_const(const: Const) -> Any:
    known = isinstance(const.value, bool | int | float | str) and not const.uint
    return const.value if known else _UNKNOWN


def _shorter(call: Call) -> Const | None:
    """Return what a condition is that one of its parts decides; what is dropped reads no node, so that nothing is waited for less."""
    match call.function, call.args:
        case "_&&_" | "_||_" as function, (left, right):
            decides = Const(value=function == "_||_")
            both = left, right
            if all(isinstance(side, Const) and isinstance(side.value, bool) for side in both):
                return decides if decides in both else Const(value=not decides.value)
            other = right if left == decides else left if right == decides else None
            return decides if other is not None and _reads_no_node(other) else None
        case "_?_:_", (Const(value=bool() as holds), Const() as yes, Const() as no) if type(yes.value) is type(
            no.value
        ):
            taken = yes if holds else no
            return taken if _of_const(taken) is not _UNKNOWN and yes.uint == no.uint else None
    return None


def _reads_no_node(expr: Expr) -> bool:
    return all(reference.name in AMBIENT for reference in references(expr))


def _called(call: Call, values: list[Any]) -> Any:
    """Call what an expression calls; what fails, and what is not foreseen, has no value."""
    if call.function in _METHODS and call.target is not None:
        return _METHODS[call.function](*values) if all(isinstance(value, str) for value in values) else _UNKNOWN
    if call.function == "_!=_":
        return not _helpers()["equal"](*values)
    name = _OPERATORS.get(call.function) if call.target is None else None
    helper = _helpers().get(name or _FUNCTIONS.get(call.function, ""))
    if helper is None:
        return _UNKNOWN
    from saltern_runtime.expr import ExprError  # noqa: PLC0415 - what has no constants to compute with loads no helpers

    try:
        return helper(*values)
    except (ExprError, TypeError, ValueError, OverflowError):
        return _UNKNOWN


@cache
def _helpers() -> Mapping[str, Callable[..., Any]]:
    import saltern_runtime.expr as module  # noqa: PLC0415 - what has no constants to compute with loads no helpers

    return {name: getattr(module, name) for name in (*_OPERATORS.values(), *_FUNCTIONS.values())}


def _written(value: Any) -> Const | None:
    """Write a value as a literal that stands for exactly it; None for one that has none, or a long one."""
    if type(value) in (bool, int) or (type(value) is str and len(value) <= LARGEST):
        return Const(value)
    return Const(value) if type(value) is float and value - value == 0 else None
