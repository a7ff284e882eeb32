"""What binds names: CEL's macros, those with two names, `cel.bind`; and what is ours: groups."""

from __future__ import annotations

from typing import Final

from saltern_compiler.expr.signatures import MacroRow

_ONE_OR_TWO: Final = ((1, 1), (2, 1))
_MAYBE_FILTERED: Final = ((2, 1), (2, 2))
MACRO_ROWS: Final[tuple[MacroRow, ...]] = (
    MacroRow(
        "all", "list.all(item, condition)",
        "Whether it holds for every item, or key of a map; with two names, for every place and item, or key and value.",
        '[1, 2].all(n, n > 0) && {"a": 1}.all(k, v, k == "a" && v == 1)', _ONE_OR_TWO,
    ),
    MacroRow(
        "exists", "list.exists(item, condition)", "Whether it holds for one of them; also with two names.",
        "[1, 2].exists(n, n > 1) && [1, 2].exists(i, n, i == 1 && n == 2)", _ONE_OR_TWO,
    ),
    MacroRow(
        "exists_one", "list.exists_one(item, condition)",
        "Whether it holds for one and no other; also with two names. `existsOne` is the same.",
        "[1, 2].exists_one(n, n > 1) && [1, 2].existsOne(i, n, i == n - 1 && n > 1)", _ONE_OR_TWO,
    ),
    MacroRow("filter", "list.filter(item, condition)", "The items for which it holds.", "[1, 2].filter(n, n > 1) == [2]"),
    MacroRow(
        "map", "list.map(item, value)", "A value for each item; with a condition before it, for those for which it holds.",
        "[1, 2].map(n, n * 2) == [2, 4]", ((1, 1), (1, 2)),
    ),
    MacroRow(
        "groupBy", "list.groupBy(item, text)", "The items under a text of each.",
        '["ant", "bee", "ape"].groupBy(name, name.charAt(0)) == {"a": ["ant", "ape"], "b": ["bee"]}', ours=True,
    ),
    MacroRow(
        "sortBy", "list.sortBy(item, value)", "The items in the order of a value of each.",
        '["bb", "a"].sortBy(text, text.size()) == ["a", "bb"]',
    ),
    MacroRow(
        "transformList", "list.transformList(place, item, value)",
        "A value for each place and item, or key and value of a map; with a condition before it, where it holds.",
        "[5, 7].transformList(i, n, i > 0, n + i) == [8]", _MAYBE_FILTERED,
    ),
    MacroRow(
        "transformMap", "map.transformMap(key, value, new)",
        "The map with a new value for each key; of a list, its places are the keys. With a condition before it, where it holds.",
        '{"a": 1, "b": 2}.transformMap(k, v, v > 1, v * 2) == {"b": 4}', _MAYBE_FILTERED,
    ),
    MacroRow(
        "transformMapEntry", "map.transformMapEntry(key, value, {(key): value})",
        "The map of an entry for each key and value, or place and item of a list; no key may come twice.",
        '["a", "b"].transformMapEntry(i, name, {(name): i}) == {"a": 0, "b": 1}', _MAYBE_FILTERED,
    ),
    MacroRow(
        "cel.bind", "cel.bind(name, value, result)", "A result that reads a value under a name, which is worked out once.",
        "cel.bind(half, 7 / 2, half * half) == 9", (),
    ),
)  # fmt: skip
