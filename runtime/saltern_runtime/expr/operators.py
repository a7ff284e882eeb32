"""Operators where Python's own differ: overflow, division, comparison of dynamic values, `&&` and `||` over errors."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Hashable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar, overload

from saltern_runtime.expr.access import each
from saltern_runtime.expr.bounds import room
from saltern_runtime.expr.errors import ExprError
from saltern_runtime.expr.values import (
    MAX_DURATION,
    TypeName,
    UInt,
    is_model,
    members,
    no_overload,
)
from saltern_runtime.integers import INT_MAX, INT_MIN, UINT_MAX

K = TypeVar("K")
R = TypeVar("R")
T = TypeVar("T")


def whole(value: int, kind: type[int] = int) -> int:
    """Return an integer that fits 64 bits; raises `ExprError` otherwise."""
    low, high = (0, UINT_MAX) if kind is UInt else (INT_MIN, INT_MAX)
    if low <= value <= high:
        return kind(value)
    raise ExprError("overflow", f"the result does not fit {'a uint' if kind is UInt else 'an int'} of 64 bits")


def is_number(value: object) -> bool:
    """Whether a value is an int, a uint or a double."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def integers(a: object, b: object) -> type[int] | None:
    """Return the kind of integers that both are, if they are."""
    if isinstance(a, bool) or isinstance(b, bool):
        return None
    if isinstance(a, UInt) and isinstance(b, UInt):
        return UInt
    if isinstance(a, int) and isinstance(b, int) and not isinstance(a, UInt) and not isinstance(b, UInt):
        return int
    return None


def _doubles(a: object, b: object) -> bool:
    """Whether two numbers meet as doubles: at least one is, and ints widen."""
    both = is_number(a) and is_number(b) and not isinstance(a, UInt) and not isinstance(b, UInt)
    return both and (isinstance(a, float) or isinstance(b, float))


@overload
def add(a: int, b: int, /) -> int: ...
@overload
def add(a: float, b: float, /) -> float: ...
@overload
def add(a: timedelta, b: timedelta, /) -> timedelta: ...
@overload
def add(a: datetime, b: timedelta, /) -> datetime: ...
@overload
def add(a: timedelta, b: datetime, /) -> datetime: ...
@overload
def add(a: Any, b: Any, /) -> Any: ...
def add(a: Any, b: Any, /) -> Any:
    """Compute `a + b`; raises `ExprError` on overflow."""
    kind = integers(a, b)
    if kind is not None:
        return whole(a + b, kind)
    if _doubles(a, b) or (type(a) is type(b) and isinstance(a, str | bytes) and not isinstance(a, TypeName)):
        return a + b
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return [*a, *b]
    if isinstance(a, datetime | timedelta) and isinstance(b, datetime | timedelta):
        return _time(operator.add, "+", a, b)
    raise no_overload("+", a, b)


@overload
def sub(a: int, b: int, /) -> int: ...
@overload
def sub(a: float, b: float, /) -> float: ...
@overload
def sub(a: timedelta, b: timedelta, /) -> timedelta: ...
@overload
def sub(a: datetime, b: timedelta, /) -> datetime: ...
@overload
def sub(a: datetime, b: datetime, /) -> timedelta: ...
@overload
def sub(a: Any, b: Any, /) -> Any: ...
def sub(a: Any, b: Any, /) -> Any:
    """Compute `a - b`; raises `ExprError` on overflow."""
    kind = integers(a, b)
    if kind is not None:
        return whole(a - b, kind)
    if _doubles(a, b):
        return a - b
    if isinstance(a, datetime | timedelta) and isinstance(b, datetime | timedelta):
        return _time(operator.sub, "-", a, b)
    raise no_overload("-", a, b)


def _time(compute: Callable[[Any, Any], Any], sign: str, a: Any, b: Any) -> Any:
    try:
        moment = compute(a, b)
    except TypeError:
        raise no_overload(sign, a, b) from None
    except OverflowError:
        raise ExprError("overflow", "the result is outside the years 1 to 9999") from None
    if isinstance(moment, timedelta) and abs(moment) > MAX_DURATION:
        raise ExprError("overflow", "the duration is longer than 10,000 years")
    return moment


@overload
def mul(a: int, b: int, /) -> int: ...
@overload
def mul(a: float, b: float, /) -> float: ...
@overload
def mul(a: Any, b: Any, /) -> Any: ...
def mul(a: Any, b: Any, /) -> Any:
    """Compute `a * b`; raises `ExprError` on overflow."""
    kind = integers(a, b)
    if kind is not None:
        return whole(a * b, kind)
    if _doubles(a, b):
        return a * b
    raise no_overload("*", a, b)


@overload
def div(a: int, b: int, /) -> int: ...
@overload
def div(a: float, b: float, /) -> float: ...
@overload
def div(a: Any, b: Any, /) -> Any: ...
def div(a: Any, b: Any, /) -> Any:
    """Compute `a / b`: integers truncate toward zero, and raise `ExprError` on zero; doubles give infinity or NaN."""
    kind = integers(a, b)
    if kind is not None:
        return whole(_truncated(a, b), kind)
    if not _doubles(a, b):
        raise no_overload("/", a, b)
    if b != 0:
        return float(a) / float(b)
    return (
        math.nan if a == 0 or math.isnan(a) else math.copysign(math.inf, math.copysign(1.0, a) * math.copysign(1.0, b))
    )


@overload
def mod(a: int, b: int, /) -> int: ...
@overload
def mod(a: Any, b: Any, /) -> Any: ...
def mod(a: Any, b: Any, /) -> Any:
    """Compute `a % b`, with the sign of `a`; raises `ExprError` on zero."""
    kind = integers(a, b)
    if kind is None:
        raise no_overload("%", a, b)
    return kind(a - b * _truncated(a, b, "modulus by zero"))


def _truncated(a: int, b: int, problem: str = "division by zero") -> int:
    if b == 0:
        raise ExprError("division-by-zero", problem)
    quotient = abs(a) // abs(b)
    return quotient if (a < 0) is (b < 0) else -quotient


@overload
def neg(a: int, /) -> int: ...
@overload
def neg(a: Any, /) -> Any: ...
def neg(a: Any, /) -> Any:
    """Compute `-a`; raises `ExprError` on overflow."""
    if isinstance(a, float):
        return -a
    if is_number(a) and not isinstance(a, UInt):
        return whole(-a)
    raise no_overload("-", a)


def equal(a: Any, b: Any, /) -> bool:
    """Compute `a == b`: numbers by value whatever their types, everything else only within its own type."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if is_number(a) and is_number(b):
        return bool(a == b)
    if isinstance(a, TypeName) is not isinstance(b, TypeName):
        return False
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(equal(x, y) for x, y in zip(a, b, strict=True))
    if (_is_map(a)) and _is_map(b):
        return _equal_maps(_as_map(a), _as_map(b))
    return bool(a == b)


def _is_map(value: object) -> bool:
    return isinstance(value, Mapping) or is_model(value)


def _as_map(value: Any) -> Mapping[Any, Any]:
    return members(value) if is_model(value) else value


def _equal_maps(a: Mapping[Any, Any], b: Mapping[Any, Any]) -> bool:
    return len(a) == len(b) and all(key in b and equal(item, b[key]) for key, item in a.items())


def key(value: Any) -> Hashable:
    """Return what is equal, and hashes alike, for values that are `equal`; what is equal to nothing is so here."""
    match value:
        case bool() | None:
            return (type(value), value)
        case int() | float():
            return value if value == value else object()  # noqa: PLR0124 - NaN alone is unlike itself
        case list() | tuple():
            return (list, tuple(map(key, value)))
        case _ if _is_map(value):
            return (dict, frozenset((key(name), key(item)) for name, item in _as_map(value).items()))
        case _:
            return (TypeName if isinstance(value, TypeName) else type(value), value)


_ORDERED: Final = (bool, str, bytes, datetime, timedelta)


def _compare(sign: str, how: Callable[[Any, Any], bool], a: Any, b: Any) -> bool:
    if is_number(a) and is_number(b):
        mixed = isinstance(a, float) is not isinstance(b, float)
        return how(float(a), float(b)) if mixed else how(a, b)
    if any(isinstance(a, kind) and isinstance(b, kind) for kind in _ORDERED) and type(a) is type(b):
        return how(a, b)
    raise no_overload(sign, a, b)


def lt(a: Any, b: Any, /) -> bool:
    """Compute `a < b`."""
    return _compare("<", operator.lt, a, b)


def le(a: Any, b: Any, /) -> bool:
    """Compute `a <= b`."""
    return _compare("<=", operator.le, a, b)


def gt(a: Any, b: Any, /) -> bool:
    """Compute `a > b`."""
    return _compare(">", operator.gt, a, b)


def ge(a: Any, b: Any, /) -> bool:
    """Compute `a >= b`."""
    return _compare(">=", operator.ge, a, b)


def is_in(value: Any, whole: Any, /) -> bool:
    """Compute `value in whole`: an item of a list, a key of a map."""
    if not isinstance(whole, list | tuple) and not _is_map(whole):
        raise no_overload("in", value, whole)
    return any(equal(value, item) for item in each(whole))


def truth(value: Any) -> bool:
    """Return a bool; raises `ExprError` for anything else."""
    if isinstance(value, bool):
        return value
    raise no_overload("a condition", value)


def not_(value: Any, /) -> bool:
    """Compute `!value`."""
    return not truth(value)


def and_(left: Callable[[], Any], right: Callable[[], Any]) -> bool:
    """Compute `left && right`: false if either is, even where the other raises."""
    return _absorb(left, right, decided=False)


def or_(left: Callable[[], Any], right: Callable[[], Any]) -> bool:
    """Compute `left || right`: true if either is, even where the other raises."""
    return _absorb(left, right, decided=True)


def _absorb(left: Callable[[], Any], right: Callable[[], Any], *, decided: bool) -> bool:
    problem: ExprError | None = None
    for side in (left, right):
        try:
            if truth(side()) is decided:
                return decided
        except ExprError as error:
            problem = problem or error
    if problem is not None:
        raise problem
    return not decided


def all_of(items: Iterable[T], holds: Callable[[T], Any]) -> bool:
    """Compute `items.all(x, …)`: false if it fails to hold once, even where it raises for others."""
    return _absorb_items(items, holds, decided=False)


def any_of(items: Iterable[T], holds: Callable[[T], Any]) -> bool:
    """Compute `items.exists(x, …)`: true if it holds once, even where it raises for others."""
    return _absorb_items(items, holds, decided=True)


def all_of_pairs(entries: Iterable[tuple[K, T]], holds: Callable[[K, T], Any]) -> bool:
    """Compute `items.all(k, v, …)`, as `all_of` does."""
    return _absorb_items(entries, lambda entry: holds(*entry), decided=False)


def any_of_pairs(entries: Iterable[tuple[K, T]], holds: Callable[[K, T], Any]) -> bool:
    """Compute `items.exists(k, v, …)`, as `any_of` does."""
    return _absorb_items(entries, lambda entry: holds(*entry), decided=True)


def bind(value: T, then: Callable[[T], R]) -> R:
    """Compute `cel.bind(name, value, …)`; raises `ExprError` for a value that is too large."""
    if isinstance(value, str | bytes | list | tuple):
        room(len(value), items=not isinstance(value, str | bytes))
    return then(value)


def _absorb_items(items: Iterable[T], holds: Callable[[T], Any], *, decided: bool) -> bool:
    problem: ExprError | None = None
    for item in items:
        try:
            if truth(holds(item)) is decided:
                return decided
        except ExprError as error:
            problem = problem or error
    if problem is not None:
        raise problem
    return not decided
