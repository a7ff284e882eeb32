"""What typing and printing need to know of types beyond the algebra itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec.types import (
    ANY,
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    INT,
    NULL,
    STRING,
    TIMESTAMP,
    FileType,
    ListType,
    LiteralType,
    MapType,
    ObjectType,
    Primitive,
    Type,
    UnionType,
    union,
    without_null,
)

UINT: Final = Primitive("uint")
"""CEL's unsigned integers: inside expressions alone."""

MIXED: Final = "mixed"
SCALARS: Final = frozenset({"null", "bool", "int", "double", "string", "bytes", "timestamp", "duration"})
NUMBERS: Final = frozenset({"int", "double"})
ORDERED: Final = frozenset({"bool", "int", "double", "string", "bytes", "timestamp", "duration"})


@dataclass(frozen=True, slots=True)
class Record(ObjectType):
    """An object type whose value is a dict in Python, not a model: what a map literal makes."""


@dataclass(frozen=True, slots=True, eq=False)
class Fresh(LiteralType):
    """The type of a constant that an expression writes: equal to a member of an enumeration, but none that anyone declared."""


def settled(of: Type) -> Type:
    """Return the type that a value keeps: what was only written there opens up (19 | 20 is int), declared enumerations stay."""
    match of:
        case Fresh():
            return widen(of)
        case ListType(item=item):
            return ListType(settled(item))
        case MapType(value=value):
            return MapType(settled(value))
        case UnionType(members=members):
            return union(*(settled(member) for member in members))
        case ObjectType(fields=fields):
            return replace(of, fields=tuple(replace(field, type=settled(field.type)) for field in fields))
        case _:
            return of


def kind(of: Type) -> str:
    """Name the family of a type, null and enumerations aside: `int`, `list`, `object`, `any`, … or `mixed`."""
    match of:
        case Primitive(name=name):
            return name
        case LiteralType(value=value):
            return widen(LiteralType(value)).name if isinstance(value, bool | int | str) else MIXED
        case ListType():
            return "list"
        case MapType():
            return "map"
        case FileType():
            return "file"
        case ObjectType():
            return "object"
        case UnionType(members=members):
            kinds = {kind(member) for member in members if member != NULL}
            if kinds == {"int", "double"}:
                return "double"
            return kinds.pop() if len(kinds) == 1 else MIXED


def widen(literal: LiteralType) -> Primitive:
    """Return the type that an enumeration's member belongs to."""
    match literal.value:
        case bool():
            return BOOL
        case int():
            return INT
        case _:
            return STRING


def widened(of: Type) -> Type:
    """Return the type with its enumerations opened."""
    match of:
        case LiteralType():
            return widen(of)
        case UnionType(members=members):
            return union(*(widened(member) for member in members))
        case _:
            return of


def join(types: Iterable[Type]) -> Type:
    """Return the type of a value that is one of several; `any` where Python would hold a model or a dict by turns."""
    flat = [member for of in types for member in (of.members if isinstance(of, UnionType) else (of,))]
    whole = union(
        *sorted(flat, key=lambda member: not isinstance(member, Fresh))
    )  # of equal ones, the declared one stays
    mixed = len({holds_dicts(record) for record in _objects(whole)}) > 1
    return ANY if mixed else whole


def holds_dicts(of: ObjectType) -> bool:
    """Whether values of the type are dicts in Python."""
    return isinstance(of, Record)


def _objects(of: Type) -> list[ObjectType]:
    match of:
        case ObjectType():
            return [of]
        case ListType(item=item):
            return _objects(item)
        case MapType(value=value):
            return _objects(value)
        case UnionType(members=members):
            return [record for member in members for record in _objects(member)]
        case _:
            return []


def holds(of: Type, part: Type) -> bool:
    """Whether values of a type may have those of another anywhere in them."""
    if of == part:
        return True
    match of:
        case ObjectType(fields=fields):
            return any(holds(field.type, part) for field in fields)
        case ListType(item=inner) | MapType(value=inner):
            return holds(inner, part)
        case UnionType(members=members):
            return any(holds(member, part) for member in members)
        case _:
            return False


def has_models(of: Type) -> bool:
    """Whether a value of the type is, in Python, something else than plain JSON anywhere."""
    match of:
        case ObjectType(fields=fields):
            return not isinstance(of, Record) or any(has_models(field.type) for field in fields)
        case ListType(item=item):
            return has_models(item)
        case MapType(value=value):
            return has_models(value)
        case UnionType(members=members):
            return any(has_models(member) for member in members)
        case _:
            return of in (TIMESTAMP, DURATION, BYTES)


def public(of: Type) -> Type:
    """Return the type as the rest of the compiler knows it: no difference between models and dicts."""
    match of:
        case FileType():
            return of
        case ObjectType(fields=fields, open=is_open):
            shown = (replace(f, type=public(f.type)) for f in fields)
            return ObjectType(tuple(shown), is_open)
        case ListType(item=item):
            return ListType(public(item))
        case MapType(value=value):
            return MapType(public(value))
        case UnionType(members=members):
            return union(*(public(member) for member in members))
        case _:
            return of


def comparable(a: Type, b: Type) -> bool:
    """Whether Python's `==` says what CEL's says, for all values of the two types."""
    if ANY in (a, b):
        return _only(a, {"string"}) or _only(b, {"string"})
    if isinstance(a, ListType) and isinstance(b, ListType):
        return comparable(a.item, b.item)
    for kinds in ({"string"}, NUMBERS, {"bool"}, {"bytes"}, {"timestamp"}, {"duration"}):
        if _only(a, kinds) and _only(b, kinds):
            return True
    return NULL in (a, b)


def _only(of: Type, kinds: Iterable[str]) -> bool:
    members = of.members if isinstance(of, UnionType) else (of,)
    return all(kind(member) in {*kinds, "null"} for member in members)


__all__ = [
    "ANY", "BOOL", "BYTES", "DOUBLE", "DURATION", "INT", "NULL", "STRING", "TIMESTAMP", "UINT", "Fresh", "Record",
    "comparable", "has_models", "holds", "holds_dicts", "join", "kind", "public", "settled", "widen", "widened", "without_null",
]  # fmt: skip
