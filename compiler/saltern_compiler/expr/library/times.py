"""Moments as texts and back, and cut to whole units: ours. The last value names a time zone, which is UTC where it is left out."""

from __future__ import annotations

from typing import Final

from saltern_compiler.expr.kinds import STRING, TIMESTAMP
from saltern_compiler.expr.signatures import Function, Overload, function
from saltern_runtime.spec.types import Type


def _in_zone(takes: tuple[Type, ...], gives: Type) -> tuple[Overload, ...]:
    return Overload(takes, gives, fails=True), Overload((*takes, STRING), gives, fails=True)


TIMES: Final[tuple[Function, ...]] = (
    function(
        "times.format", "A moment as text: `%Y-%m-%d %H:%M`.",
        'times.format(timestamp("2025-01-31T23:30:00Z"), "%d %b %H:%M", "Europe/Berlin") == "01 Feb 00:30"',
        *_in_zone((TIMESTAMP, STRING), STRING), ours=True,
    ),
    function(
        "times.parse", "The moment that a text says in a format.",
        'times.parse("31.01.2025 12:00", "%d.%m.%Y %H:%M", "+01:00") == timestamp("2025-01-31T11:00:00Z")',
        *_in_zone((STRING, STRING), TIMESTAMP), ours=True,
    ),
    function(
        "times.truncate", "When the year, month, week, day, hour, minute or second of a moment began.",
        'times.truncate(timestamp("2025-01-31T12:30:15Z"), "week") == timestamp("2025-01-27T00:00:00Z")',
        *_in_zone((TIMESTAMP, STRING), TIMESTAMP), ours=True,
    ),
)  # fmt: skip
