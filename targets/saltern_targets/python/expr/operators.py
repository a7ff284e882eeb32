"""Operators and functions as Python, given their operands as Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from saltern_compiler.expr.ast import Call, Const, Expr, ListExpr, MapExpr
from saltern_compiler.expr.kinds import NUMBERS, ORDERED, Record, comparable, kind
from saltern_compiler.expr.typed import Typed
from saltern_runtime.spec.types import ANY, BOOL, NULL, ListType, MapType, Type, is_nullable
from saltern_targets.precedence import ATOM, BIT_AND, BIT_OR, BIT_XOR, COMPARE, NOT, POSTFIX, PRODUCT, SUM, UNARY
from saltern_targets.python.expr.code import Code, call, code, listed

_ORDER: Final[Mapping[str, str]] = {"<": "lt", "<=": "le", ">": "gt", ">=": "ge"}
_BITS: Final[Mapping[str, int]] = {"|": BIT_OR, "^": BIT_XOR, "&": BIT_AND}
_ARITHMETIC: Final[Mapping[str, str]] = {"+": "add", "-": "sub", "*": "mul", "/": "div", "%": "mod"}


def equality(typed: Typed, a: Code, b: Code, *, sign: str) -> Code:
    """Print `==` or `!=`."""
    left, right = typed.parts
    if NULL in (left.type, right.type):
        value, tested = (a, left.expr) if right.type == NULL else (b, right.expr)
        literal = isinstance(tested, Const | ListExpr | MapExpr) or (
            isinstance(tested, Call) and tested.function == "dyn"
        )
        if not literal:
            return code(f"{value.at(SUM)} is{' not' if sign == '!=' else ''} None", COMPARE, value)
    elif kind(left.type) == kind(right.type) == "bool":
        for constant, side, other in ((left.expr, right, b), (right.expr, left, a)):
            if isinstance(constant, Const):
                return _equals_bool(side, other, wanted=constant.value is True, sign=sign)
    if NULL not in (left.type, right.type) and comparable(left.type, right.type):
        return code(f"{a.at(SUM)} {sign} {b.at(SUM)}", COMPARE, a, b)
    same = call("equal", a, b)
    return same if sign == "==" else code(f"not {same.text}", NOT, same)


def _equals_bool(side: Typed, value: Code, *, wanted: bool, sign: str) -> Code:
    if side.type != BOOL:
        return code(f"{value.at(SUM)} is{' not' if sign == '!=' else ''} {wanted}", COMPARE, value)
    return value if wanted is (sign == "==") else code(f"not {value.at(NOT)}", NOT, value)


def order(typed: Typed, a: Code, b: Code, *, sign: str) -> Code:
    """Print `<`, `<=`, `>` or `>=`."""
    left, right = typed.parts
    kinds = {kind(left.type), kind(right.type)}
    proven = not (is_nullable(left.type) or is_nullable(right.type))
    exact = len(kinds) == 1 and kinds <= ORDERED
    if proven and (exact or (kinds <= NUMBERS and (_is_small(left.expr) or _is_small(right.expr)))):
        return code(f"{a.at(SUM)} {sign} {b.at(SUM)}", COMPARE, a, b)
    return call(_ORDER[sign], a, b)


def _is_small(expr: Expr) -> bool:
    """Whether an expression is a whole number that a double holds exactly: int and double are compared as doubles."""
    return isinstance(expr, Const) and isinstance(expr.value, int) and abs(expr.value) <= 2**53


def is_sorted_alike(of: Type) -> bool:
    """Whether Python sorts values of a type as CEL does: no NaN among them, and all of one kind."""
    return not is_nullable(of) and kind(of) in ORDERED - {"double"}


def membership(typed: Typed, a: Code, b: Code, *, negated: bool = False) -> Code:
    """Print `in`."""
    item, whole = typed.parts
    of = whole.type
    plain = isinstance(of, ListType) and comparable(item.type, of.item) and ANY not in (item.type, of.item)
    keyed = isinstance(of, MapType | Record) and kind(item.type) == "string"
    if plain or keyed:
        return is_in(a, b, negated=negated)
    test = call("is_in", a, b)
    return code(f"not {test.text}", NOT, test) if negated else test


def is_in(item: Code, whole: Code, *, negated: bool) -> Code:
    """Print Python's own `in`."""
    return code(f"{item.at(SUM)} {'not in' if negated else 'in'} {whole.at(SUM)}", COMPARE, item, whole)


def negation(typed: Typed, part: Code) -> Code:
    """Print a minus sign."""
    if kind(typed.type) == "double":
        return code(f"-{part.at(UNARY)}", UNARY, part)
    return call("neg", part)


def arithmetic(typed: Typed, a: Code, b: Code, *, sign: str) -> Code:
    """Print `+`, `-`, `*`, `/` or `%`."""
    kinds = {kind(part.type) for part in typed.parts}
    plain = kinds <= NUMBERS and "double" in kinds and sign in "+-*"
    joined = sign == "+" and len(kinds) == 1 and kinds <= {"string", "bytes", "list"}
    if typed.type != ANY and (plain or joined):
        level = PRODUCT if sign == "*" else SUM
        return code(f"{a.at(level)} {sign} {b.at(level + 1)}", level, a, b)
    return call(_ARITHMETIC[sign], a, b)


def applied(python: str, args: Sequence[Code]) -> Code:
    """Print a call of a function, as `functions.how` says."""
    if not python:
        return args[0]
    if python == "in":
        return is_in(args[1], args[0], negated=False)
    if python in _BITS:
        level = _BITS[python]
        return code(f" {python} ".join((args[0].at(level), args[1].at(level + 1))), level, *args)
    if python == "~":
        return code(f"~{args[0].at(UNARY)}", UNARY, *args)
    if python.startswith("["):
        return code(f"{args[0].at(POSTFIX)}{python}", POSTFIX, args[0])
    if python.startswith("."):
        return code(f"{args[0].at(ATOM)}{python}({listed(args[1:])})", ATOM, *args)
    module, _, name = python.rpartition(".")
    if module:
        return code(f"{name}({listed(args)})", ATOM, *args, name=(module, name))
    return call(python.removeprefix("@"), *args, helper=python.startswith("@"))
