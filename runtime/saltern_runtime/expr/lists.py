"""Functions of lists: places count items from 0. What is equal, and what comes before what, is as `==` and `<` say."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import cmp_to_key
from typing import Any, TypeVar, overload

from saltern_runtime.expr.errors import ExprError
from saltern_runtime.expr.operators import add, equal, lt
from saltern_runtime.expr.values import no_overload

T = TypeVar("T")
N = TypeVar("N", int, float, timedelta)


def _items(operation: str, values: Sequence[T]) -> Sequence[T]:
    if not isinstance(values, list | tuple):
        raise no_overload(operation, values)
    return values


def list_distinct(values: Sequence[T]) -> list[T]:
    """Return the items without those that equal an earlier one."""
    kept: list[T] = []
    seen: set[tuple[type, Any]] = set()
    for value in _items("distinct()", values):
        if isinstance(value, str):  # most lists are of these, and long
            key = (str, value)
            if key in seen:
                continue
            seen.add(key)
        elif any(equal(value, other) for other in kept):
            continue
        kept.append(value)
    return kept


def list_flatten(values: Sequence[Any]) -> list[Any]:
    """Return the items, those of lists in their place: one level deep."""
    flat: list[Any] = []
    for value in _items("flatten()", values):
        flat.extend(value if isinstance(value, list | tuple) else [value])
    return flat


def list_sort(values: Sequence[T]) -> list[T]:
    """Return the items in order; raises `ExprError` where two cannot be compared."""
    items = _items("sort()", values)
    if len(items) == 1:
        lt(items[0], items[0])
    return sorted(items, key=cmp_to_key(lambda a, b: -1 if lt(a, b) else 1 if lt(b, a) else 0))


def list_slice(values: Sequence[T], start: int, end: int) -> list[T]:
    """Return the items from `start` to before `end`."""
    items = _items("slice()", values)
    if not 0 <= start <= end <= len(items):
        raise ExprError("out-of-range", f"{start} to {end} is outside the list: it has {len(items)} items")
    return list(items[start:end])


def list_first(values: Sequence[T]) -> T | None:
    """Return the first item; null where there is none."""
    items = _items("first()", values)
    return items[0] if items else None


def list_last(values: Sequence[T]) -> T | None:
    """Return the last item; null where there is none."""
    items = _items("last()", values)
    return items[-1] if items else None


@overload
def list_sum(values: Sequence[N]) -> N: ...
@overload
def list_sum(values: Sequence[Any]) -> Any: ...
def list_sum(values: Sequence[Any]) -> Any:
    """Add the items up; 0 where there is none. Raises `ExprError` where integers leave 64 bits."""
    total: Any = 0
    for number, value in enumerate(_items("sum()", values)):
        if isinstance(value, str | bytes | list | tuple):
            raise no_overload("sum()", value)
        total = value if number == 0 else add(total, value)
    return add(total, 0) if isinstance(total, int) else total


def list_min(values: Sequence[T]) -> T:
    """Return the least item; raises `ExprError` where there is none."""
    return most("min()", values, last=False)


def list_max(values: Sequence[T]) -> T:
    """Return the greatest item; raises `ExprError` where there is none."""
    return most("max()", values, last=True)


def most(operation: str, values: Sequence[T], *, last: bool) -> T:
    """Return the least item, or the greatest one; raises `ExprError` where there is none."""
    items = _items(operation, values)
    if not items:
        raise ExprError("empty-list", f"{operation} of an empty list")
    found = items[0]
    for value in items:
        if lt(found, value) if last else lt(value, found):
            found = value
    return found
