"""What an expression gives, by walking its tree: for the part of the language that random pipelines are drawn from.

It stands on the parser's tree alone. Types are not asked: what is drawn is well-typed, so that a value says what it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any, Final

from saltern_compiler.expr.ast import Call, Const, Expr, Ident, Index, ListExpr, Macro, MapExpr, Select
from saltern_compiler.ir.values import Expression, ListValue, Literal, ObjectValue, Template, Value


class Skipped:
    """What a node has that did not run."""


SKIPPED: Final = Skipped()


class SkippedError(Exception):
    """A value was read that was skipped."""


class FailedError(Exception):
    """An expression has no value; `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


Names = Callable[[str], Any]


def value_of(value: Value, names: Names) -> Any:
    """Return what a parameter is bound to."""
    match value:
        case Literal(value=plain):
            return plain
        case Expression(expr=expr):
            return evaluate(expr, names)
        case Template(parts=parts):
            return "".join(part if isinstance(part, str) else shown(evaluate(part.expr, names)) for part in parts)
        case ListValue(items=items):
            return [value_of(item, names) for item in items]
        case ObjectValue(fields=fields):
            return {name: value_of(part, names) for name, part in fields}
    raise NotImplementedError(value)


def first_of(values: Any, names: Names) -> Any:
    """Return the first of several values that was not skipped."""
    parts = values.items if isinstance(values, ListValue) else [Literal(each) for each in values.value]
    for part in parts:
        try:
            return value_of(part, names)
        except SkippedError:
            continue
    return None


def case_of(value: Any, cases: Sequence[Any]) -> str:
    for case in cases:
        if case == value and isinstance(case, bool) is isinstance(value, bool):
            word = {None: "null", True: "true", False: "false"}
            return f"case.{word[case] if case is None or isinstance(case, bool) else case}"
    return "else"


def shown(value: Any) -> str:
    """Write a value as templates and `string` do."""
    return ("false", "true")[value] if isinstance(value, bool) else str(value)


def evaluate(expr: Expr, names: Names) -> Any:
    """Return what an expression gives; raises FailedError, and SkippedError for a read that nothing guards."""
    match expr:
        case Const(value=value):
            return value
        case Ident(name=name):
            if (value := names(name)) is SKIPPED:
                raise SkippedError(name)
            return value
        case ListExpr(items=items):
            return [evaluate(item, names) for item in items]
        case MapExpr(entries=entries):
            return {evaluate(key, names): evaluate(value, names) for key, value in entries}
        case Select(base=base, field=field, optional=optional):
            return _field(base, field, names, optional=optional)
        case Index(base=base, index=index):
            return _item(evaluate(base, names), evaluate(index, names))
        case Macro():
            return _macro(expr, names)
        case Call():
            return _call(expr, names)
    raise NotImplementedError(expr)


def _field(base: Expr, field: str, names: Names, *, optional: bool) -> Any:
    try:
        value = evaluate(base, names)
    except SkippedError:
        if optional:
            return None
        raise
    return value.get(field) if optional and value is not None else None if optional else value[field]


def _item(value: list[Any], index: int) -> Any:
    if not 0 <= index < len(value):
        raise FailedError("no-such-item")
    return value[index]


def _macro(expr: Macro, names: Names) -> Any:
    if expr.kind == "has":
        try:
            evaluate(expr.target, names)
        except (SkippedError, KeyError):
            return False
        return True
    values = evaluate(expr.target, names)
    (variable,), (step,) = expr.variables, expr.steps
    each = [evaluate(step, lambda name, item=item: item if name == variable else names(name)) for item in values]
    match expr.kind:
        case "map":
            return each
        case "filter":
            return [item for item, kept in zip(values, each, strict=True) if kept]
        case "all" | "exists":
            return all(each) if expr.kind == "all" else any(each)
    raise NotImplementedError(expr.kind)


def _call(expr: Call, names: Names) -> Any:
    lazy = _LAZY.get(expr.function)
    if lazy is not None:
        return lazy(expr.args, names)
    target = () if expr.target is None else (expr.target,)
    return _FUNCTIONS[expr.function](*(evaluate(arg, names) for arg in (*target, *expr.args)))


def _choose(args: tuple[Expr, ...], names: Names) -> Any:
    condition, yes, no = args
    return evaluate(yes if evaluate(condition, names) else no, names)


def _merge(args: tuple[Expr, ...], names: Names) -> Any:
    for arg in args:
        try:
            return evaluate(arg, names)
        except SkippedError:
            continue
    return None


def _decided(args: tuple[Expr, ...], names: Names, *, by: bool) -> bool:
    """Compute `||` and `&&`: whichever side decides does, even where the other one fails."""
    failure: FailedError | None = None
    for arg in args:
        try:
            if evaluate(arg, names) is by:
                return by
        except FailedError as error:
            failure = failure or error
    if failure is not None:
        raise failure
    return not by


def _whole(value: int) -> int:
    if not -(2**63) <= value < 2**63:
        raise FailedError("overflow")
    return value


def _add(a: Any, b: Any) -> Any:
    return _whole(a + b) if isinstance(a, int) else a + b


def _divided(a: int, b: int) -> int:
    if b == 0:
        raise FailedError("division-by-zero")
    return _whole(abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1))


def _left(a: int, b: int) -> int:
    if b == 0:
        raise FailedError("division-by-zero")
    return abs(a) % abs(b) * (-1 if a < 0 else 1)


def _number(value: Any) -> int:
    try:
        return int(value)
    except ValueError:
        raise FailedError("invalid-argument") from None


_LAZY: Final[dict[str, Callable[[tuple[Expr, ...], Names], Any]]] = {
    "_?_:_": _choose,
    "merge": _merge,
    "_&&_": lambda args, names: _decided(args, names, by=False),
    "_||_": lambda args, names: _decided(args, names, by=True),
}
_FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    "_+_": _add,
    "_-_": lambda a, b: _whole(a - b),
    "_*_": lambda a, b: _whole(a * b),
    "_/_": _divided,
    "_%_": _left,
    "-_": lambda a: _whole(-a),
    "!_": lambda a: not a,
    "_==_": lambda a, b: a == b and isinstance(a, bool) is isinstance(b, bool),
    "_!=_": lambda a, b: a != b or isinstance(a, bool) is not isinstance(b, bool),
    "_<_": lambda a, b: a < b,
    "_<=_": lambda a, b: a <= b,
    "_>_": lambda a, b: a > b,
    "_>=_": lambda a, b: a >= b,
    "@in": lambda a, b: a in b,
    "size": len,
    "string": shown,
    "int": _number,
    "duration": lambda text: text,
    "sum": lambda items: reduce(lambda total, item: _whole(total + item), items, 0),
    "reverse": lambda items: items[::-1],
}
