"""Timestamps and durations: read, and taken apart. Times have microseconds; finer digits are cut off."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from saltern_runtime.expr.errors import ExprError
from saltern_runtime.expr.values import MAX_DURATION, no_overload

_MOMENT: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)\Z", re.ASCII)
_LENGTH: Final = re.compile(r"[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:h|ms|us|µs|ns|m|s))+\Z", re.ASCII)
_PIECE: Final = re.compile(r"(\d+\.?\d*|\.\d+)(h|ms|us|µs|ns|m|s)", re.ASCII)
_MICROS: Final = {"h": 3_600_000_000, "m": 60_000_000, "s": 1_000_000, "ms": 1_000, "us": 1, "µs": 1, "ns": 0.001}
_OFFSET: Final = re.compile(r"([+-]?)(\d\d):(\d\d)\Z", re.ASCII)


def to_timestamp(value: Any) -> datetime:
    """Compute `timestamp(x)` of RFC 3339 text or Unix seconds."""
    match value:
        case datetime():
            return value
        case bool():
            raise no_overload("timestamp()", value)
        case int():
            return in_range(lambda: datetime.fromtimestamp(value, UTC))
        case str():
            return _moment(value)
    raise no_overload("timestamp()", value)


def _moment(value: str) -> datetime:
    match = _MOMENT.match(value)
    if match is None:
        raise ExprError("invalid-argument", f"{value!a} is no timestamp, such as 2025-01-31T12:00:00Z")
    moment, fraction, zone = match.groups()
    micros = (fraction or "").ljust(6, "0")[:6]
    return in_range(
        lambda: datetime.fromisoformat(f"{moment}.{micros}{'+00:00' if zone == 'Z' else zone}").astimezone(UTC)
    )


def in_range(compute: Callable[[], datetime]) -> datetime:
    """Return a moment; raises `ExprError` for one that no calendar here reaches."""
    try:
        return compute()
    except (ValueError, OverflowError, OSError):
        raise ExprError("out-of-range", "there is no such moment in the years 1 to 9999") from None


def to_duration(value: Any) -> timedelta:
    """Compute `duration(x)` of text such as `1h30m` or `2.5s`."""
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str):
        raise no_overload("duration()", value)
    if not _LENGTH.match(value):
        raise ExprError("invalid-argument", f"{value!a} is no duration, such as 1h30m or 2.5s")
    micros = sum(float(number) * _MICROS[unit] for number, unit in _PIECE.findall(value))
    if micros > MAX_DURATION / timedelta(microseconds=1):
        raise ExprError("out-of-range", "the duration is longer than 10,000 years")
    return timedelta(microseconds=-int(micros) if value.startswith("-") else int(micros))


def zone_of(name: str | None) -> tzinfo:
    """Return a time zone by its name or its offset, UTC by none; raises `ExprError`."""
    if name is None:
        return UTC
    match = _OFFSET.match(name)
    try:
        if match is None:
            return ZoneInfo(name)
        sign, hours, minutes = match.groups()
        offset = timedelta(hours=int(hours), minutes=int(minutes))
        return timezone(-offset if sign == "-" else offset)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ExprError("invalid-argument", f"there is no time zone {name!a}") from None


def _part(value: Any, zone: str | None, read: Callable[[datetime], int]) -> int:
    if not isinstance(value, datetime):
        raise no_overload("a part of a time", value)
    return read(value.astimezone(zone_of(zone)))


def _part_or_length(value: Any, zone: str | None, read: Callable[[datetime], int], unit: timedelta) -> int:
    if isinstance(value, timedelta):
        return int(value / unit)
    return _part(value, zone, read)


def get_full_year(value: Any, zone: str | None = None) -> int:
    """Return the year."""
    return _part(value, zone, lambda moment: moment.year)


def get_month(value: Any, zone: str | None = None) -> int:
    """Return the month, from 0."""
    return _part(value, zone, lambda moment: moment.month - 1)


def get_date(value: Any, zone: str | None = None) -> int:
    """Return the day of the month, from 1."""
    return _part(value, zone, lambda moment: moment.day)


def get_day_of_month(value: Any, zone: str | None = None) -> int:
    """Return the day of the month, from 0."""
    return _part(value, zone, lambda moment: moment.day - 1)


def get_day_of_week(value: Any, zone: str | None = None) -> int:
    """Return the day of the week, Sunday being 0."""
    return _part(value, zone, lambda moment: moment.isoweekday() % 7)


def get_day_of_year(value: Any, zone: str | None = None) -> int:
    """Return the day of the year, from 0."""
    return _part(value, zone, lambda moment: moment.timetuple().tm_yday - 1)


def get_hours(value: Any, zone: str | None = None) -> int:
    """Return the hour of a timestamp, or a duration in hours."""
    return _part_or_length(value, zone, lambda moment: moment.hour, timedelta(hours=1))


def get_minutes(value: Any, zone: str | None = None) -> int:
    """Return the minute of a timestamp, or a duration in minutes."""
    return _part_or_length(value, zone, lambda moment: moment.minute, timedelta(minutes=1))


def get_seconds(value: Any, zone: str | None = None) -> int:
    """Return the second of a timestamp, or a duration in seconds."""
    return _part_or_length(value, zone, lambda moment: moment.second, timedelta(seconds=1))


def get_milliseconds(value: Any, zone: str | None = None) -> int:
    """Return the milliseconds of a timestamp's second, or those of a duration's."""
    if isinstance(value, timedelta):
        return value.microseconds // 1000
    return _part(value, zone, lambda moment: moment.microsecond // 1000)
