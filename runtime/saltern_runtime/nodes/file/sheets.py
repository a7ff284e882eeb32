"""XLSX: a sheet's values as Excel last saw them."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

from saltern_runtime.nodes.file.refusal import Budget, Refusal
from saltern_runtime.nodes.file.tables import Table, numbered

_EXACT = 2**53
"""Whole numbers below are exact in Excel."""


def table_of_xlsx(
    content: BinaryIO, *, sheet: str, header: bool, wanted: Sequence[str] | None, budget: Budget
) -> Table:
    """Read a sheet, the first one unless it is named; its archive has been checked. Raises Refusal."""
    import python_calamine  # noqa: PLC0415 - reading a spec loads no parser

    content.seek(0)
    try:
        book = python_calamine.CalamineWorkbook.from_filelike(content)
        found = _sheet(book, sheet)
    except python_calamine.PasswordError:
        raise Refusal("encrypted", "it is protected by a password; take the protection away") from None
    except python_calamine.CalamineError as error:
        raise Refusal("unreadable", f"it is a damaged Excel workbook ({type(error).__name__})") from None
    table: Table | None = None
    named: list[bool] = []
    for number, row in _rows(found):
        if table is None:
            names = [_name(value) for value in row] if header else numbered(len(row))
            named = [bool(name) for name in names]
            table = Table("row", [name for name in names if name], wanted, budget)
            if header:
                continue
        if wanted is None:
            _refuse_unnamed(number, row, named, found.start[1])
        table.add(number, [value for value, has in zip(row, named, strict=True) if has], budget)
    if table is None:
        raise Refusal("no-rows", f"its sheet {found.name!r} is empty")
    return table


def _rows(sheet: Any) -> Iterator[tuple[int, list[Any]]]:
    """Yield the rows that hold something, with their numbers; each is as long as the sheet is wide."""
    for number, values in enumerate(sheet.iter_rows() if sheet.start is not None else (), 1):
        row = [_value(value) for value in values]
        if any(value is not None for value in row):
            yield number, row


def _refuse_unnamed(number: int, row: Sequence[Any], named: Sequence[bool], first: int) -> None:
    for place, value in enumerate(row):
        if value is not None and not named[place]:
            raise Refusal(
                "empty-header", f"row {number} has a value in column {_letters(first + place)}, which has no name"
            )


def _sheet(book: Any, name: str) -> Any:
    """Return a sheet of a workbook: the one of that name, or the first that holds cells."""
    import python_calamine  # noqa: PLC0415 - reading a spec loads no parser

    cells = [each.name for each in book.sheets_metadata if each.typ == python_calamine.SheetTypeEnum.WorkSheet]
    if name and name not in cells:
        listed = ", ".join(map(repr, cells[:20]))
        raise Refusal("no-such-sheet", f"it has no sheet {name!r}; it has {listed or 'none'}")
    if not cells:
        raise Refusal("no-rows", "it has no sheet with cells")
    return book.get_sheet_by_name(name or cells[0])


def _value(value: Any) -> Any:
    """Return a cell's value as JSON: times as ISO 8601, whole numbers as integers, null for an empty cell."""
    if value == "" and isinstance(value, str):
        return None
    if isinstance(value, float):
        if not math.isfinite(value):
            raise Refusal("wrong-row", f"a cell holds {value}, which is no number that JSON has")
        return int(value) if value.is_integer() and abs(value) <= _EXACT else value
    if isinstance(value, dt.datetime):
        return f"{value.isoformat()}Z"
    if isinstance(value, dt.date):
        return f"{value.isoformat()}T00:00:00Z"
    if isinstance(value, dt.time):
        return value.isoformat()
    if isinstance(value, dt.timedelta):
        return f"PT{value.total_seconds():.15g}S"
    return value


def _name(value: Any) -> str:
    return "" if value is None else str(value).strip()


def _letters(column: int) -> str:
    """Return what Excel calls a column, counted from 0: A to Z, AA and so on."""
    name = ""
    while column >= 0:
        name = chr(ord("A") + column % 26) + name
        column = column // 26 - 1
    return name
