"""Values of cells as the types of their columns: texts are read, and what does not fit is named with its place."""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal, get_args, get_origin

from pydantic import ValidationError

from saltern_runtime.dataclass import dataclass
from saltern_runtime.errors import PermanentError
from saltern_runtime.integers import INT_MAX, INT_MIN
from saltern_runtime.nodes.rows import members_of, row_of
from saltern_runtime.spec.schema import MARKS

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic.fields import FieldInfo

_INT: Final = re.compile(r"[+-]?[0-9]{1,20}")
_DOUBLE: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?")
_TIMESTAMP: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?",
    re.IGNORECASE,
)
_DURATION: Final = re.compile(r"-?P(?=[0-9T])(?:[0-9]+D)?(?:T(?:[0-9]+H)?(?:[0-9]+M)?(?:[0-9.]+S)?)?")
_SHOWN: Final = {
    int: "int", float: "double", bool: "bool", str: "string", datetime: "timestamp", timedelta: "duration", bytes: "bytes",
}  # fmt: skip
_MOST_SHOWN: Final = 40
"""Characters of a value that an error repeats."""
_MOST_FOUND: Final = 5
"""Misfits that an error names."""


class Misfit(ValueError):  # noqa: N818 - what is said of a value
    """A value is not of its column's type."""


@dataclass(frozen=True, slots=True)
class Column:
    """What a field of a row takes."""

    kinds: frozenset[Any]
    literals: tuple[Any, ...]
    required: bool
    is_marked: bool
    """Whether it is personal or secret, so that no error repeats what stands there."""

    @classmethod
    def of(cls, field: FieldInfo) -> Column:
        """Read a field of a row's class."""
        members = list(members_of(field.annotation))
        literals = tuple(value for member in members if get_origin(member) is Literal for value in get_args(member))
        extra = field.json_schema_extra
        is_marked = isinstance(extra, Mapping) and any(extra.get(mark) is True for mark in MARKS.values())
        kinds = frozenset(get_origin(member) or member for member in members) - {Literal}
        return cls(kinds, literals, field.is_required(), is_marked)

    @property
    def shown(self) -> str:
        """What it takes, in the language's words."""
        named = [_SHOWN[kind] for kind in _SHOWN if kind in self.kinds]
        return " or ".join([*named, *map(repr, self.literals)]) or "value of its type"


def columns_of(row: type[BaseModel]) -> dict[str, Column]:
    """Return what each column of a row takes."""
    return {field.alias or name: Column.of(field) for name, field in row.model_fields.items()}


def typed(result: type[BaseModel], columns: Mapping[str, Column], found: Mapping[str, Any], name: str) -> Any:
    """Return a result of rows of a type; raises PermanentError, which names places and what did not fit there."""
    row = row_of(result)
    misfits: list[str] = []
    rows: list[Any] = []
    if "objects" in found:
        given = found["objects"]
    else:
        _refuse_missing(columns, found, name)
        given = [(number, _cells(columns, found, number, values, misfits)) for number, values in found["rows"]]
    for number, values in given:
        if len(misfits) >= _MOST_FOUND:
            break
        if values is None:
            continue
        try:
            rows.append(row.model_validate(values))
        except ValidationError as error:
            for each in error.errors(include_input=False, include_url=False):
                place = ".".join(map(str, each["loc"]))
                misfits.append(f'{found["unit"]} {number}, column "{place}": {each["msg"]}')
    if misfits:
        more = "; and more" if len(misfits) > _MOST_FOUND else ""
        listed = "; ".join(misfits[:_MOST_FOUND])
        raise PermanentError(
            f"rows of {name} are not of the type that they are given: {listed}{more}", code="wrong-row"
        )
    return result.model_validate({"rows": rows})


def _refuse_missing(columns: Mapping[str, Column], found: Mapping[str, Any], name: str) -> None:
    missing = [column for column, what in columns.items() if what.required and column not in found["names"]]
    if missing:
        has = ", ".join(f'"{each}"' for each in found["header"]) or "none"
        raise PermanentError(f'{name} has no column "{missing[0]}"; it has {has}', code="missing-column")


def _cells(
    columns: Mapping[str, Column], found: Mapping[str, Any], number: int, values: list[Any], misfits: list[str]
) -> dict[str, Any] | None:
    """Return a row's values as their columns take them; None where one does not fit, which is noted."""
    row: dict[str, Any] | None = {}
    for name, value in zip(found["names"], values, strict=True):
        column = columns[name]
        if value in (None, "") and not column.required:
            continue
        try:
            fit = fitted(value, column)
        except Misfit as misfit:
            misfits.append(f'{found["unit"]} {number}, column "{name}": {misfit}')
            row = None
        else:
            if row is not None:
                row[name] = fit
    return row


def fitted(value: Any, column: Column) -> Any:
    """Return a cell's value as its column takes it; raises Misfit."""
    if value is None or (isinstance(value, str) and not value.strip() and str not in column.kinds):
        value = ""
    if value == "" and not isinstance(value, bool):
        return _empty(column)
    if Any in column.kinds:
        return value
    for literal in column.literals:
        if _is_literal(value, literal):
            return literal
    if str in column.kinds:
        return value if isinstance(value, str) else _written(value)
    read = _read(value.strip(), column.kinds) if isinstance(value, str) else _number(value, column.kinds)
    if read is None:
        shown = "what stands there" if column.is_marked else _brief(value)
        raise Misfit(f"{shown} is no {column.shown}")
    return read


def _empty(column: Column) -> Any:
    if type(None) in column.kinds or Any in column.kinds:
        return None
    if str in column.kinds or "" in column.literals:
        return ""
    raise Misfit(f"it is empty, and no {column.shown} is")


def _is_literal(value: Any, literal: Any) -> bool:
    if isinstance(literal, str):
        return bool(value == literal)
    return value == _written(literal) if isinstance(value, str) else type(value) is type(literal) and value == literal


def _written(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _brief(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"


def _read(text: str, kinds: frozenset[Any]) -> Any:
    """Read a text as the first kind that takes it; None where none does."""
    if bool in kinds and text.lower() in ("true", "false"):
        return text.lower() == "true"
    if int in kinds and _INT.fullmatch(text) and INT_MIN <= int(text) <= INT_MAX:
        return int(text)
    if float in kinds and _DOUBLE.fullmatch(text) and math.isfinite(float(text)):
        return float(text)
    if datetime in kinds and _TIMESTAMP.fullmatch(text):
        return _timestamp(text)
    if timedelta in kinds and _DURATION.fullmatch(text) and not text.endswith(("P", "T")):
        return text
    return _octets(text) if bytes in kinds else None


def _number(value: Any, kinds: frozenset[Any]) -> Any:
    """Return what is no text as the kind that takes it; None where none does."""
    if isinstance(value, bool):
        return value if bool in kinds else None
    if isinstance(value, int) and int in kinds and INT_MIN <= value <= INT_MAX:
        return value
    return float(value) if isinstance(value, int | float) and float in kinds else None


def _timestamp(text: str) -> datetime | None:
    """Read ISO 8601; where it names no zone it is UTC."""
    try:
        found = datetime.fromisoformat(text.upper())
    except ValueError:
        return None
    return found.replace(tzinfo=found.tzinfo or UTC)


def _octets(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        return None
