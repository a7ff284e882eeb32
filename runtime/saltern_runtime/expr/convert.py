"""Conversions and sizes."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NoReturn

from saltern_runtime.expr.errors import ExprError
from saltern_runtime.expr.operators import whole
from saltern_runtime.expr.values import TypeName, UInt, is_model, members, no_overload

_INTEGER: Final = re.compile(r"[+-]?\d+\Z", re.ASCII)
_BOOLS: Final = {
    "true": True, "True": True, "TRUE": True, "t": True, "1": True,
    "false": False, "False": False, "FALSE": False, "f": False, "0": False,
}  # fmt: skip


def _integer(value: Any, kind: type[int], name: str) -> int:
    match value:
        case bool() | TypeName():
            raise no_overload(f"{name}()", value)
        case int():
            return whole(int(value), kind)
        case float():
            return _truncated(value, kind)
        case str() if _INTEGER.match(value) and len(value) <= 40:
            return whole(int(value), kind)
        case str():
            raise ExprError("invalid-argument", f"{_short(value)} is no whole number")
        case datetime() if kind is int:
            return math.floor(value.timestamp())
    raise no_overload(f"{name}()", value)


def _truncated(value: float, kind: type[int]) -> int:
    if not math.isfinite(value) or not -(2.0**63) < value < 2.0**64:
        raise ExprError("overflow", f"{value} does not fit an integer of 64 bits")
    if kind is UInt and value < 0:
        raise ExprError("overflow", f"{value} does not fit a uint")
    return whole(math.trunc(value), kind)


def to_int(value: Any) -> int:
    """Compute `int(x)`: doubles are cut toward zero, timestamps are Unix seconds."""
    return _integer(value, int, "int")


def to_uint(value: Any) -> int:
    """Compute `uint(x)`."""
    return _integer(value, UInt, "uint")


def to_double(value: Any) -> float:
    """Compute `double(x)`."""
    if isinstance(value, bool | TypeName) or not isinstance(value, int | float | str):
        raise no_overload("double()", value)
    try:
        return float(value)
    except (ValueError, OverflowError):
        raise ExprError("invalid-argument", f"{_short(value)} is no number") from None


def to_bool(value: Any) -> bool:
    """Compute `bool(x)` of a bool or its text."""
    if isinstance(value, bool):
        return value
    if not isinstance(value, str):
        raise no_overload("bool()", value)
    if value not in _BOOLS:
        raise ExprError("invalid-argument", f"{_short(value)} is neither true nor false")
    return _BOOLS[value]


def to_bytes(value: Any) -> bytes:
    """Compute `bytes(x)`: the UTF-8 of a string."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str) and not isinstance(value, TypeName):
        return value.encode("utf-8", "surrogatepass")
    raise no_overload("bytes()", value)


def size(value: Any) -> int:
    """Compute `size(x)`: characters, octets, items or keys."""
    if isinstance(value, str | bytes | list | tuple | Mapping) and not isinstance(value, TypeName):
        return len(value)
    if is_model(value):
        return len(members(value))
    raise no_overload("size()", value)


def no_name(name: str) -> NoReturn:
    """Raise: there is no such name."""
    raise ExprError("no-such-name", f"there is no {name!r} here")


def no_function(name: str, *values: Any) -> NoReturn:
    """Raise: there is no function of that name for these values."""
    raise no_overload(f"{name}()", *values)


def _short(value: object) -> str:
    shown = ascii(value)
    return shown if len(shown) <= 60 else shown[:57] + "..."
