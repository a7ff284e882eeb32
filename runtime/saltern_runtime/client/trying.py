"""When a call is tried again, and when not: no clock, no socket, so that both clients share it."""

from __future__ import annotations

import random
from typing import Any, Final

from saltern_runtime.client.calls import Call
from saltern_runtime.client.errors import ClientError, TooManyError, UnavailableError, UnreachableError

TRIES: Final = 4
BASE: Final = 0.25
"""Seconds: the first pause is up to this long, each further one up to twice as long as the one before."""
CAP: Final = 8.0
LONGEST: Final = 20.0
"""Seconds that a service may ask for with Retry-After; where it asks for more, its answer is the end."""


class Tries:
    """The tries of one call, or of one stream until something comes."""

    def __init__(self, call: Call[Any], most: int = TRIES) -> None:
        self._call = call
        self._most = most
        self._made = 0

    def after(self, error: ClientError) -> float:
        """Return for how many seconds to pause before the next try; raises the error where there is none."""
        self._made += 1
        if self._made >= self._most or not self._may(error):
            raise error
        asked = getattr(error, "retry_after", None) or 0.0
        if asked > LONGEST:
            raise error
        # Full jitter, so that clients which failed together do not come back together.
        return float(asked + random.uniform(0, min(CAP, BASE * 2 ** (self._made - 1))))  # noqa: S311 - spreads load, keeps no secret

    def _may(self, error: ClientError) -> bool:
        match error:
            case UnreachableError():
                return self._call.repeats or not error.sent
            case UnavailableError() | TooManyError():
                return self._call.repeats
        return False
