"""What is said of schedules in a clock change is what happens: held against the library that fires them."""

from datetime import UTC, datetime, timedelta
from importlib.resources import files
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim

from saltern_compiler.expr.written import zones
from saltern_compiler.passes.checks.clock_changes import _changes, _falls, _fixed_times
from tests.support.effort import LONG

ZONES = (
    "Europe/Zurich",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Santiago",
    "Africa/Casablanca",
    "Asia/Kolkata",
)


@pytest.mark.parametrize("zone", ZONES)
def test_times_that_are_left_out_or_come_twice_are_those_of_the_zone(zone):
    """Each fifth minute of a year (each one, where there is time), asked of the zone: in a gap nothing maps to it, in a fold two moments do."""
    step = timedelta(minutes=1 if LONG else 5)
    with files("tzdata.zoneinfo").joinpath(*zone.split("/")).open("rb") as file:
        of = ZoneInfo.from_file(file)
    seen: dict[datetime, int] = {}
    at = datetime(2039, 12, 31, tzinfo=UTC)
    while at < datetime(2041, 1, 2, tzinfo=UTC):
        local = at.astimezone(of).replace(tzinfo=None, fold=0)
        seen[local] = seen.get(local, 0) + 1
        at += step
    year = [change for change in _changes(zone) if change.first.year == 2040]
    inside = {change.first + timedelta(minutes=n): change.skips for change in year for n in range(1440) if change.first + timedelta(minutes=n) < change.last}  # fmt: skip
    minute = datetime(2040, 1, 1)  # noqa: DTZ001 - a local time, of whatever zone
    while minute.year == 2040:
        times = seen.get(minute, 0)
        assert inside.get(minute) is {0: True, 1: None, 2: False}[times], minute
        minute += step


@pytest.mark.parametrize(
    ("cron", "zone"),
    [("30 2 * * *", "Europe/Zurich"), ("15 1 * * *", "America/New_York"), ("15 2 * 10 *", "Australia/Lord_Howe")],
)
def test_runs_start_as_it_is_said(cron, zone):
    """A skipped time fires right after the change, one that comes twice fires at the first of both."""
    line = _fixed_times(cron)
    change = next(each for each in _changes(zone) if _falls(line, each))
    at = _falls(line, change)
    start = (change.first - timedelta(hours=1)).replace(tzinfo=ZoneInfo(zone))
    fired = [next(ticks) for ticks in [CronSim(cron, start)] for _ in range(2)]
    assert fired[0].replace(tzinfo=None) == (change.last if change.skips else at)
    assert fired[0].fold == 0
    assert fired[1].date() > fired[0].date()


def test_zones_without_a_rule_have_no_changes():
    """UTC and zones that have given their changes up; and every zone that there is can be asked."""
    assert _changes("UTC") == _changes("Asia/Tokyo") == _changes("Europe/Moscow") == ()
    assert all(isinstance(_changes(zone), tuple) for zone in zones()[::40])
