"""CSV: fields between commas, semicolons or tabs (RFC 4180)."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from typing import Final

from saltern_runtime.nodes.file.refusal import Budget, Refusal
from saltern_runtime.nodes.file.tables import Table, numbered

_LINE: Final = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_SAMPLE: Final = 1 << 16
"""Characters from which the delimiter is told."""
_DELIMITERS: Final = ",;\t"
_NAMES: Final = {",": "comma", ";": "semicolon", "\t": "tab"}


def table_of_csv(text: str, *, header: bool, delimiter: str, wanted: Sequence[str] | None, budget: Budget) -> Table:
    """Read a table whose values are all texts; raises Refusal, which says in which line."""
    csv.field_size_limit(budget.most)
    table: Table | None = None
    width = 0
    for number, fields in _rows(text, delimiter or _told(text)):
        if table is None:
            width = len(fields)
            names = [name.strip() for name in fields] if header else numbered(width)
            table = Table("line", names, wanted, budget)
            if header:
                continue
        if len(fields) != width:
            first = "the header" if header else "the first row"
            raise Refusal("wrong-row", f"line {number} has {_count(len(fields))}, {first} has {width}")
        table.add(number, fields, budget)
    if table is None:
        raise Refusal("no-rows", "it holds no line")
    return table


def _count(fields: int) -> str:
    return f"{fields} field{'' if fields == 1 else 's'}"


def _rows(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield rows with the line in which each begins."""
    reader = csv.reader((line[0] for line in _LINE.finditer(text)), delimiter=delimiter, strict=True)
    while True:
        number = reader.line_num + 1
        try:
            fields = next(reader, None)
        except csv.Error as error:
            if "field limit" in str(error):
                most = f"{csv.field_size_limit()} characters, the most of any value (SALTERN_MAX_PAYLOAD)"
                why = f"a field of the row that begins in line {number} has more than {most}; is a quote never closed?"
                raise Refusal("too-large", why) from None
            why = "a quote is never closed" if "unexpected end" in str(error) else str(error)
            raise Refusal("malformed-csv", f"the row that begins in line {number} is no CSV: {why}") from None
        if fields is None:
            return
        if fields:
            yield number, fields


def _told(text: str) -> str:
    """Tell the delimiter by the one that gives every row of the beginning as many fields as the first has."""
    sample = text[:_SAMPLE]
    is_cut = len(text) > len(sample)
    widths = {mark: _widths(sample, mark, is_cut=is_cut) for mark in _DELIMITERS}
    several = [mark for mark, found in widths.items() if found and found[0] > 1]
    even = [mark for mark in several if len(set(widths[mark])) == 1]
    chosen = even or several
    if len(chosen) > 1:
        names = " or ".join(_NAMES[mark] for mark in chosen)
        raise Refusal("unclear-delimiter", f'its delimiter may be {names}; say which: `delimiter: ";"`')
    return chosen[0] if chosen else ","


def _widths(sample: str, delimiter: str, *, is_cut: bool) -> list[int]:
    widths = []
    try:
        for _, fields in _rows(sample, delimiter):
            widths.append(len(fields))
    except Refusal:
        return widths if is_cut else widths[:1] and [widths[0], 0]
    return widths[:-1] if is_cut and len(widths) > 1 else widths
