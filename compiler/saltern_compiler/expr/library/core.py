"""CEL's own functions: sizes, conversions, texts, parts of times."""

from __future__ import annotations

from typing import Final

from saltern_compiler.expr.kinds import ANY, BOOL, BYTES, DOUBLE, DURATION, INT, STRING, TIMESTAMP, UINT
from saltern_compiler.expr.signatures import LIST, MAP, VALUE, Function, Overload, function, method
from saltern_runtime.spec.types import Type

_SIZE: Final = (
    *(Overload((of,), INT) for of in (STRING, BYTES, LIST, MAP)),
    Overload((ANY,), INT, fails=True),
)
_MATCHES: Final = Overload((STRING, STRING), BOOL, fails=True)

DECLASSIFY: Final = "declassify"
"""The function that takes the labels `personal` and `secret` from a value; when a pipeline runs it is the value itself."""


def _to(of: Type, *others: Type, sure: tuple[Type, ...] = ()) -> tuple[Overload, ...]:
    """Return the signatures of a conversion: from the type itself, from what always has one, and from what may not."""
    return (*(Overload((each,), of) for each in (of, *sure)), *(Overload((each,), of, fails=True) for each in others))


CONVERSIONS: Final[tuple[Function, ...]] = (
    function("size", "How many characters, octets, items or keys.", 'size("abc") == 3', *_SIZE),
    function(
        "string", "The text of a value.", 'string(1.5) == "1.5"',
        *_to(STRING, BYTES, ANY, sure=(INT, BOOL, UINT, DOUBLE, TIMESTAMP, DURATION)),
    ),
    function(
        "int", "A whole number; doubles are cut toward zero, timestamps are Unix seconds.", 'int("12") == 12',
        *_to(INT, STRING, UINT, DOUBLE, TIMESTAMP, ANY),
    ),
    function("uint", "A number that is never negative.", "uint(3) == 3u", *_to(UINT, STRING, INT, DOUBLE, ANY)),
    function("double", "A number with a fraction.", 'double("1.5") == 1.5', *_to(DOUBLE, STRING, UINT, ANY, sure=(INT,))),
    function("bool", "The truth that a text says.", 'bool("true")', *_to(BOOL, STRING, ANY)),
    function("bytes", "The UTF-8 of a text.", 'bytes("a") == b"a"', *_to(BYTES, STRING, ANY)),
    function(
        "timestamp", "A moment, of RFC 3339 text or Unix seconds.", 'timestamp("1970-01-01T00:01:00Z") == timestamp(60)',
        *_to(TIMESTAMP, STRING, INT, ANY),
    ),
    function("duration", "A length of time.", 'duration("1h30m") == duration("90m")', *_to(DURATION, STRING, ANY)),
    function("dyn", "The value, of which nothing is known.", 'dyn(1) != "1"', Overload((VALUE,), ANY)),
    function(
        DECLASSIFY, "The value, from here on without its labels; the reason is written out and stands in the receipt.",
        'declassify("a name", "an example") == "a name"', Overload((VALUE, STRING), ANY), ours=True,
    ),
    function("type", "The type of a value.", "type(1) == int", Overload((VALUE,), ANY)),
    function("matches", "Whether a regular expression matches anywhere.", 'matches("ticket 7", "[0-9]")', _MATCHES),
)  # fmt: skip

TEXTS: Final[tuple[Function, ...]] = (
    method("size", "How many characters, octets, items or keys.", "[1, 2].size() == 2", *_SIZE),
    method("contains", "Whether a text is a part of it.", '"abc".contains("b")', Overload((STRING, STRING), BOOL)),
    method("startsWith", "Whether it begins with a text.", '"abc".startsWith("a")', Overload((STRING, STRING), BOOL)),
    method("endsWith", "Whether it ends with a text.", '"abc".endsWith("c")', Overload((STRING, STRING), BOOL)),
    method("matches", "Whether a regular expression matches anywhere.", '"abc".matches("^a.c$")', _MATCHES),
)


def _getter(name: str, doc: str, result: int, length: str = "") -> Function:
    """Return the row of a part of a timestamp; `length`: what it gives for 90 minutes and a half second."""
    example = f'timestamp("2025-01-31T12:30:15.250Z").{name}() == {result}'
    overloads = (Overload((TIMESTAMP,), INT), Overload((TIMESTAMP, STRING), INT, fails=True))
    if not length:
        return method(name, doc, example, *overloads)
    example = f'{example} && duration("90m0.5s").{name}() == {length}'
    return method(name, doc, example, *overloads, Overload((DURATION,), INT))


TIME_PARTS: Final[tuple[Function, ...]] = (
    _getter("getFullYear", "The year, in UTC or the time zone that is named.", 2025),
    _getter("getMonth", "The month, from 0.", 0),
    _getter("getDate", "The day of the month, from 1.", 31),
    _getter("getDayOfMonth", "The day of the month, from 0.", 30),
    _getter("getDayOfWeek", "The day of the week; Sunday is 0.", 5),
    _getter("getDayOfYear", "The day of the year, from 0.", 30),
    _getter("getHours", "The hour; of a duration, all its hours.", 12, "1"),
    _getter("getMinutes", "The minute; of a duration, all its minutes.", 30, "90"),
    _getter("getSeconds", "The second; of a duration, all its seconds.", 15, "5400"),
    _getter("getMilliseconds", "The milliseconds of the second.", 250, "500"),
)
