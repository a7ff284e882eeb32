"""What a pipeline's budget takes for granted of its input."""

from __future__ import annotations

import re
from functools import cached_property
from typing import Final

from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec.types import Json

_NAME: Final = re.compile(r"(?:size|value)\(input((?:\.[A-Za-z_]\w*)+)\)")


@dataclass(frozen=True)
class Assumes:
    """At most so many items, characters or entries (`size`), or a number that is no larger (`value`).

    `place` is where its source says so: `orders.saltern:5:13`.
    """

    name: str
    """`size(input.rows)`, `value(input.count)`."""
    at_most: float
    place: str = ""

    @cached_property
    def path(self) -> tuple[str, ...]:
        """The names that lead to it from the input; empty where it is about nothing of an input."""
        found = _NAME.fullmatch(self.name)
        return () if found is None else tuple(found[1][1:].split("."))

    def seen(self, given: Json) -> float:
        """Return how much an input has of it; 0 of what is not there."""
        for key in self.path:
            given = given.get(key) if isinstance(given, dict) else None
        if self.name.startswith("size"):
            return len(given) if isinstance(given, list | str | dict) else 0
        return given if isinstance(given, int | float) else 0
