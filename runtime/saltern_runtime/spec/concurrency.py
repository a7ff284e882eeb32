"""How many runs of a pipeline go on at a time, and what becomes of one more."""

from __future__ import annotations

import re
from typing import Final, Literal

from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec.types import Json

Over = Literal["queue", "drop", "cancel_previous"]
"""What becomes of a run over the limit: it waits for its turn, is not made, or takes the place of those before it."""
Overlap = Literal["allow", "queue", "drop", "cancel_previous"]
"""What becomes of a tick whose schedule has a run that is not over."""
MOST_JITTER: Final = 86_400.0
"""Seconds."""
MOST_AT_ONCE: Final = 1000
"""Runs that may be let go on at a time, at most."""
_PATH: Final = re.compile(r"input((?:\.[A-Za-z_]\w*)+)")


@dataclass(frozen=True, slots=True)
class Concurrency:
    """So many runs with the same key at a time, of each tenant."""

    at_most: int = 1
    key: tuple[str, ...] = ()
    """Fields of the input, such as `input.customer`: runs that have the same in all of them count together. Without any, all do."""
    then: Over = "queue"

    def values(self, given: Json) -> list[Json]:
        """Return what an input has in the fields of the key; null for what is not there."""
        return [_at(path_of(text), given) for text in self.key]


def path_of(text: str) -> tuple[str, ...]:
    """Return the names that lead to a field of the input; empty for what is none."""
    found = _PATH.fullmatch(text)
    return () if found is None else tuple(found[1][1:].split("."))


def _at(path: tuple[str, ...], given: Json) -> Json:
    for name in path:
        given = given.get(name) if isinstance(given, dict) else None
    return given
