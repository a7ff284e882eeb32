"""CEL's extension of mathematics: integers of 64 bits, doubles as IEEE 754 has them."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar, overload

from saltern_runtime.expr.errors import ExprError
from saltern_runtime.expr.lists import most
from saltern_runtime.expr.operators import integers, is_number, whole
from saltern_runtime.expr.values import UInt, no_overload

N = TypeVar("N", bound=float)
I = TypeVar("I", bound=int)  # noqa: E741 - an integer, beside N

_BITS: Final = 64
_ALL: Final = (1 << _BITS) - 1


@overload
def math_greatest(values: Sequence[N], /) -> N: ...
@overload
def math_greatest(*values: N) -> N: ...
def math_greatest(*values: Any) -> Any:
    """Return the greatest of some numbers, or of a list of them; the first of equal ones."""
    return most("math.greatest()", _numbers("math.greatest()", values), last=True)


@overload
def math_least(values: Sequence[N], /) -> N: ...
@overload
def math_least(*values: N) -> N: ...
def math_least(*values: Any) -> Any:
    """Return the least of some numbers, or of a list of them; the first of equal ones."""
    return most("math.least()", _numbers("math.least()", values), last=False)


def _numbers(operation: str, values: Sequence[Any]) -> Sequence[Any]:
    items = values[0] if len(values) == 1 and isinstance(values[0], list | tuple) else values
    for value in items:
        if not is_number(value):
            raise no_overload(operation, value)
    return items


def math_ceil(value: float) -> float:
    """Return the least whole double that is not below a number."""
    return _rounded(math.ceil, value)


def math_floor(value: float) -> float:
    """Return the greatest whole double that is not above a number."""
    return _rounded(math.floor, value)


def math_trunc(value: float) -> float:
    """Return a number without its fraction."""
    return _rounded(math.trunc, value)


def math_round(value: float) -> float:
    """Return the nearest whole double; halves go away from zero."""
    return _rounded(_nearest, value)


def _nearest(value: float) -> float:
    below = math.floor(abs(value))
    return math.copysign(below + (abs(value) - below >= 0.5), value)


def _rounded(how: Callable[[float], float], value: float) -> float:
    number = float(value)
    return math.copysign(how(number), number) if math.isfinite(number) else number


@overload
def math_abs(value: N, /) -> N: ...
@overload
def math_abs(value: Any, /) -> Any: ...
def math_abs(value: Any, /) -> Any:
    """Return a number without its sign; raises `ExprError` where that leaves 64 bits."""
    if not is_number(value):
        raise no_overload("math.abs()", value)
    return abs(value) if isinstance(value, float) else whole(abs(value), type(value))


@overload
def math_sign(value: N, /) -> N: ...
@overload
def math_sign(value: Any, /) -> Any: ...
def math_sign(value: Any, /) -> Any:
    """Return -1, 0 or 1, of the type of the number; NaN for NaN."""
    if not is_number(value):
        raise no_overload("math.sign()", value)
    if isinstance(value, float) and math.isnan(value):
        return value
    return type(value)((value > 0) - (value < 0))


def math_sqrt(value: Any) -> float:
    """Return the square root; NaN of what is negative."""
    if not is_number(value):
        raise no_overload("math.sqrt()", value)
    return math.sqrt(value) if value >= 0 else math.nan


def math_bit_and(a: I, b: I) -> I:
    """Return the bits that are set in both integers."""
    return _bitwise("math.bitAnd()", operator.and_, a, b)


def math_bit_or(a: I, b: I) -> I:
    """Return the bits that are set in at least one of two integers."""
    return _bitwise("math.bitOr()", operator.or_, a, b)


def math_bit_xor(a: I, b: I) -> I:
    """Return the bits that are set in one of two integers and not in the other."""
    return _bitwise("math.bitXor()", operator.xor, a, b)


def math_bit_not(value: I) -> I:
    """Return an integer with every bit turned over."""
    return _bitwise("math.bitNot()", lambda bits, _: ~bits, value, value)


def math_bit_shift_left(value: I, by: int) -> I:
    """Move the bits of an integer up; what leaves its 64 bits is lost."""
    return _shifted("math.bitShiftLeft()", operator.lshift, value, by)


def math_bit_shift_right(value: I, by: int) -> I:
    """Move the bits of an integer down, with zeros from above."""
    return _shifted("math.bitShiftRight()", operator.rshift, value, by)


def _shifted(operation: str, how: Callable[[int, int], int], value: I, by: Any) -> I:
    if integers(by, by) is not int:
        raise no_overload(operation, value, by)
    if by < 0:
        raise ExprError("invalid-argument", f"{operation}: {by} is a negative number of bits")
    return _bitwise(operation, lambda bits, _: how(bits & _ALL, min(by, _BITS)), value, value)


def _bitwise(operation: str, how: Callable[[int, int], int], a: I, b: Any) -> I:
    kind: Any = integers(a, b)
    if kind is None:
        raise no_overload(operation, a, b)
    bits = how(a, b) & _ALL
    result: I = kind(bits if kind is UInt or bits >> (_BITS - 1) == 0 else bits - (_ALL + 1))
    return result
