"""Schedules at times of day that a clock change leaves out, or brings twice.

The days and times of clock changes are those of the package `tzdata`, whatever the machine has; no clock is read: the years that are looked
at are a whole cycle of the calendar after the last one that the tables list one by one, where each zone follows its rule.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Final

from saltern_compiler.diagnostics.model import Diagnostic
from saltern_compiler.expr.written import zones
from saltern_compiler.ir.pipeline import Pipeline
from saltern_compiler.ir.values import Literal
from saltern_compiler.passes.base import Check, Context
from saltern_runtime.dataclass import dataclass

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from cronsim import CronSim

_YEARS: Final = range(2040, 2068)
"""28 years: each date falls on each day of the week."""
_MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class ClockChanges(Check):
    """`schedule-in-clock-change`: a warning."""

    name: str = "clock_changes"

    def check(self, pipeline: Pipeline, context: Context) -> None:
        """Warn of schedules that fall into a clock change of their time zone."""
        for trigger in pipeline.triggers:
            cron, zone = trigger.setting("cron"), trigger.setting("time_zone")
            if trigger.type == "schedule" and isinstance(cron, Literal) and isinstance(zone, Literal):
                _check(cron, zone, context)


def _check(cron: Literal, zone: Literal, context: Context) -> None:
    line = _fixed_times(cron.value)
    if line is None or zone.value not in zones():
        return
    skipped = next((each for each in _changes(zone.value) if each.skips and _falls(line, each)), None)
    twice = next((each for each in _changes(zone.value) if not each.skips and _falls(line, each)), None)
    found = skipped or twice
    if found is None:
        return
    at = _falls(line, found)
    assert at is not None, "that is why it was found"
    if found.skips:
        message = f"{at:%H:%M} does not exist on the day when the clocks of {zone.value} go forward"
        such = f"Such as on {at:%Y-%m-%d}: the clock jumps from {found.first:%H:%M} to {found.last:%H:%M}; the run starts then."
    else:
        message = f"{at:%H:%M} comes twice on the day when the clocks of {zone.value} go back"
        such = f"Such as on {at:%Y-%m-%d}, from {found.first:%H:%M} to {found.last:%H:%M}: the run starts at the first of both."
    notes = (such, "Take a time outside of that hour, or a time zone without clock changes, such as `UTC`.")
    context.report(Diagnostic("schedule-in-clock-change", message, cron.origin, notes=notes))


def _fixed_times(text: object) -> CronSim | None:
    """Read a line that names times of day; None for one that goes by elapsed time, or is none."""
    if not isinstance(text, str) or len(text.split()) != 5:
        return None
    minute, hour = text.split()[:2]
    if minute.startswith("*") or hour.startswith("*"):
        return None
    from cronsim import CronSim, CronSimError  # noqa: PLC0415 - few pipelines have a schedule

    try:
        return CronSim(text, datetime(2024, 1, 1, tzinfo=UTC))
    except CronSimError:
        return None


@dataclass(frozen=True, slots=True)
class _Change:
    """Local times that are left out, or that come twice: from the first to before the last."""

    first: datetime
    last: datetime
    skips: bool


def _falls(line: CronSim, change: _Change) -> datetime | None:
    """Return the first time of a line that falls into a change."""
    at = change.first
    while at < change.last:
        fits = at.hour in line.hours and at.minute in line.minutes and at.month in line.months
        if fits and line.match_day(at.date()):
            return at
        at += _MINUTE
    return None


@cache
def _changes(zone: str) -> tuple[_Change, ...]:
    return tuple(_found(zone))


def _found(zone: str) -> Iterator[_Change]:
    from importlib.resources import files  # noqa: PLC0415 - few pipelines have a schedule
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - few pipelines have a schedule

    with files("tzdata.zoneinfo").joinpath(*zone.split("/")).open("rb") as file:
        of = ZoneInfo.from_file(file, key=zone)
    day = datetime(_YEARS.start, 1, 1, tzinfo=UTC)
    end = datetime(_YEARS.stop, 1, 1, tzinfo=UTC)
    before = _offset(day, of)
    while day < end:
        after = _offset(day + timedelta(days=7), of)
        if after != before:
            yield _between(day, of)
        day += timedelta(days=7)
        before = after


def _between(week: datetime, of: ZoneInfo) -> _Change:
    """Return the change in a week, to the minute."""
    low, high = 0, 7 * 24 * 60
    before = _offset(week, of)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _offset(week + middle * _MINUTE, of) == before else (low, middle)
    moment = (week + high * _MINUTE).replace(tzinfo=None)
    after = _offset(week + high * _MINUTE, of)
    first, last = sorted((moment + before, moment + after))
    return _Change(first, last, skips=after > before)


def _offset(moment: datetime, of: ZoneInfo) -> timedelta:
    offset = moment.astimezone(of).utcoffset()
    assert offset is not None, "a zone has an offset at any time"
    return offset
