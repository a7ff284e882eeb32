"""CEL's string extension: places count characters from 0."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypeVar, overload

from saltern_runtime.expr.bounds import room
from saltern_runtime.expr.errors import ExprError
from saltern_runtime.expr.values import no_overload

T = TypeVar("T")
_LOWER: Final = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}
_UPPER: Final = {lower: upper for upper, lower in _LOWER.items()}
_SPACES: Final = "\t\n\v\f\r \u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"


def _within(place: int, low: int, high: int) -> int:
    if low <= place <= high:
        return place
    raise ExprError("out-of-range", f"{place} is outside the string: it goes from {low} to {high}")


def char_at(value: str, place: int) -> str:
    """Return the character at a place; nothing at the end."""
    return value[_within(place, 0, len(value)) :][:1]


def index_of(value: str, sought: str, start: int = 0) -> int:
    """Return the first place of a text, or -1."""
    return value.find(sought, _within(start, 0, len(value)))


def last_index_of(value: str, sought: str, start: int | None = None) -> int:
    """Return the last place of a text that begins at `start` at the latest, or -1."""
    if start is None:
        return value.rfind(sought)
    return value.rfind(sought, 0, _within(start, 0, len(value)) + len(sought))


def lower_ascii(value: str) -> str:
    """Return the text with A to Z in lower case."""
    return value.translate(_LOWER)


def upper_ascii(value: str) -> str:
    """Return the text with a to z in upper case."""
    return value.translate(_UPPER)


def replace(value: str, old: str, new: str, limit: int = -1) -> str:
    """Replace a text, at most `limit` times (negative: everywhere)."""
    if len(new) > len(old):
        times = value.count(old) if limit < 0 else min(value.count(old), limit)
        room(len(value) + times * (len(new) - len(old)))
    return value.replace(old, new, max(limit, -1))


def split(value: str, separator: str, limit: int = -1) -> list[str]:
    """Split at a separator (empty: between characters) into at most `limit` parts (negative: all)."""
    if limit == 0:
        return []
    if separator == "":
        parts = list(value)
        return parts if limit < 0 or limit >= len(parts) else [*parts[: limit - 1], "".join(parts[limit - 1 :])]
    return value.split(separator, limit - 1 if limit > 0 else -1)


def substring(value: str, start: int, end: int | None = None) -> str:
    """Return the text from `start` to before `end`."""
    stop = len(value) if end is None else _within(end, 0, len(value))
    return value[_within(start, 0, stop) : stop]


def trim(value: str) -> str:
    """Return the text without white space at its ends."""
    return value.strip(_SPACES)


def join(values: Sequence[str], separator: str = "") -> str:
    """Join texts."""
    for value in values:
        if not isinstance(value, str):
            raise no_overload("join()", value)
    room(sum(map(len, values)) + len(separator) * max(len(values) - 1, 0))
    return separator.join(values)


@overload
def reverse(value: str) -> str: ...
@overload
def reverse(value: list[T]) -> list[T]: ...
@overload
def reverse(value: Any) -> Any: ...
def reverse(value: Any) -> Any:
    """Return a text or a list backwards."""
    if isinstance(value, str):
        return value[::-1]
    if not isinstance(value, list | tuple):
        raise no_overload("reverse()", value)
    return list(reversed(value))
