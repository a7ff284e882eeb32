"""Moments as texts in any format and time zone, read from them, and cut to whole units. Names of days and months are English."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from saltern_runtime.expr.bounds import fitting
from saltern_runtime.expr.errors import ExprError
from saltern_runtime.expr.times import in_range, zone_of
from saltern_runtime.expr.values import no_overload

_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_DIRECTIVE: Final = re.compile("%(.?)", re.DOTALL)


def _short(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name[:3] for name in names)


def _any(names: tuple[str, ...]) -> str:
    return "|".join(names)


def _offset(moment: datetime) -> str:
    minutes = (moment.utcoffset() or timedelta()) // timedelta(minutes=1)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}{abs(minutes) % 60:02}"


_WRITE: Final[Mapping[str, Callable[[datetime], str]]] = {
    "Y": lambda moment: f"{moment.year:04}",
    "m": lambda moment: f"{moment.month:02}",
    "d": lambda moment: f"{moment.day:02}",
    "H": lambda moment: f"{moment.hour:02}",
    "I": lambda moment: f"{(moment.hour - 1) % 12 + 1:02}",
    "M": lambda moment: f"{moment.minute:02}",
    "S": lambda moment: f"{moment.second:02}",
    "f": lambda moment: f"{moment.microsecond:06}",
    "p": lambda moment: "AM" if moment.hour < 12 else "PM",
    "a": lambda moment: _DAYS[moment.weekday()][:3],
    "A": lambda moment: _DAYS[moment.weekday()],
    "b": lambda moment: _MONTHS[moment.month - 1][:3],
    "B": lambda moment: _MONTHS[moment.month - 1],
    "j": lambda moment: f"{moment.timetuple().tm_yday:03}",
    "z": _offset,
    "%": lambda _: "%",
}
_READ: Final[Mapping[str, str]] = {
    "Y": r"\d{4}", "m": r"\d\d?", "d": r"\d\d?", "H": r"\d\d?", "I": r"\d\d?", "M": r"\d\d?", "S": r"\d\d?", "f": r"\d{1,6}",
    "p": "AM|PM", "a": _any(_short(_DAYS)), "A": _any(_DAYS), "b": _any(_short(_MONTHS)), "B": _any(_MONTHS),
    "z": r"Z|[+-]\d\d:?\d\d",
}  # fmt: skip
DIRECTIVES: Final = ", ".join(f"%{letter}" for letter in _WRITE)
"""What may stand in a format."""
UNITS: Final = ("year", "month", "week", "day", "hour", "minute", "second")
"""What a moment may be cut to; weeks begin on Monday."""


def parts(form: str) -> Sequence[tuple[str, str]]:
    """Return the parts of a format: texts, each with the letter behind it, which is empty at the end; raises `ExprError`."""
    found: list[tuple[str, str]] = []
    end = 0
    for match in _DIRECTIVE.finditer(form):
        if match.group(1) not in _WRITE:
            raise ExprError("invalid-argument", f"{match.group()!a} is not in formats of times: there are {DIRECTIVES}")
        found.append((form[end : match.start()], match.group(1)))
        end = match.end()
    return [*found, (form[end:], "")]


def times_format(value: datetime, form: str, zone: str | None = None) -> str:
    """Write a moment as a format says, in UTC or the time zone that is named."""
    moment = in_range(lambda: _moment("times.format()", value).astimezone(zone_of(zone)))
    return fitting("".join(text + (_WRITE[letter](moment) if letter else "") for text, letter in parts(form)))


@lru_cache(maxsize=256)
def reader(form: str) -> re.Pattern[str]:
    """Return what reads times of a format; raises `ExprError` for one that does not name a day."""
    pattern = ""
    letters: list[str] = []
    for text, letter in parts(form):
        pattern += re.escape(text)
        if letter in letters or letter == "j":
            raise ExprError("invalid-argument", f"%{letter} is not read {'twice' if letter in letters else 'back'}")
        if letter in _READ:
            letters.append(letter)
            pattern += f"(?P<{letter}>{_READ[letter]})"
        elif letter:
            pattern += "%"
    if not {"Y", "d"}.issubset(letters) or len({"m", "b", "B"}.intersection(letters)) != 1:
        raise ExprError("invalid-argument", "the format names no day: it needs %Y, one of %m, %b and %B, and %d")
    if ("I" in letters) is not ("p" in letters) or {"I", "H"}.issubset(letters):
        raise ExprError("invalid-argument", "the format names no hour: %I and %p belong together, without %H")
    return re.compile(pattern, re.ASCII)


def times_parse(value: str, form: str, zone: str | None = None) -> datetime:
    """Read a moment as a format says; where the text names no offset, it is of UTC or the time zone that is named."""
    match = reader(form).fullmatch(value)
    if match is None:
        raise ExprError("invalid-argument", f"{value[:60]!a} is not of the format {form!a}")
    read = match.groupdict()
    hour = int(read.get("H") or 0)
    if "I" in read:
        hour = int(read["I"]) % 12 + (12 if read["p"] == "PM" else 0)
        if not 1 <= int(read["I"]) <= 12:
            raise ExprError("invalid-argument", f"{read['I']} is no hour of half a day")
    numbers = (int(read["Y"]), _month(read), int(read["d"]), hour, int(read.get("M") or 0), int(read.get("S") or 0))
    micros = int((read.get("f") or "0").ljust(6, "0"))
    offset = read.get("z")
    tz = zone_of(zone) if offset is None else UTC if offset == "Z" else zone_of(f"{offset[:3]}:{offset[-2:]}")
    return in_range(lambda: datetime(*numbers, micros, tz).astimezone(UTC))


def _month(read: Mapping[str, str]) -> int:
    if "m" in read:
        return int(read["m"])
    name = read.get("b") or read["B"]
    return next(number for number, month in enumerate(_MONTHS, 1) if month.startswith(name))


def times_truncate(value: datetime, unit: str, zone: str | None = None) -> datetime:
    """Return the moment at which the year, month, week, … of a moment began, in UTC or the time zone that is named."""
    check_unit(unit)
    moment = in_range(lambda: _moment("times.truncate()", value).astimezone(zone_of(zone)))
    return in_range(lambda: _begun(moment, UNITS.index(unit)).astimezone(UTC))


def check_unit(unit: str) -> None:
    """Raise `ExprError` for what is no unit of time."""
    if unit not in UNITS:
        raise ExprError("invalid-argument", f"{unit[:60]!a} is no unit of time: there are {', '.join(UNITS)}")


def _begun(moment: datetime, unit: int) -> datetime:
    day = moment - timedelta(days=moment.weekday()) if UNITS[unit] == "week" else moment
    return day.replace(
        month=1 if unit <= UNITS.index("year") else day.month,
        day=1 if unit <= UNITS.index("month") else day.day,
        hour=0 if unit <= UNITS.index("day") else day.hour,
        minute=0 if unit <= UNITS.index("hour") else day.minute,
        second=0 if unit <= UNITS.index("minute") else day.second,
        microsecond=0,
        fold=0 if unit <= UNITS.index("day") else day.fold,
    )


def _moment(operation: str, value: Any) -> datetime:
    if not isinstance(value, datetime):
        raise no_overload(operation, value)
    return value
