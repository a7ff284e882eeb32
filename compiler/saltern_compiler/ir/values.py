"""What a parameter is bound to.

Normal form, kept by the `make_*` functions: an object or list whose parts are all literal is one `Literal`; an expression
that is a constant, a list or a map with constant string keys is a `Literal`, a `ListValue` or an `ObjectValue`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from typing import Any, TypeAlias

from saltern_compiler.diagnostics.model import NOWHERE, Origin
from saltern_compiler.expr.ast import Const, Expr, ListExpr, MapExpr
from saltern_compiler.expr.typed import Typed
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import Json, Type


@dataclass(frozen=True, slots=True)
class Literal:
    """A JSON value as it stands; int and float are kept apart."""

    value: Json
    origin: Origin = field(default=NOWHERE, compare=False)
    parts: Mapping[Any, Literal] = field(default_factory=dict, compare=False, repr=False)
    """Items and members, as far as their places are known."""

    def place(self, *path: str | int) -> Origin:
        """Return where a part of it stands, or the smallest part around it of which that is known."""
        if not path or path[0] not in self.parts:
            return self.origin.child(*path)
        return self.parts[path[0]].place(*path[1:])

    def __hash__(self) -> int:
        """Hash by text, since JSON values may be lists and dicts."""
        return hash(repr(self.value))

    def __eq__(self, other: object) -> bool:
        """Keep `1`, `1.0` and `true` apart."""
        return isinstance(other, Literal) and same_json(self.value, other.value)


def same_json(a: Json, b: Json) -> bool:
    """Compare JSON values with int, float and bool apart, whatever the order of keys."""
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same_json(value, b[key]) for key, value in a.items())
    if isinstance(a, list):
        return len(a) == len(b) and all(same_json(x, y) for x, y in zip(a, b, strict=True))
    return bool(a == b)


@dataclass(frozen=True, slots=True)
class Expression:
    """A CEL expression; its places are offsets inside `origin`."""

    expr: Expr
    origin: Origin = field(default=NOWHERE, compare=False)
    typed: Typed | None = field(default=None, compare=False, repr=False)
    """Its tree with a type at every node, once it has been typed."""


@dataclass(frozen=True, slots=True)
class Template:
    """Text with expressions in it; adjacent texts are joined, empty ones left out."""

    parts: tuple[str | Expression, ...]
    origin: Origin = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class TypeValue:
    """A type as a value: `type { … }`, `{"$type": …}`."""

    type: Type
    origin: Origin = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class SecretRef:
    """A reference to a secret by its name in the pipeline."""

    name: str
    origin: Origin = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class ListValue:
    """A list with at least one part that is not literal."""

    items: tuple[Value, ...]
    origin: Origin = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class ObjectValue:
    """An object with at least one part that is not literal; fields sorted by name."""

    fields: tuple[tuple[str, Value], ...]
    origin: Origin = field(default=NOWHERE, compare=False)


Value: TypeAlias = Literal | Expression | Template | TypeValue | SecretRef | ListValue | ObjectValue


def parts_of(value: Value) -> Iterator[Value]:
    """Yield a value and all values inside it."""
    todo = [value]
    while todo:
        part = todo.pop()
        yield part
        if isinstance(part, ListValue):
            todo.extend(reversed(part.items))
        elif isinstance(part, ObjectValue):
            todo.extend(part for _, part in reversed(part.fields))


def map_secrets(value: Value, of: Callable[[SecretRef], Value]) -> Value:
    """Return a value with something else in place of each secret; members of objects are looked into."""
    if isinstance(value, SecretRef):
        return of(value)
    if isinstance(value, ObjectValue):
        return make_object({name: map_secrets(part, of) for name, part in value.fields}, value.origin)
    return value


def split_secrets(name: str, value: Value) -> tuple[Json, dict[str, SecretRef]]:
    """Return what is written out of a setting, null for nothing, and its secrets by their places: `headers.X-Api-Key`."""
    if isinstance(value, SecretRef):
        return None, {name: value}
    if isinstance(value, ObjectValue):
        plain: dict[str, Json] = {}
        hidden: dict[str, SecretRef] = {}
        for member, part in value.fields:
            known, more = split_secrets(f"{name}.{member}", part)
            plain |= {} if known is None else {member: known}
            hidden |= more
        return plain or None, hidden
    return (value.value if isinstance(value, Literal) else None), {}


def make_list(items: Sequence[Value], origin: Origin = NOWHERE) -> Value:
    """Make a list in normal form."""
    if all(isinstance(item, Literal) for item in items):
        known = [item for item in items if isinstance(item, Literal)]
        return Literal([item.value for item in known], origin, dict(enumerate(known)))
    return ListValue(tuple(items), origin)


def make_object(fields: Mapping[str, Value], origin: Origin = NOWHERE) -> Value:
    """Make an object in normal form."""
    if all(isinstance(value, Literal) for value in fields.values()):
        members = {name: value for name, value in fields.items() if isinstance(value, Literal)}
        return Literal({name: member.value for name, member in members.items()}, origin, members)
    return ObjectValue(tuple(sorted(fields.items(), key=lambda pair: pair[0])), origin)


def make_expression(expr: Expr, origin: Origin = NOWHERE) -> Value:
    """Make an expression in normal form: constants, lists and maps become values of their own."""
    match expr:
        case Const(value=value, uint=False) if not isinstance(value, bytes):
            return Literal(value, origin.within(*expr.span))
        case ListExpr(items=items, optional=optional) if not optional:
            return make_list([make_expression(item, origin) for item in items], origin.within(*expr.span))
        case MapExpr(entries=entries, optional=optional) if not optional and _has_text_keys(entries):
            named = {key.value: make_expression(value, origin) for key, value in entries if isinstance(key, Const)}
            texts = {key: value for key, value in named.items() if isinstance(key, str)}
            return make_object(texts, origin.within(*expr.span))
        case _:
            return Expression(expr, origin)


def _has_text_keys(entries: Sequence[tuple[Expr, Expr]]) -> bool:
    keys = [key.value for key, _ in entries if isinstance(key, Const) and isinstance(key.value, str)]
    return len(keys) == len(entries) == len(set(keys))


def make_template(parts: Sequence[str | Expression], origin: Origin = NOWHERE) -> Value:
    """Make a template in normal form; one without expressions is a literal string."""
    merged: list[str | Expression] = []
    for part in parts:
        if part == "":
            continue
        if isinstance(part, str) and merged and isinstance(merged[-1], str):
            merged[-1] += part
        else:
            merged.append(part)
    texts = [part for part in merged if isinstance(part, str)]
    if len(texts) == len(merged):
        return Literal("".join(texts), origin)
    return Template(tuple(merged), origin)


def expressions(value: Value) -> Iterator[Expression]:
    """Yield every expression inside a value, in order."""
    match value:
        case Expression():
            yield value
        case Template(parts=parts):
            yield from (part for part in parts if isinstance(part, Expression))
        case ListValue(items=items):
            for item in items:
                yield from expressions(item)
        case ObjectValue(fields=fields):
            for _, part in fields:
                yield from expressions(part)
        case _:
            return


def map_expressions(value: Value, change: Callable[[Expression], Expression]) -> Value:
    """Put another expression in place of each one inside a value; the shape of the value stays."""
    match value:
        case Expression():
            return change(value)
        case Template(parts=parts):
            return replace(value, parts=tuple(part if isinstance(part, str) else change(part) for part in parts))
        case ListValue(items=items):
            return replace(value, items=tuple(map_expressions(item, change) for item in items))
        case ObjectValue(fields=fields):
            return replace(value, fields=tuple((name, map_expressions(part, change)) for name, part in fields))
        case _:
            return value
