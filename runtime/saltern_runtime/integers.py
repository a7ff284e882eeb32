"""What integers hold: 64 bits, as everywhere that pipelines send them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

INT_MIN: Final = -(2**63)
INT_MAX: Final = 2**63 - 1
UINT_MAX: Final = 2**64 - 1


def fit(value: Any) -> bool:
    """Whether all whole numbers in plain JSON fit, and all others are numbers at all."""
    match value:
        case float():
            return math.isfinite(value)
        case int():
            return INT_MIN <= value <= INT_MAX
        case Mapping():
            return all(map(fit, value.values()))
        case list() | tuple():
            return all(map(fit, value))
    return True
