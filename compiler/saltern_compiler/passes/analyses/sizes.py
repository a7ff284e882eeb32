"""How many items a list has at most, and how many characters a text: of what is written out, of inputs, and of what is made of both.

What `filter`, `map`, `slice` and the like make of a list is no longer than it; what cannot be followed any further is a symbol that
names the expression.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Final

from saltern_compiler.expr.ast import Call, Const, Expr, Ident, Index, ListExpr, Macro, MapExpr, Select
from saltern_compiler.expr.show import show
from saltern_compiler.expr.typed import Typed
from saltern_compiler.ir.amounts import Amount, Symbol, least, most, number, shares, symbol, total
from saltern_compiler.ir.pipeline import Node
from saltern_compiler.ir.values import Expression, ListValue, Literal, ObjectValue, Template, Value
from saltern_compiler.passes.analyses.shape import Shape
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import BOOL, DOUBLE, INT, NULL, STRING, LiteralType, NodeType, Type, UnionType
from saltern_runtime.spec.names import AMBIENT

SIZE: Final = "size"
_SAME: Final = frozenset({"reverse", "sort", "distinct"})
"""Methods that give no more than they are called on; so does `sortBy`, which is a macro."""
_NO_MORE: Final = frozenset({"filter", "map", "sortBy", "transformList", "transformMap"})
_CASES: Final = frozenset({"lowerAscii", "upperAscii", "trim", "substring", "reverse"})
"""Methods of texts that give no more characters than they are called on."""
_PATH: Final = re.compile(r"input((?:\.[A-Za-z_]\w*)+)")
_DIGITS: Final[Mapping[Type, int]] = {INT: 20, DOUBLE: 25, BOOL: 5, NULL: 4}
"""Type → characters of a value of it, at most."""
_LONG: Final = 40
"""Characters of an expression; one that says more is named by what it is bound to."""
_MOST: Final = 50
"""Steps from expression to expression that are followed."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """Measures values of a pipeline; pure."""

    nodes: Mapping[str, Node]
    """With the types of their expressions, where these are known."""
    shape: Shape
    known: dict[tuple[str | None, tuple[str, ...]], Amount] = field(default_factory=dict)
    """Node and path → the size of what stands there: what many read is followed once."""

    def of_value(self, value: Value | None, at: str, depth: int = 0) -> Amount:
        """Return how many items, or characters, a parameter of the node `at` has at most."""
        match value:
            case Literal(value=list() | str() | dict() as written):
                return number(len(written))
            case ListValue(items=parts):
                return number(len(parts))
            case ObjectValue(fields=fields):
                return number(len(fields))
            case Template():
                return self.of_text(value, at)
            case Expression(expr=expr):
                return self.of(expr, at, {}, depth)
            case _:
                return number(0)

    def of_text(self, value: Value | None, at: str) -> Amount:
        """Return how many characters a parameter has as text."""
        match value:
            case None:
                return number(0)
            case Template(parts=parts):
                return total(number(len(part)) if isinstance(part, str) else self._said(part, at) for part in parts)
            case Literal(value=str() as text):
                return number(len(text))
            case Literal(value=written):
                return number(len(json.dumps(written, ensure_ascii=False)))
            case Expression():
                return self._said(value, at)
            case _:
                return symbol(SIZE, f"{at}'s text", "it is made of several values")

    def _said(self, value: Expression, at: str) -> Amount:
        typed: Typed | None = value.typed
        bound = digits(typed.type) if typed is not None else None
        return self.of(value.expr, at, {}) if bound is None else number(bound)

    def of(self, expr: Expr, at: str, names: Mapping[str, Amount], depth: int = 0) -> Amount:  # noqa: C901, PLR0912 - one line a form
        """Return the size of an expression in a node; `names` are those that it binds, with the sizes of their values."""
        if depth > _MOST:
            return _unknown(expr)
        follow: Callable[[Expr], Amount] = lambda part: self.of(part, at, names, depth + 1)  # noqa: E731 - the same five arguments eight times
        match expr:
            case Const(value=str() | bytes() as text):
                return number(len(text))
            case ListExpr(items=items):
                return number(len(items))
            case MapExpr(entries=entries):
                return number(len(entries))
            case Ident(name=name) if name in names:
                return names[name]
            case Ident() | Select():
                return self._of_path(expr, at, depth)
            case Call(function="_+_", args=(left, right)):
                return follow(left) + follow(right)
            case Call(function="_?_:_", args=(_, left, right)):
                return most(follow(left), follow(right))
            case Call(
                function="slice", target=target, args=(Const(value=int() as start), Const(value=int() as end))
            ) if target is not None:
                return least(follow(target), number(max(0, end - start)))
            case Call(function="lists.range", args=(count,)):
                return self._number(count, at, names, depth + 1)
            case Call(function="zip", target=target, args=(other,)) if target is not None:
                return least(follow(target), follow(other))
            case Call(function=function, target=target) if target is not None and function in _SAME | _CASES | {
                "slice"
            }:
                return follow(target)
            case Call(function="split", target=target) if target is not None:
                return follow(target) + number(1)
            case Macro(kind=kind, target=target) if kind in _NO_MORE:
                return follow(target)
            case Macro(kind="cel.bind", variables=(name,), target=target, steps=(step,)):
                return self.of(step, at, {**names, name: follow(target)}, depth + 1)
            case _:
                return _unknown(expr)

    def _number(self, expr: Expr, at: str, names: Mapping[str, Amount], depth: int) -> Amount:
        """Return the largest whole number that an expression may give, 0 for all below."""
        match expr:
            case Const(value=int() as known):
                return number(max(0, known))
            case Call(function="size", target=target, args=args) if depth <= _MOST:
                return self.of(args[0] if target is None else target, at, names, depth + 1)
            case Call(function="_+_", args=(left, right)) if depth <= _MOST:
                return self._number(left, at, names, depth + 1) + self._number(right, at, names, depth + 1)
            case Call(function="_-_", args=(left, Const(value=int() as known))) if known >= 0 and depth <= _MOST:
                return self._number(left, at, names, depth + 1)
            case Call(function="_/_", args=(left, Const(value=int() as known))) if known > 0 and depth <= _MOST:
                return shares(self._number(left, at, names, depth + 1), known)
            case Ident() | Select() if depth <= _MOST:
                found = self._bound_to(expr, at)
                if found is not None and isinstance(found[0], Expression):
                    return self._number(found[0].expr, found[1], {}, depth + 1)
                if found is not None and isinstance(found[0], Literal) and isinstance(found[0].value, int):
                    return number(max(0, found[0].value))
                return symbol("value", show(_plain(expr)))
            case _:
                return symbol("value", show(_plain(expr)))

    def _of_path(self, expr: Expr, at: str, depth: int) -> Amount:
        key = root, _ = _path(expr)
        if root is None or root in self.shape.items(at):
            return _unknown(expr)
        if key not in self.known:
            self.known[key] = self._followed(expr, at, depth)
        return self.known[key]

    def _followed(self, expr: Expr, at: str, depth: int) -> Amount:
        root, path = _path(expr)
        node = self.nodes.get(root or "")
        spec = self.shape.spec(root or "")
        loops = spec is not None and spec.region is not None and spec.region.binds is not None
        if node is not None and loops and not path and not _carries(spec):
            return self.of_value(node.param("items"), node.id, depth + 1)
        found = self._bound_to(expr, at)
        if found is None:
            return _unknown(expr)
        size = self.of_value(found[0], found[1], depth + 1)
        return _unknown(expr) if any(len(each.of) > _LONG for each in size.symbols()) else size

    def _bound_to(self, expr: Expr, at: str) -> tuple[Value, str] | None:
        """Return what a path leads to, where a node does nothing but pass on what it is given, and that node's id."""
        root, path = _path(expr)
        if root is None or root in AMBIENT or root in self.shape.items(at) or root not in self.nodes:
            return None
        node, spec = self.nodes[root], self.shape.spec(root)
        if spec is None or spec.emit != "value" or spec.suspends:
            return None
        passed = [value for param in spec.params if param.passed and (value := node.param(param.name)) is not None]
        value = _part(passed[0], path) if len(passed) == 1 else None
        return None if value is None else (value, root)

    def given(self, call: Node) -> Callable[[Symbol], Amount | None]:
        """Return what stands for the symbols of a pipeline that a node calls: sizes of its input are those of what it is given."""

        def put(of: Symbol) -> Amount | None:
            known = _PATH.fullmatch(of.of) if of.kind == SIZE else None
            if known is None:
                return symbol(of.kind, f"{call.id}/{of.of}", of.why)
            first, *rest = known[1].removeprefix(".").split(".")
            value = call.param(first)
            if value is None:
                return number(0)
            value = _part(value, tuple(rest))
            return symbol(of.kind, f"{call.id}/{of.of}") if value is None else self.of_value(value, call.id)

        return put


def digits(of: Type) -> int | None:
    """Return how many characters a value of a type has at most, written as text; None where it may have any number."""
    match of:
        case LiteralType(value=value):
            return len(value) if isinstance(value, str) else len(str(value))
        case UnionType(members=members):
            lengths = [digits(member) for member in members]
            known = [length for length in lengths if length is not None]
            return max(known) if len(known) == len(lengths) else None
        case _ if of == STRING:
            return None
        case _:
            return _DIGITS.get(of)


def _path(expr: Expr) -> tuple[str | None, tuple[str, ...]]:
    names: list[str] = []
    while isinstance(expr, Select):
        names.append(expr.field)
        expr = expr.base
    return (expr.name if isinstance(expr, Ident) else None), tuple(reversed(names))


def _part(value: Value, path: tuple[str, ...]) -> Value | None:
    """Return what stands at a path inside of a value; None where it cannot be followed."""
    while path:
        match value:
            case Literal(value=dict() as members) if path[0] in members:
                value, path = Literal(members[path[0]]), path[1:]
            case ObjectValue(fields=fields) if path[0] in dict(fields):
                value, path = dict(fields)[path[0]], path[1:]
            case Expression(expr=inner):
                for name in path:
                    inner = Select(inner, name)
                return Expression(inner)
            case _:
                return None
    return value


def _carries(spec: NodeType | None) -> bool:
    return spec is not None and spec.region is not None and spec.region.carries is not None


def _unknown(expr: Expr) -> Amount:
    return symbol(SIZE, show(_plain(expr)))


def _plain(expr: Expr) -> Expr:
    """Leave out what says that a field may be absent: what is absent has no size."""
    match expr:
        case Select(base=base, field=field):
            return Select(_plain(base), field)
        case Index(base=base, index=index):
            return Index(_plain(base), index)
        case _:
            return expr
