"""Durations as both notations write them: `1h30m`."""

from __future__ import annotations

import math
import re
from typing import Final

DURATION: Final = r"^([0-9]+(\.[0-9]+)?(ms|s|m|h|d))+$"
LONGEST: Final = 3660 * 86400.0
"""Ten years, in seconds."""
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_MILLISECONDS: Final = (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1))


def seconds(text: str) -> float | None:
    """Read a duration such as `1h30m` in seconds; None where it is none."""
    if len(text) > 100 or re.fullmatch(DURATION, text) is None:
        return None
    total = math.fsum(float(number) * _SECONDS[unit] for number, unit in re.findall(r"([0-9.]+)(ms|s|m|h|d)", text))
    return total if total <= LONGEST else None


def show_duration(length: float) -> str:
    """Write seconds so that `seconds` reads the same number."""
    rest = round(length * 1000)
    text = ""
    for unit, size in _MILLISECONDS:
        count, rest = divmod(rest, size)
        text += f"{count}{unit}" if count else ""
    text = text or "0s"
    if seconds(text) == length:
        return text
    from decimal import Decimal  # noqa: PLC0415 - lengths that no unit fits are rare

    return f"{Decimal(repr(float(length))):f}s"
