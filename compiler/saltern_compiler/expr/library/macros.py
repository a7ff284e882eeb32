"""What binds a name: CEL's macros."""

from __future__ import annotations

from typing import Final

from saltern_compiler.expr.signatures import MacroRow

MACRO_ROWS: Final[tuple[MacroRow, ...]] = (
    MacroRow("all", "list.all(item, condition)", "Whether it holds for every item, or key of a map.", "[1, 2].all(n, n > 0)"),
    MacroRow("exists", "list.exists(item, condition)", "Whether it holds for an item.", "[1, 2].exists(n, n > 1)"),
    MacroRow(
        "exists_one", "list.exists_one(item, condition)", "Whether it holds for one item and no other.",
        "[1, 2].exists_one(n, n > 1)",
    ),
    MacroRow("filter", "list.filter(item, condition)", "The items for which it holds.", "[1, 2].filter(n, n > 1) == [2]"),
    MacroRow(
        "map", "list.map(item, value)", "A value for each item; with a condition before it, for those for which it holds.",
        "[1, 2].map(n, n * 2) == [2, 4]",
    ),
)  # fmt: skip
