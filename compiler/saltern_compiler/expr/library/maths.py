"""CEL's extension of mathematics. Where it wants a double, a whole number is one, as everywhere in expressions."""

from __future__ import annotations

from typing import Final

from saltern_compiler.expr.kinds import ANY, BOOL, DOUBLE, INT
from saltern_compiler.expr.signatures import INTEGER, NUMBER, Function, Overload, function
from saltern_runtime.spec.types import ListType, Type

_DYNAMIC: Final = Overload((ANY,), ANY, fails=True)
_SAME: Final = (_DYNAMIC, Overload((NUMBER,), NUMBER, fails=True))
_TWO: Final = Overload((INTEGER, INTEGER), INTEGER, fails=True)
_SHIFT: Final = Overload((INTEGER, INT), INTEGER, fails=True)


def _extreme(name: str, doc: str, example: str) -> Function:
    return function(
        name, doc, example,
        _DYNAMIC, Overload((ListType(NUMBER),), NUMBER, fails=True),
        Overload((NUMBER,), NUMBER), Overload((NUMBER, NUMBER), NUMBER, many=True),
    )  # fmt: skip


def _of_double(name: str, doc: str, example: str, gives: Type = DOUBLE) -> Function:
    return function(name, doc, example, Overload((DOUBLE,), gives), Overload((INT,), gives))


MATHS: Final[tuple[Function, ...]] = (
    _extreme("math.greatest", "The greatest of the numbers, or of those in a list.", "math.greatest(1, 3, 2) == 3"),
    _extreme("math.least", "The least of the numbers, or of those in a list.", "math.least([2.5, 1.5]) == 1.5"),
    _of_double("math.ceil", "The least whole number that is not below it.", "math.ceil(1.2) == 2.0"),
    _of_double("math.floor", "The greatest whole number that is not above it.", "math.floor(-1.2) == -2.0"),
    _of_double("math.round", "The nearest whole number; halves go away from zero.", "math.round(-1.5) == -2.0"),
    _of_double("math.trunc", "The number without its fraction.", "math.trunc(-1.7) == -1.0"),
    function("math.abs", "The number without its sign.", "math.abs(-2) == 2", *_SAME),
    function("math.sign", "-1, 0 or 1, of the type of the number.", "math.sign(-2.5) == -1.0", *_SAME),
    function("math.sqrt", "The square root; NaN of what is negative.", "math.sqrt(9) == 3.0", Overload((ANY,), DOUBLE, fails=True), Overload((NUMBER,), DOUBLE)),
    _of_double("math.isNaN", "Whether it is no number.", "math.isNaN(0.0 / 0.0)", BOOL),
    _of_double("math.isInf", "Whether it is infinite.", "math.isInf(1.0 / 0.0)", BOOL),
    _of_double("math.isFinite", "Whether it is neither infinite nor NaN.", "math.isFinite(1.5)", BOOL),
    function("math.bitAnd", "The bits that are set in both.", "math.bitAnd(5, 3) == 1", _TWO),
    function("math.bitOr", "The bits that are set in one of them at least.", "math.bitOr(5, 3) == 7", _TWO),
    function("math.bitXor", "The bits that are set in one of them and not in the other.", "math.bitXor(5, 3) == 6", _TWO),
    function("math.bitNot", "All bits turned over.", "math.bitNot(1) == -2", Overload((INTEGER,), INTEGER, fails=True)),
    function("math.bitShiftLeft", "The bits moved up.", "math.bitShiftLeft(1, 3) == 8", _SHIFT),
    function(
        "math.bitShiftRight", "The bits moved down, with zeros from above.", "math.bitShiftRight(8, 3) == 1", _SHIFT
    ),
)  # fmt: skip
