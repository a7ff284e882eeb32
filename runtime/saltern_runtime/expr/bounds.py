"""How much one value of an expression may hold: what grows with its arguments is refused beyond, not computed."""

from __future__ import annotations

from typing import Final, TypeVar

from saltern_runtime.expr.errors import ExprError

S = TypeVar("S", str, bytes)

MAX_TEXT: Final = 16 * 1024 * 1024
"""Characters or octets of a text that a function makes."""
MAX_ITEMS: Final = 1_000_000
"""Items of a list that a function makes."""


def room(size: int, *, items: bool = False) -> None:
    """Raise `ExprError` where something would get too large; asked before it is made, where that can be known."""
    limit, what = (MAX_ITEMS, "items") if items else (MAX_TEXT, "characters")
    if size > limit:
        raise ExprError("too-large", f"the result would have over {limit:,} {what}")


def fitting(value: S) -> S:
    """Return a text that is not too large."""
    room(len(value))
    return value
