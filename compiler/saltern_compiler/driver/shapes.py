"""The type of a value that is there, as expressions may read it."""

from __future__ import annotations

from collections.abc import Sequence

from saltern_compiler.passes.values import type_of
from saltern_runtime.spec import ANY, DOUBLE, INT, Field, Json, ListType, ObjectType, Type, obj, optional


def shape_of(value: Json) -> Type:
    """Return the type of a JSON value: objects in one list are one type, whose fields may be absent where some have them not."""
    match value:
        case list():
            return ListType(_common([shape_of(item) for item in value if item is not None], nullable=None in value))
        case dict():
            return obj({name: shape_of(item) for name, item in value.items()})
        case None:
            return ANY
        case _:
            return type_of(value)


def _common(types: Sequence[Type], *, nullable: bool = False) -> Type:
    """Return the one type that values of several have; `any` where they have none in common."""
    of = _merged(list(dict.fromkeys(types)))
    return optional(of) if nullable and of != ANY else of


def _merged(types: Sequence[Type]) -> Type:
    if len(types) == 1:
        return types[0]
    if types and set(types) <= {INT, DOUBLE}:
        return DOUBLE
    lists = [of.item for of in types if isinstance(of, ListType)]
    if lists and len(lists) == len(types):
        return ListType(_common(lists))
    objects = [of for of in types if isinstance(of, ObjectType)]
    if objects and len(objects) == len(types):
        return ObjectType(
            tuple(_field(name, objects) for name in sorted({each.name for of in objects for each in of.fields}))
        )
    return ANY


def _field(name: str, objects: Sequence[ObjectType]) -> Field:
    found = [field for of in objects if (field := of.field(name)) is not None]
    return Field(name, _common([field.type for field in found]), required=len(found) == len(objects))
