"""The syntax tree of expressions: frozen nodes, compared without their places."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TypeAlias

from saltern_runtime.dataclass import dataclass

Span: TypeAlias = tuple[int, int]
"""Start and end offsets, in characters of the text that was parsed."""

NO_SPAN: Span = (0, 0)


@dataclass(frozen=True, slots=True)
class Const:
    """A literal: null, bool, int, float, str or bytes; `uint` marks CEL's unsigned integers."""

    value: bool | int | float | str | bytes | None
    uint: bool = False
    span: Span = dataclasses.field(default=NO_SPAN, compare=False)

    def __eq__(self, other: object) -> bool:
        """Keep `1`, `1.0`, `1u` and `true` apart."""
        return isinstance(other, Const) and self._key() == other._key()

    def __hash__(self) -> int:
        """Agree with equality."""
        return hash(self._key())

    def _key(self) -> tuple[str, bool, str]:
        return (type(self.value).__name__, self.uint, repr(self.value))


@dataclass(frozen=True, slots=True)
class Ident:
    """A name: a node's id, `input`, `run`, or a variable of a region or a macro."""

    name: str
    span: Span = dataclasses.field(default=NO_SPAN, compare=False)


@dataclass(frozen=True, slots=True)
class Select:
    """`base.field`, or `base.?field`."""

    base: Expr
    field: str
    optional: bool = False
    span: Span = dataclasses.field(default=NO_SPAN, compare=False)


@dataclass(frozen=True, slots=True)
class Index:
    """`base[index]`, or `base[?index]`."""

    base: Expr
    index: Expr
    optional: bool = False
    span: Span = dataclasses.field(default=NO_SPAN, compare=False)


@dataclass(frozen=True, slots=True)
class Call:
    """A function, method or operator.

    Operators are calls of the names `_+_`, `_-_`, `_*_`, `_/_`, `_%_`, `-_`, `!_`, `_&&_`, `_||_`, `_?_:_`, `_==_`, `_!=_`,
    `_<_`, `_<=_`, `_>_`, `_>=_`, `@in`, as in CEL. `target` is the receiver of a method.
    """

    function: str
    args: tuple[Expr, ...]
    target: Expr | None = None
    span: Span = dataclasses.field(default=NO_SPAN, compare=False)


@dataclass(frozen=True, slots=True)
class ListExpr:
    """`[a, b]`; `optional` holds the positions written `?a`."""

    items: tuple[Expr, ...]
    optional: frozenset[int] = frozenset()
    span: Span = dataclasses.field(default=NO_SPAN, compare=False)


@dataclass(frozen=True, slots=True)
class MapExpr:
    """`{k: v}`; `optional` holds the positions written `?k: v`."""

    entries: tuple[tuple[Expr, Expr], ...]
    optional: frozenset[int] = frozenset()
    span: Span = dataclasses.field(default=NO_SPAN, compare=False)


@dataclass(frozen=True, slots=True)
class Macro:
    """`has(a.b)` (target only), `target.kind(variable…, step…)`, or `cel.bind(variable, target, step)`."""

    kind: str
    target: Expr
    variables: tuple[str, ...] = ()
    steps: tuple[Expr, ...] = ()
    span: Span = dataclasses.field(default=NO_SPAN, compare=False)


Expr: TypeAlias = Const | Ident | Select | Index | Call | ListExpr | MapExpr | Macro


def children(of: Expr) -> tuple[Expr, ...]:
    """Return the direct parts of an expression."""
    match of:
        case Const() | Ident():
            return ()
        case Select(base=base):
            return (base,)
        case Index(base=base, index=index):
            return (base, index)
        case Call(args=args, target=target):
            return args if target is None else (target, *args)
        case ListExpr(items=items):
            return items
        case MapExpr(entries=entries):
            return tuple(part for entry in entries for part in entry)
        case Macro(target=target, steps=steps):
            return (target, *steps)


def is_entry(expr: Expr) -> bool:
    """Whether an expression is written as a map of one entry."""
    return isinstance(expr, MapExpr) and len(expr.entries) == 1 and not expr.optional


def bound(of: Expr) -> Iterator[str]:
    """Yield the names of the variables that macros bind."""
    if isinstance(of, Macro):
        yield from of.variables
    for part in children(of):
        yield from bound(part)


@dataclass(frozen=True, slots=True)
class Reference:
    """A free name that an expression reads.

    `path` are the fields selected from it as far as they are plain (`a.b[0].c` gives `b`); `guarded`: read only where it
    may have been skipped, as an argument of `merge`, through `.?`, or inside `has`.
    """

    name: str
    path: tuple[str, ...]
    guarded: bool
    span: Span = dataclasses.field(default=NO_SPAN, compare=False)
    first: Span = dataclasses.field(default=NO_SPAN, compare=False)
    """From the name to the end of the first field; of the name alone, where there is none."""


def references(of: Expr) -> Iterator[Reference]:
    """Yield every read of a free name, in the order of the text."""
    chain = _chain(of)
    if chain is None:
        return _references(of, guarded=False, bound=frozenset())
    name, path, optional, first = chain
    return iter((Reference(name, path, optional, of.span, first),))


def _references(of: Expr, *, guarded: bool, bound: frozenset[str]) -> Iterator[Reference]:
    chain = _chain(of)
    if chain is not None:
        name, path, optional, first = chain
        if name not in bound:
            yield Reference(name, path, guarded or optional, of.span, first)
        return
    match of:
        case Macro(kind="has", target=target):
            yield from _references(target, guarded=True, bound=bound)
        case Macro(target=target, variables=variables, steps=steps):
            yield from _references(target, guarded=guarded, bound=bound)
            for step in steps:
                yield from _references(step, guarded=guarded, bound=bound.union(variables))
        case Call(function="merge", target=None, args=args):
            for arg in args:
                yield from _references(arg, guarded=True, bound=bound)
        case _:
            for part in children(of):
                yield from _references(part, guarded=guarded, bound=bound)


def _chain(of: Expr) -> tuple[str, tuple[str, ...], bool, Span] | None:
    """Read `a.b.?c` as (a, (b, c), whether the first step is optional, where `a.b` stands)."""
    fields: list[str] = []
    optional, first = False, of.span
    while isinstance(of, Select):
        fields.append(of.field)
        optional, first = of.optional, of.span
        of = of.base
    if not isinstance(of, Ident):
        return None
    fields.reverse()
    return of.name, tuple(fields), optional, first
