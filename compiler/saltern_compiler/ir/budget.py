"""What a run may cost at most, as a pipeline's `budget` says: names of limits with their values, as both notations read them.

time            seconds
calls           connection or host → how often it may be called, attempts counted
model_calls     how often models may be asked, attempts counted
tokens          what models read and say together, attempts counted
bytes           of values that the store keeps at the same time
assume          what only a run knows → the most that it may be: sizes as numbers, waits in seconds
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias

from saltern_runtime.spec import Json

Budget: TypeAlias = tuple[tuple[str, Json], ...]
"""Sorted by name."""

TIME: Final = "time"
CALLS: Final = "calls"
ASSUME: Final = "assume"
COUNTS: Final = ("model_calls", "tokens", "bytes")
"""Limits that are one number."""
MAPS: Final = (CALLS, ASSUME)
"""Those that have a number for each of several names."""
LIMITS: Final = (TIME, CALLS, *COUNTS, ASSUME)
"""In the order in which they are written."""


def is_wait(name: str) -> bool:
    """Whether what is assumed is a length of time."""
    return name.startswith("wait(")


def assumptions(budget: Budget) -> Mapping[str, float]:
    """Return what is assumed; what is no number from 0 on is left out."""
    given = dict(budget).get(ASSUME)
    if not isinstance(given, dict):
        return {}
    return {name: value for name, value in given.items() if is_count(value)}


def is_count(value: Json) -> bool:
    """Whether a value is a number from 0 on."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < float("inf")
