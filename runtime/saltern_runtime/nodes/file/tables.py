"""Tables: their header, and the rows under it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from saltern_runtime.nodes.file.refusal import Budget, Refusal

_MOST_NAMED: Final = 20
"""Columns that an error lists."""


class Table:
    """What is read of a table: the columns that are wanted, of all that there are."""

    def __init__(self, unit: str, header: Sequence[str], wanted: Sequence[str] | None, budget: Budget) -> None:
        """Begin with a header; raises Refusal where it names no columns. `unit` is what rows are counted in: `line`, `row`."""
        self.unit = unit
        self.header = list(header)
        if wanted is None:
            self._refuse_empty()
            self._refuse_twice(self.header)
            self.names = self.header
            budget.take(self.header)
        else:
            there = frozenset(self.header)
            self.names = [name for name in wanted if name in there]
            named = frozenset(self.names)
            self._refuse_twice([name for name in self.header if name in named])
        places = {name: place for place, name in enumerate(self.header)}
        self._places = [places[name] for name in self.names]
        self.rows: list[tuple[int, list[Any]]] = []

    def add(self, number: int, values: Sequence[Any], budget: Budget) -> None:
        """Keep a row that is as long as the header."""
        kept = [values[place] for place in self._places]
        budget.take(dict(zip(self.names, kept, strict=True)))
        self.rows.append((number, kept))

    def answer(self) -> dict[str, Any]:
        """Return it as JSON."""
        listed = [name for name in self.header if name][:_MOST_NAMED]
        return {"unit": self.unit, "names": self.names, "header": listed, "rows": self.rows}

    def _refuse_empty(self) -> None:
        for number, name in enumerate(self.header, 1):
            if not name:
                raise Refusal("empty-header", f"column {number} has no name; name it, or say `header: false`")

    def _refuse_twice(self, names: Sequence[str]) -> None:
        seen: set[str] = set()
        for name in names:
            if name in seen:
                raise Refusal("duplicate-columns", f"two columns have the name {name!r}")
            seen.add(name)


def numbered(width: int) -> list[str]:
    """Return names for columns that have none: `column1`, `column2`, and so on."""
    return [f"column{number}" for number in range(1, width + 1)]


def objects(
    lines: Iterable[tuple[int, dict[str, Any]]], wanted: Sequence[str] | None, budget: Budget
) -> dict[str, Any]:
    """Return rows that bring their own names, as JSON."""
    kept = list(_kept(lines, wanted, budget))
    return {"unit": "line", "objects": kept}


def _kept(
    lines: Iterable[tuple[int, dict[str, Any]]], wanted: Sequence[str] | None, budget: Budget
) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, found in lines:
        row = found if wanted is None else {name: found[name] for name in wanted if name in found}
        budget.take(row)
        yield number, row
