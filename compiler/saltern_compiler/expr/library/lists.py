"""CEL's extension of lists, where `first` and `last` give null for an empty one; and what is ours: sums, means, extremes, pairs."""

from __future__ import annotations

from typing import Final

from saltern_compiler.expr.kinds import BOOL, DOUBLE, DURATION, INT, Record
from saltern_compiler.expr.signatures import LIST, NUMBER, Function, Overload, T, U, function, method
from saltern_runtime.spec.types import Field, ListType, optional

_OF_T: Final = ListType(T)
_PAIR: Final = Record((Field("first", T), Field("second", U)))

SETS: Final[tuple[Function, ...]] = (
    function(
        "lists.range", "The whole numbers from 0 to before another.", "lists.range(3) == [0, 1, 2]",
        Overload((INT,), ListType(INT), fails=True),
    ),
    function(
        "sets.contains", "Whether every item of the second list is in the first.", "sets.contains([1, 2], [2, 2])",
        Overload((LIST, LIST), BOOL),
    ),
    function(
        "sets.equivalent", "Whether each list has every item of the other.", "sets.equivalent([1, 2], [2, 1, 1])",
        Overload((LIST, LIST), BOOL),
    ),
    function(
        "sets.intersects", "Whether an item is in both lists.", "sets.intersects([1, 2], [2, 3])", Overload((LIST, LIST), BOOL)
    ),
)  # fmt: skip
LISTS: Final[tuple[Function, ...]] = (
    method("distinct", "The items without those that equal an earlier one.", "[1, 2, 1].distinct() == [1, 2]", Overload((_OF_T,), _OF_T)),
    method(
        "flatten", "The items, those of lists in their place: one level deep, or so many.", "[[1], [2, 3]].flatten() == [1, 2, 3]",
        Overload((ListType(_OF_T),), _OF_T), Overload((LIST,), LIST), Overload((LIST, INT), LIST, fails=True),
    ),
    method("sort", "The items in order.", "[3, 1, 2].sort() == [1, 2, 3]", Overload((_OF_T,), _OF_T, fails=True)),
    method(
        "slice", "The items from a place on, to before another.", "[1, 2, 3].slice(1, 3) == [2, 3]",
        Overload((_OF_T, INT, INT), _OF_T, fails=True),
    ),
    method("first", "The first item, or null.", "[1, 2].first() == 1", Overload((_OF_T,), optional(T))),
    method("last", "The last item, or null.", "[1, 2].last() == 2", Overload((_OF_T,), optional(T))),
    method(
        "sum", "All items added up; 0 for none.", "[1, 2].sum() == 3",
        Overload((ListType(NUMBER),), NUMBER, fails=True), Overload((ListType(DURATION),), DURATION, fails=True), ours=True,
    ),
    method(
        "avg", "The mean of all items.", "[1, 2].avg() == 1.5",
        Overload((ListType(NUMBER),), DOUBLE, fails=True), Overload((ListType(DURATION),), DURATION, fails=True), ours=True,
    ),
    method(
        "zip", "The items of two lists side by side, as far as the shorter one goes.",
        '[1, 2].zip(["a", "b", "c"]).map(pair, pair.second) == ["a", "b"]',
        Overload((_OF_T, ListType(U)), ListType(_PAIR), fails=True), ours=True,
    ),
    method("min", "The least item.", "[2, 1].min() == 1", Overload((_OF_T,), T, fails=True), ours=True),
    method("max", "The greatest item.", "[2, 1].max() == 2", Overload((_OF_T,), T, fails=True), ours=True),
)  # fmt: skip
