"""Durations as both notations write them: `1h30m`."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from saltern_compiler.frontend.document.policy import seconds

_UNITS: Final = (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1))


def show_duration(length: float) -> str:
    """Write seconds so that `seconds` reads the same number."""
    rest = round(length * 1000)
    made = ""
    for unit, size in _UNITS:
        count, rest = divmod(rest, size)
        made += f"{count}{unit}" if count else ""
    made = made or "0s"
    return made if seconds(made) == length else f"{Decimal(repr(float(length))):f}s"
