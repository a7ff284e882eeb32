"""JSON values against types: whether a literal fits, what type it has, and how it is written in its parameter's type."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from saltern_compiler.characters import is_printable
from saltern_compiler.expr.ast import Call, Const
from saltern_compiler.frontend.durations import seconds
from saltern_compiler.ir.values import Expression, ListValue, Literal, ObjectValue, Value
from saltern_runtime.dataclass import dataclass
from saltern_runtime.integers import INT_MAX, INT_MIN
from saltern_runtime.spec import (
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
    Json,
    ListType,
    LiteralType,
    MapType,
    ObjectType,
    Primitive,
    Type,
    UnionType,
    obj,
    show,
    union,
)

_DOUBLE_MAX: Final = int(sys.float_info.max)
_ISO: Final = r"P(?=\d|T\d)((?P<d>\d+)D)?(T((?P<h>\d+)H)?((?P<m>\d+)M)?((?P<s>\d+(\.\d+)?)S)?)?"
_UNITS: Final = {"d": 86_400, "h": 3600, "m": 60, "s": 1}
_TEXTS: Final = {
    STRING: re.compile(r"(?s).*"),
    BYTES: re.compile(r"[A-Za-z0-9+/]*={0,2}"),
    TIMESTAMP: re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})", re.ASCII),
    DURATION: re.compile(rf"{_ISO}|-?(\d+(\.\d+)?(h|ms|us|ns|m|s))+", re.ASCII),
}


_TIMES: Final = {TIMESTAMP: "timestamp", DURATION: "duration"}
"""Types whose literals are written as calls, so that the text of a document and the literal of the language are one."""


@dataclass(frozen=True, slots=True)
class Misfit:
    """Where a literal parts from its type."""

    path: tuple[str | int, ...]
    message: str


def type_of(value: Json) -> Type:
    """Return the narrowest type of a literal, enumeration members aside: lists of one item type, objects by field."""
    match value:
        case None:
            return NULL
        case bool():
            return BOOL
        case int():
            return INT
        case float():
            return DOUBLE
        case str():
            return STRING
        case list():
            return ListType(union(*(type_of(item) for item in value)) if value else ANY)
        case dict():
            return obj({key: type_of(item) for key, item in value.items()})
    raise TypeError(f"not a JSON value: {type(value).__name__}")


def misfits(value: Json, to: Type, path: tuple[str | int, ...] = ()) -> Iterator[Misfit]:
    """Yield every place where a literal is not of a type; whole doubles are ints and ints are doubles."""
    match to, value:
        case ListType(item=item), list():
            for index, member in enumerate(value):
                yield from misfits(member, item, (*path, index))
        case MapType(value=item), dict():
            for key, member in value.items():
                yield from misfits(member, item, (*path, key))
        case FileType(), _:
            yield Misfit(path, f"{_short(value)} is not file: one comes in, or a node gives it")
        case ObjectType(), dict():
            yield from _object_misfits(value, to, path)
        case _ if not _fits_whole(value, to):
            yield Misfit(path, f"{_short(value)} is not {show(to)}")


def _fits_whole(value: Json, to: Type) -> bool:
    match to:
        case UnionType(members=members):
            return any(_fits(value, member) for member in members)
        case LiteralType(value=wanted):
            return type(value) is type(wanted) and bool(value == wanted)
        case Primitive():
            return _fits_primitive(value, to)
    return False


def _object_misfits(value: dict[str, Json], to: ObjectType, path: tuple[str | int, ...]) -> Iterator[Misfit]:
    for field in to.fields:
        if field.name in value:
            yield from misfits(value[field.name], field.type, (*path, field.name))
        elif field.required:
            yield Misfit(path, f"the field `{field.name}` is missing from {_short(value)}")
    if to.open:
        return
    for key in value:
        if to.field(key) is None:
            yield Misfit((*path, key), f"{show(to)} has no field `{key}`")


def _fits(value: Json, to: Type) -> bool:
    return next(misfits(value, to), None) is None


def _fits_primitive(value: Json, to: Primitive) -> bool:
    if to == ANY:
        return True
    if to == NULL:
        return value is None
    if to == BOOL:
        return isinstance(value, bool)
    if to == INT:
        return _is_whole(value) and INT_MIN <= value <= INT_MAX
    if to == DOUBLE:
        return isinstance(value, float) or (_is_whole(value) and abs(value) <= _DOUBLE_MAX)
    return isinstance(value, str) and _TEXTS[to].fullmatch(value) is not None


def _is_whole(value: Json) -> bool:
    if isinstance(value, float):
        return value.is_integer()
    return isinstance(value, int) and not isinstance(value, bool)


def _short(value: Json) -> str:
    """Name a literal without repeating much of it."""
    match value:
        case None | bool():
            return {None: "null", True: "true", False: "false"}[value]
        case int() | float():
            return str(value)
        case str():
            return "a string" if len(value) > 40 or not is_printable(value) else f'"{value}"'
        case list():
            return "a list"
    return "an object"


def coerce(value: Value, to: Type) -> Value:
    """Write the literals in a value as their type does: 1 as 1.0 for a double, 1.0 as 1 for an int."""
    match value, to:
        case Literal(value=str(text), origin=origin), Primitive() if to in _TIMES and _fits_primitive(text, to):
            return Expression(Call(_TIMES[to], (Const(_time_text(text)),)), origin)
        case Literal(value=literal), _:
            coerced = _coerce(literal, to)
            return value if coerced is literal else replace(value, value=coerced)
        case ListValue(items=items), ListType(item=item):
            coerced = tuple(coerce(member, item) for member in items)
            return value if _same(coerced, items) else replace(value, items=coerced)
        case ObjectValue(fields=fields), ObjectType():
            types = {field.name: field.type for field in to.fields}
            coerced_fields = tuple((key, coerce(member, types.get(key, ANY))) for key, member in fields)
        case ObjectValue(fields=fields), MapType(value=item):
            coerced_fields = tuple((key, coerce(member, item)) for key, member in fields)
        case _:
            return value
    same = _same(tuple(member for _, member in coerced_fields), tuple(member for _, member in fields))
    return value if same else replace(value, fields=coerced_fields)


def _time_text(text: str) -> str:
    """Write a point in time or a length of time as the language does: `20s`, however the document has it."""
    iso = re.fullmatch(_ISO, text, re.ASCII)
    if iso is not None:
        length = math.fsum(float(iso[unit] or 0) * size for unit, size in _UNITS.items())
    elif text[0] == "-" or (plain := seconds(text)) is None:
        return text.upper() if "T" in text.upper() else text
    else:
        length = plain
    return f"{length:.3f}".rstrip("0").rstrip(".") + "s"


def _same(coerced: tuple[Value, ...], given: tuple[Value, ...]) -> bool:
    return all(one is other for one, other in zip(coerced, given, strict=True))


def _coerce(value: Json, to: Type) -> Json:
    match to, value:
        case UnionType(members=members), _:
            return _coerce_to_any(value, members)
        case ListType(item=item), list():
            coerced = [_coerce(member, item) for member in value]
            return value if all(a is b for a, b in zip(coerced, value, strict=True)) else coerced
        case MapType(value=item), dict():
            coerced_dict = {key: _coerce(member, item) for key, member in value.items()}
        case ObjectType(), dict():
            types = {field.name: field.type for field in to.fields}
            coerced_dict = {key: _coerce(member, types.get(key, ANY)) for key, member in value.items()}
        case Primitive(), int() | float() if not isinstance(value, bool):
            return _coerce_number(value, to)
        case _:
            return value
    return value if all(coerced_dict[key] is value[key] for key in value) else coerced_dict


def _coerce_number(value: float, to: Primitive) -> float:
    if to == DOUBLE and isinstance(value, int) and _fits_primitive(value, to):
        return float(value)
    if to == INT and isinstance(value, float) and _fits_primitive(value, to):
        return int(value)
    return value


def _coerce_to_any(value: Json, members: tuple[Type, ...]) -> Json:
    """Take the first member that the value has already, else the first that it can be written as."""
    fitting = [member for member in members if _fits(value, member)]
    for member in fitting:
        if _coerce(value, member) is value:
            return value
    return _coerce(value, fitting[0]) if fitting else value
