"""The canonical text of an expression: one space around operators, double quotes, as few parentheses as keep its meaning."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Final

from saltern_compiler.expr.ast import Call, Const, Expr, Ident, Index, ListExpr, Macro, MapExpr, Select
from saltern_compiler.expr.literals import show_bytes, show_string

_CONDITIONAL, _OR, _AND, _RELATION, _SUM, _PRODUCT, _UNARY, _MEMBER = range(8)
_BINARY: Final = {
    "_||_": ("||", _OR), "_&&_": ("&&", _AND), "@in": ("in", _RELATION), "_==_": ("==", _RELATION), "_!=_": ("!=", _RELATION),
    "_<_": ("<", _RELATION), "_<=_": ("<=", _RELATION), "_>_": (">", _RELATION), "_>=_": (">=", _RELATION),
    "_+_": ("+", _SUM), "_-_": ("-", _SUM), "_*_": ("*", _PRODUCT), "_/_": ("/", _PRODUCT), "_%_": ("%", _PRODUCT),
}  # fmt: skip
_NAME: Final = re.compile(r"[_a-zA-Z][_a-zA-Z0-9]*\Z")
WORDS: Final = frozenset({"in", "true", "false", "null"})
"""Words of the expression language, which no name can be."""


def show(expr: Expr) -> str:
    """Write an expression; parsing the text gives an equal expression."""
    return _show(expr)[0]


def _show(expr: Expr) -> tuple[str, int]:
    match expr:
        case Const():
            text = _const(expr)
            return text, _UNARY if text.startswith("-") else _MEMBER
        case Ident(name=name):
            return name, _MEMBER
        case Select(base=base, field=field, optional=optional):
            return f"{_base(base)}.{'?' if optional else ''}{_field(field)}", _MEMBER
        case Index(base=base, index=index, optional=optional):
            return f"{_base(base)}[{'?' if optional else ''}{show(index)}]", _MEMBER
        case ListExpr(items=items, optional=optional):
            return "[" + ", ".join(
                _maybe(place in optional) + show(item) for place, item in enumerate(items)
            ) + "]", _MEMBER
        case MapExpr(entries=entries, optional=optional):
            parts = [
                f"{_maybe(place in optional)}{show(key)}: {show(value)}" for place, (key, value) in enumerate(entries)
            ]
            return "{" + ", ".join(parts) + "}", _MEMBER
        case Macro():
            return _macro(expr), _MEMBER
        case Call():
            return _call(expr)


def _macro(macro: Macro) -> str:
    steps = map(show, macro.steps)
    if macro.kind == "has":
        return f"has({show(macro.target)})"
    if macro.kind == "cel.bind":
        return f"cel.bind({', '.join([*macro.variables, show(macro.target), *steps])})"
    return f"{_base(macro.target)}.{macro.kind}({', '.join([*macro.variables, *steps])})"


def _call(call: Call) -> tuple[str, int]:
    function, args = call.function, call.args
    if call.target is not None:
        return f"{_base(call.target)}.{function}({_listed(args)})", _MEMBER
    if function == "_?_:_":
        condition, yes, no = args
        return f"{_at(condition, _OR)} ? {_at(yes, _OR)} : {_at(no, _CONDITIONAL)}", _CONDITIONAL
    if function in _BINARY:
        operator, level = _BINARY[function]
        return f"{_at(args[0], level)} {operator} {_at(args[1], level + 1)}", level
    if function in ("!_", "-_"):
        return f"{function[0]}{_at(args[0], _UNARY)}", _UNARY
    return f"{function}({_listed(args)})", _MEMBER


def _at(expr: Expr, level: int) -> str:
    text, own = _show(expr)
    return text if own >= level else f"({text})"


def _base(expr: Expr) -> str:
    """Write what a `.` or `[` follows; numbers are put in parentheses, since `1.e` would read as a part of a number."""
    number = isinstance(expr, Const) and isinstance(expr.value, int | float) and not isinstance(expr.value, bool)
    return f"({show(expr)})" if number else _at(expr, _MEMBER)


def _listed(args: Sequence[Expr]) -> str:
    return ", ".join(map(show, args))


def _maybe(optional: bool) -> str:
    return "?" if optional else ""


def _field(name: str) -> str:
    return name if _NAME.match(name) and name not in WORDS else f"`{name}`"


def _const(const: Const) -> str:
    match const.value:
        case None:
            return "null"
        case bool() as value:
            return "true" if value else "false"
        case int() as value:
            return f"{value}u" if const.uint else str(value)
        case float() as value:
            return _double(value)
        case str() as value:
            return show_string(value)
        case bytes() as value:
            return show_bytes(value)


def _double(value: float) -> str:
    """Write a number that reads as a double; infinity is a number beyond the largest."""
    if math.isinf(value):
        return "1e999" if value > 0 else "-1e999"
    return repr(value)
