"""CEL's extension of regular expressions, where `extract` gives null for no match."""

from __future__ import annotations

from typing import Final

from saltern_compiler.expr.kinds import INT, STRING
from saltern_compiler.expr.signatures import Function, Overload, function
from saltern_runtime.spec.types import ListType, optional

REGEX: Final[tuple[Function, ...]] = (
    function(
        "regex.extract", "The first match, or what its one group matched there; null where there is none.",
        'regex.extract("order 17, 4 items", "order ([0-9]+)") == "17"', Overload((STRING, STRING), optional(STRING), fails=True),
    ),
    function(
        "regex.extractAll", "Every match, or what its one group matched there.",
        'regex.extractAll("a1b22", "[0-9]+") == ["1", "22"]', Overload((STRING, STRING), ListType(STRING), fails=True),
    ),
    function(
        "regex.replace", "The text with its matches replaced, all or at most so many; `\\\\1` is what a group matched.",
        r'regex.replace("2025-01", "([0-9]+)-([0-9]+)", r"\2/\1") == "01/2025"',
        Overload((STRING, STRING, STRING), STRING, fails=True), Overload((STRING, STRING, STRING, INT), STRING, fails=True),
    ),
)  # fmt: skip
