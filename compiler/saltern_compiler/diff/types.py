"""What differs between two types, field by field, and what each difference is for callers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final, Literal, TypeAlias

from saltern_compiler.diff.model import Grade, Kind
from saltern_compiler.expr.assign import Parting, assignable
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import (
    ANY,
    NULL,
    Field,
    FileType,
    ListType,
    MapType,
    ObjectType,
    Primitive,
    Type,
    UnionType,
    show,
)
from saltern_runtime.spec.types import is_nullable, without_null

Way: TypeAlias = Literal["in", "out"]
"""Whether callers give values of the type, or get them."""
_UNKNOWN: Final = Primitive("any value")


@dataclass(frozen=True, slots=True)
class Difference:
    """Where two types differ; `path` leads there as expressions write it: `items[].title`."""

    kind: Kind
    path: str
    old: str | None
    new: str | None
    grade: Grade
    why: str


def flows(source: Type, target: Type, way: Way = "in") -> Parting | None:
    """Return None if every value of `source` is one of `target`, else where they part.

    Unlike where the checker asks, `any` goes into no other type: nothing is known of what it holds. Whoever gets a value (`out`)
    is taken to pass over fields that it does not know.
    """
    return assignable(_strict(source), _tolerant(target) if way == "out" else target)


def _strict(of: Type) -> Type:
    """Put a type that nothing but `any` takes for `any`."""
    match of:
        case Primitive():
            return _UNKNOWN if of == ANY else of
        case FileType():
            return of
        case ListType(item=item):
            return ListType(_strict(item))
        case MapType(value=value):
            return MapType(_strict(value))
        case ObjectType(fields=fields):
            return replace(of, fields=tuple(replace(each, type=_strict(each.type)) for each in fields))
        case UnionType(members=members):
            return UnionType(tuple(map(_strict, members)))
    return of


def _tolerant(of: Type) -> Type:
    """Let every object carry further fields."""
    match of:
        case FileType():
            return of
        case ListType(item=item):
            return ListType(_tolerant(item))
        case MapType(value=value):
            return MapType(_tolerant(value))
        case ObjectType(fields=fields):
            return ObjectType(tuple(replace(each, type=_tolerant(each.type)) for each in fields), open=True)
        case UnionType(members=members):
            return UnionType(tuple(map(_tolerant, members)))
    return of


def differences(old: Type, new: Type, way: Way, path: str = "") -> Iterator[Difference]:
    """Yield what differs, in the order of the fields' names."""
    if show(old) == show(new):
        return
    match old, new:
        case (FileType(), _) | (_, FileType()):
            yield _changed(path, old, new, way)
        case ObjectType(), ObjectType():
            yield from _of_objects(old, new, way, path)
        case ListType(item=item), ListType(item=other):
            yield from differences(item, other, way, f"{path}[]")
        case MapType(value=value), MapType(value=other):
            yield from differences(value, other, way, f"{path}[]")
        case UnionType(), UnionType() if is_nullable(old) and is_nullable(new):
            yield from _of_nullable(old, new, way, path)
        case _:
            yield _changed(path, old, new, way)


def _of_nullable(old: UnionType, new: UnionType, way: Way, path: str) -> Iterator[Difference]:
    """Look behind the `?` of both."""
    ours, theirs = without_null(old), without_null(new)
    if isinstance(ours, UnionType) or isinstance(theirs, UnionType) or NULL in (ours, theirs):
        yield _changed(path, old, new, way)
        return
    yield from differences(ours, theirs, way, path)


def _changed(path: str, old: Type, new: Type, way: Way) -> Difference:
    source, target = (old, new) if way == "in" else (new, old)
    parting = flows(source, target, way)
    grade = Grade.SAFE if parting is None else Grade.BREAKING
    return Difference("changed", path, show(old), show(new), grade, "" if parting is None else _why(parting, way))


def _why(parting: Parting, way: Way) -> str:
    place = f"{parting.place()}: " if parting.path else ""
    return f"{place}what callers {'send' if way == 'in' else 'get'} may not fit: {parting.reason}"


def _of_objects(old: ObjectType, new: ObjectType, way: Way, path: str) -> Iterator[Difference]:
    for name in sorted({field.name for field in (*old.fields, *new.fields)}):
        ours, theirs = old.field(name), new.field(name)
        place = f"{path}.{name}" if path else name
        if ours is None and theirs is not None:
            yield _added(place, theirs, old, way)
        elif theirs is None and ours is not None:
            yield _removed(place, ours, new, way)
        elif ours is not None and theirs is not None:
            yield from _of_fields(place, ours, theirs, way)
    if old.open != new.open:
        grade = Grade.BREAKING if way == "in" and old.open else Grade.SAFE
        why = "callers may send further fields, which are refused now" if grade is Grade.BREAKING else ""
        place = f"{path}..." if path else "..."
        kind: Kind = "removed" if old.open else "added"
        yield Difference(kind, place, "..." if old.open else None, "..." if new.open else None, grade, why)


def _added(path: str, field: Field, old: ObjectType, way: Way) -> Difference:
    grade, why = Grade.SAFE, ""
    if way == "in" and field.required:
        grade, why = Grade.BREAKING, "callers do not send it"
    elif way == "in" and old.open:
        why = "callers could send a field of this name before, of any type"
    return Difference("added", path, None, _field(field), grade, why)


def _removed(path: str, field: Field, new: ObjectType, way: Way) -> Difference:
    grade, why = Grade.SAFE, ""
    if way == "in" and not new.open:
        grade, why = Grade.BREAKING, "callers that send it are refused"
    elif way == "out" and field.required:
        grade, why = Grade.BREAKING, "callers may read it"
    return Difference("removed", path, _field(field), None, grade, why)


def _of_fields(path: str, old: Field, new: Field, way: Way) -> Iterator[Difference]:
    if old.required != new.required or old.labels != new.labels:
        grade, why = Grade.SAFE, ""
        lost = [label for label in old.labels if label not in new.labels]
        if lost:
            grade, why = Grade.BREAKING, f"what is {' and '.join(lost)} goes unmarked now"
        if old.required != new.required and new.required == (way == "in"):
            grade = Grade.BREAKING
            why = "callers need not send it today" if way == "in" else "callers count on it, and it may be absent now"
        yield Difference("changed", path, _mark(old), _mark(new), grade, why)
    yield from differences(old.type, new.type, way, path)


def _mark(field: Field) -> str:
    return ("required" if field.required else "may be absent") + "".join(f", {label}" for label in field.labels)


def _field(field: Field) -> str:
    optional = "" if field.required else ", may be absent"
    return show(field.type) + optional + "".join(f" @{label}" for label in field.labels)
