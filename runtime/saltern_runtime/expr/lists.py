"""Functions of lists: places count items from 0. What is equal, and what comes before what, is as `==` and `<` say."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from datetime import timedelta
from functools import cmp_to_key
from typing import Any, TypeVar, overload

from saltern_runtime.expr.bounds import room
from saltern_runtime.expr.errors import ExprError
from saltern_runtime.expr.operators import add, is_number, key, lt
from saltern_runtime.expr.values import TypeName, no_overload

T = TypeVar("T")
N = TypeVar("N", int, float, timedelta)


def _items(operation: str, values: Sequence[T]) -> Sequence[T]:
    if not isinstance(values, list | tuple):
        raise no_overload(operation, values)
    return values


def list_distinct(values: Sequence[T]) -> list[T]:
    """Return the items without those that equal an earlier one."""
    kept: dict[Hashable, T] = {}
    for value in _items("distinct()", values):
        kept.setdefault(key(value), value)
    return list(kept.values())


def list_flatten(values: Sequence[Any], depth: int = 1) -> list[Any]:
    """Return the items, those of lists in their place, so many levels deep."""
    if depth < 0:
        raise ExprError("invalid-argument", f"{depth} is no number of levels")
    flat = list(_items("flatten()", values))
    while depth > 0 and any(isinstance(value, list | tuple) for value in flat):
        room(sum(len(value) if isinstance(value, list | tuple) else 1 for value in flat), items=True)
        flat = [item for value in flat for item in (value if isinstance(value, list | tuple) else [value])]
        depth -= 1
    return flat


def list_sort(values: Sequence[T]) -> list[T]:
    """Return the items in order; raises `ExprError` where two cannot be compared."""
    return list_sort_by(_items("sort()", values), lambda item: item)


def _order(a: Any, b: Any) -> int:
    return -1 if lt(a, b) else 1 if lt(b, a) else 0


def list_sort_by(values: Sequence[T], by: Callable[[T], Any]) -> list[T]:
    """Return the items in the order of what is worked out for each; raises `ExprError` where two cannot be compared."""
    ranked = [(by(item), item) for item in _items("sortBy()", values)]
    if len(ranked) == 1:
        lt(ranked[0][0], ranked[0][0])
    rank = cmp_to_key(_order)
    ordered = sorted(ranked, key=lambda pair: rank(pair[0]))
    return [item for _, item in ordered]


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


def lists_range(count: int) -> list[int]:
    """Return the whole numbers from 0 to before another."""
    if count < 0:
        raise ExprError("invalid-argument", f"{count} is no number of items")
    room(count, items=True)
    return list(range(count))


def sets_contains(whole: Sequence[Any], part: Sequence[Any]) -> bool:
    """Whether every item of the second list is in the first."""
    return _keys("sets.contains()", part) <= _keys("sets.contains()", whole)


def sets_equivalent(a: Sequence[Any], b: Sequence[Any]) -> bool:
    """Whether each list has every item of the other."""
    return _keys("sets.equivalent()", a) == _keys("sets.equivalent()", b)


def sets_intersects(a: Sequence[Any], b: Sequence[Any]) -> bool:
    """Whether an item is in both lists."""
    return not _keys("sets.intersects()", a).isdisjoint(_keys("sets.intersects()", b))


def _keys(operation: str, values: Sequence[Any]) -> set[Hashable]:
    return {key(value) for value in _items(operation, values)}


@overload
def list_avg(values: Sequence[float]) -> float: ...
@overload
def list_avg(values: Sequence[timedelta]) -> timedelta: ...
@overload
def list_avg(values: Sequence[Any]) -> Any: ...
def list_avg(values: Sequence[Any]) -> Any:
    """Return the mean of numbers, a double, or of durations; raises `ExprError` where there is none."""
    items = _items("avg()", values)
    if not items:
        raise ExprError("empty-list", "avg() of an empty list")
    if all(isinstance(item, timedelta) for item in items):
        return list_sum(items) / len(items)
    for item in items:
        if not is_number(item):
            raise no_overload("avg()", item)
    return sum(items) / len(items)


def list_zip(a: Sequence[Any], b: Sequence[Any]) -> list[dict[str, Any]]:
    """Return the items of two lists side by side, as far as the shorter one goes."""
    pairs = zip(_items("zip()", a), _items("zip()", b), strict=False)
    return [{"first": one, "second": other} for one, other in pairs]


def list_group_by(values: Sequence[T], by: Callable[[T], Any]) -> dict[str, list[T]]:
    """Return the items under the text that is worked out for each, in their order."""
    groups: dict[str, list[T]] = {}
    for item in _items("groupBy()", values):
        name = by(item)
        if not isinstance(name, str) or isinstance(name, TypeName):
            raise no_overload("groupBy()", name)
        groups.setdefault(name, []).append(item)
    return groups
