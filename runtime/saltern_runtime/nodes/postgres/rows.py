"""Rows of a statement: by column name, as plain JSON or as the type that a node gives them."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, TypeVar, get_args, get_origin

from saltern_runtime.errors import PermanentError
from saltern_runtime.nodes.postgres.values import out
from saltern_runtime.nodes.rows import members_of, row_of
from saltern_runtime.spec import ANY, INT, ListType, MapType, obj

if TYPE_CHECKING:
    import psycopg
    from pydantic import BaseModel

M = TypeVar("M", bound="BaseModel")

_MONTHS: Final = re.compile(r"P[^T]*\d[YM]")
"""An interval with months, which are no length of time."""
_NO_LENGTH: Final = object()
"""Fits no type."""

MAX_ROWS: Final = 10_000
UNTYPED: Final = obj({"rows": ListType(MapType(ANY)), "count": INT})


def read(cursor: psycopg.Cursor[Any]) -> list[dict[str, Any]]:
    """Return rows as psycopg reads them; raises PermanentError for too many, and for two columns of one name."""
    if cursor.description is None:
        return []
    names = [column.name for column in cursor.description]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise PermanentError(
            f"the query gives two columns the name {', '.join(twice)}; rename one with AS", code="duplicate-columns"
        )
    rows = cursor.fetchmany(MAX_ROWS + 1)
    if len(rows) > MAX_ROWS:
        raise PermanentError(f"the query gives more than {MAX_ROWS} rows; add a LIMIT", code="too-large")
    return [dict(zip(names, row, strict=True)) for row in rows]


def plain_rows(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return rows as plain JSON."""
    return [{name: out(value) for name, value in row.items()} for row in rows]


def typed(result: type[M], rows: list[dict[str, Any]], count: int) -> M:
    """Return a result whose rows have the type that it says; raises PermanentError for a row that has not."""
    from pydantic import ValidationError  # noqa: PLC0415 - reading the spec needs no pydantic

    columns = {field.alias or name: field.annotation for name, field in row_of(result).model_fields.items()}
    given = [{name: _fitted(row[name], columns[name]) for name in columns.keys() & row.keys()} for row in rows]
    try:
        return result.model_validate({"rows": given, "count": count})
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False)
        places = ", ".join(f"{'.'.join(map(str, each['loc']))} ({each['type']})" for each in found[:5])
        raise PermanentError(f"rows are not of the type that they are given: {places}", code="wrong-row") from None


def _fitted(value: Any, annotation: Any) -> Any:
    """Return a column's value as JSON; a numeric is what the type asks for, as far as nothing is lost."""
    if isinstance(value, list):
        lists = [member for member in members_of(annotation) if get_origin(member) is list]
        item = get_args(lists[0])[0] if lists else None
        return [_fitted(each, item) for each in value]
    kinds = list(members_of(annotation))
    if isinstance(value, str) and timedelta in kinds and _MONTHS.match(value):
        return _NO_LENGTH
    if not isinstance(value, Decimal):
        return out(value)
    if int in kinds and value == value.to_integral_value():
        return int(value)
    return float(value) if float in kinds else str(value)
