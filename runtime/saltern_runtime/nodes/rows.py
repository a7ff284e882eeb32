"""Rows of a type that a node is given: what nodes that give rows have in common."""

from __future__ import annotations

from collections.abc import Iterator
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Final, Union, get_args, get_origin

from saltern_runtime.spec import ANY, Bound, ListType, ObjectType, Param, Problem, Type, obj

if TYPE_CHECKING:
    from pydantic import BaseModel

ROW: Final = Param(
    "row",
    ANY,
    required=False,
    is_type=True,
    passed=False,
    doc="The type of a row, its fields named as the columns; columns without a field are left out.",
)


def rows_of(bound: Bound, otherwise: Type, **beside: Type) -> Type:
    """Return the type of a result with typed rows and what stands beside them, or another one where no type of a row is given."""
    row = bound.types.get(ROW.name)
    return otherwise if row is None else obj({"rows": ListType(row), **beside})


def check_row(bound: Bound) -> Iterator[Problem]:
    """Find what no row can be."""
    row = bound.types.get(ROW.name)
    if row is not None and not (isinstance(row, ObjectType) and row.fields):
        yield Problem(ROW.name, "the type of a row names no columns", ("Name them: `type { id: string }`.",))


def row_of(result: type[BaseModel]) -> type[BaseModel]:
    """Return the class of a row of a result."""
    row: type[BaseModel]
    (row,) = get_args(result.model_fields["rows"].annotation)
    return row


def members_of(annotation: Any) -> Iterator[Any]:
    """Yield what an annotation admits: the members of a union, or itself."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from members_of(get_args(annotation)[0])
    elif origin in (Union, UnionType):
        for member in get_args(annotation):
            yield from members_of(member)
    else:
        yield annotation
