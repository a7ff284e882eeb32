"""Moments as texts and back, and cut to whole units."""

from datetime import UTC, datetime, timedelta

import pytest

from saltern_runtime.expr import ExprError, get_hours, times_format, times_parse, times_truncate

AT = datetime(2025, 1, 31, 23, 30, 15, 250_000, UTC)
BERLIN = "Europe/Berlin"


@pytest.mark.parametrize(
    ("form", "zone", "text"),
    [
        ("%Y-%m-%dT%H:%M:%S.%f%z", None, "2025-01-31T23:30:15.250000+0000"),
        ("%Y-%m-%d %H:%M %z", BERLIN, "2025-02-01 00:30 +0100"),
        ("%a %A %b %B %j", "-05:30", "Fri Friday Jan January 031"),
        ("%I %p 100%%", BERLIN, "12 AM 100%"),
        ("", None, ""),
    ],
)
def test_formats(form, zone, text):
    """A moment is written in UTC or the time zone that is named, with English names."""
    assert times_format(AT, form, zone) == text


@pytest.mark.parametrize(
    ("text", "form", "zone", "moment"),
    [
        ("31.1.2025", "%d.%m.%Y", None, datetime(2025, 1, 31, tzinfo=UTC)),
        ("2025-07-01 12:00", "%Y-%m-%d %H:%M", BERLIN, datetime(2025, 7, 1, 10, tzinfo=UTC)),
        ("Fri, 31 Jan 2025 11:30 PM", "%a, %d %b %Y %I:%M %p", None, datetime(2025, 1, 31, 23, 30, tzinfo=UTC)),
        ("2025-01-31 12 AM", "%Y-%m-%d %I %p", None, datetime(2025, 1, 31, tzinfo=UTC)),
        (
            "2025-01-31T00:00:00.5-02:30",
            "%Y-%m-%dT%H:%M:%S.%f%z",
            BERLIN,
            datetime(2025, 1, 31, 2, 30, 0, 500_000, UTC),
        ),
        ("2025-01-31 Z", "%Y-%m-%d %z", None, datetime(2025, 1, 31, tzinfo=UTC)),
        ("May 2, 2025 (100%)", "%B %d, %Y (100%%)", None, datetime(2025, 5, 2, tzinfo=UTC)),
        ("2025-10-26 02:30", "%Y-%m-%d %H:%M", BERLIN, datetime(2025, 10, 26, 0, 30, tzinfo=UTC)),
    ],
)
def test_reads(text, form, zone, moment):
    """The offset of the text counts, else the time zone; of an hour that comes twice, the first is meant."""
    assert times_parse(text, form, zone) == moment


@pytest.mark.parametrize(
    ("unit", "zone", "moment"),
    [
        ("second", None, datetime(2025, 1, 31, 23, 30, 15, tzinfo=UTC)),
        ("minute", None, datetime(2025, 1, 31, 23, 30, tzinfo=UTC)),
        ("hour", "+05:30", datetime(2025, 1, 31, 23, 30, tzinfo=UTC)),
        ("day", BERLIN, datetime(2025, 1, 31, 23, tzinfo=UTC)),
        ("week", None, datetime(2025, 1, 27, tzinfo=UTC)),
        ("week", BERLIN, datetime(2025, 1, 26, 23, tzinfo=UTC)),
        ("month", None, datetime(2025, 1, 1, tzinfo=UTC)),
        ("month", BERLIN, datetime(2025, 1, 31, 23, tzinfo=UTC)),
        ("year", BERLIN, datetime(2024, 12, 31, 23, tzinfo=UTC)),
    ],
)
def test_cuts(unit, zone, moment):
    """A unit begins where the clocks of the time zone say so, and weeks on Monday."""
    assert times_truncate(AT, unit, zone) == moment


def test_clocks_that_are_moved():
    """Of the hour that comes twice each has its own beginning; a day that begins late begins when its clocks do."""
    second = datetime(2025, 10, 26, 1, 30, tzinfo=UTC)
    assert times_truncate(second, "hour", BERLIN) == datetime(2025, 10, 26, 1, tzinfo=UTC)
    assert times_truncate(second - timedelta(hours=1), "hour", BERLIN) == datetime(2025, 10, 26, 0, tzinfo=UTC)
    assert times_truncate(second, "day", BERLIN) == datetime(2025, 10, 25, 22, tzinfo=UTC)
    late = times_truncate(datetime(2018, 11, 4, 12, tzinfo=UTC), "day", "America/Sao_Paulo")
    assert late == datetime(2018, 11, 4, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda: times_format(AT, "%Q"), "invalid-argument"),
        (lambda: times_format(AT, "%"), "invalid-argument"),
        (lambda: times_format("2025-01-31", "%Y"), "no-overload"),
        (lambda: times_format(AT, "%Y", "Mars/Olympus"), "invalid-argument"),
        (lambda: times_format(AT, "%Y", "+99:00"), "invalid-argument"),
        (lambda: get_hours(AT, "Europe"), "invalid-argument"),
        (lambda: times_format(datetime(9999, 12, 31, 23, tzinfo=UTC), "%Y", BERLIN), "out-of-range"),
        (lambda: times_parse("2025-02-30", "%Y-%m-%d"), "out-of-range"),
        (lambda: times_parse("2025-01-31 ", "%Y-%m-%d"), "invalid-argument"),
        (lambda: times_parse("٢٠٢٥-01-31", "%Y-%m-%d"), "invalid-argument"),
        (lambda: times_parse("01-31", "%m-%d"), "invalid-argument"),
        (lambda: times_parse("2025 031", "%Y %j"), "invalid-argument"),
        (lambda: times_parse("2025-01-31 3", "%Y-%m-%d %I"), "invalid-argument"),
        (lambda: times_parse("2025-01-31 13 PM", "%Y-%m-%d %I %p"), "invalid-argument"),
        (lambda: times_parse("2025 2025-01-31", "%Y %Y-%m-%d"), "invalid-argument"),
        (lambda: times_truncate(AT, "decade"), "invalid-argument"),
        (lambda: times_truncate(datetime(1, 1, 1, tzinfo=UTC), "year", "America/New_York"), "out-of-range"),
    ],
)
def test_what_they_refuse(call, code):
    """What is no format, no zone, no unit, or no moment fails by name."""
    with pytest.raises(ExprError) as caught:
        call()
    assert caught.value.code == code
