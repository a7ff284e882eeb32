"""Arithmetic, comparison and logic where Python's own would differ."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from saltern_runtime.expr import (
    ExprError,
    UInt,
    add,
    all_of,
    and_,
    any_of,
    div,
    equal,
    ge,
    is_in,
    lt,
    matches,
    mod,
    mul,
    neg,
    or_,
    size,
    sub,
    to_bool,
    to_double,
    to_duration,
    to_int,
    to_timestamp,
    to_uint,
    truth,
    type_of,
)

BIG = 2**63 - 1


def fails() -> bool:
    raise ExprError("test", "it fails")


@pytest.mark.parametrize(
    ("compute", "result"),
    [
        (lambda: div(7, -2), -3),
        (lambda: mod(-7, 2), -1),
        (lambda: mod(7, -2), 1),
        (lambda: div(1.0, 0), math.inf),
        (lambda: div(-1.0, 0.0), -math.inf),
        (lambda: add(1, 0.5), 1.5),
        (lambda: add([1], ["a"]), [1, "a"]),
        (lambda: sub(datetime(2025, 1, 2, tzinfo=UTC), timedelta(days=1)), datetime(2025, 1, 1, tzinfo=UTC)),
        (lambda: neg(-BIG), BIG),
    ],
)
def test_arithmetic(compute: Any, result: Any):
    """Division cuts toward zero, the remainder has the sign of the dividend, doubles know infinity."""
    assert compute() == result


@pytest.mark.parametrize(
    ("compute", "code"),
    [
        (lambda: add(BIG, 1), "overflow"),
        (lambda: sub(-BIG, 2), "overflow"),
        (lambda: mul(2**32, 2**32), "overflow"),
        (lambda: neg(-BIG - 1), "overflow"),
        (lambda: div(-BIG - 1, -1), "overflow"),
        (lambda: sub(UInt(1), UInt(2)), "overflow"),
        (lambda: div(1, 0), "division-by-zero"),
        (lambda: mod(1, 0), "division-by-zero"),
        (lambda: add(1, "a"), "no-overload"),
        (lambda: add(True, 1), "no-overload"),
        (lambda: add(None, 1), "no-overload"),
        (lambda: mul("a", 3), "no-overload"),
        (lambda: lt("a", 1), "no-overload"),
        (lambda: lt(None, None), "no-overload"),
        (lambda: is_in("a", "abc"), "no-overload"),
        (lambda: truth(1), "no-overload"),
        (lambda: size(1), "no-overload"),
        (lambda: to_int("1.5"), "invalid-argument"),
        (lambda: to_int(math.nan), "overflow"),
        (lambda: to_int(True), "no-overload"),
        (lambda: to_uint(-1), "overflow"),
        (lambda: to_double("x"), "invalid-argument"),
        (lambda: to_bool("yes"), "invalid-argument"),
        (lambda: to_timestamp("yesterday"), "invalid-argument"),
        (lambda: to_timestamp(2**60), "out-of-range"),
        (lambda: to_duration("1 day"), "invalid-argument"),
        (lambda: to_duration("\N{ARABIC-INDIC DIGIT THREE}s"), "invalid-argument"),
        (lambda: to_timestamp("202\N{ARABIC-INDIC DIGIT THREE}-01-01T00:00:00Z"), "invalid-argument"),
        (lambda: matches("a", "("), "invalid-argument"),
        (lambda: add(datetime(9999, 12, 31, tzinfo=UTC), timedelta(days=2)), "overflow"),
    ],
)
def test_errors_are_not_silent(compute: Any, code: str):
    """What has no value raises an error with a stable code."""
    with pytest.raises(ExprError) as caught:
        compute()
    assert caught.value.code == code


def test_equality_is_by_type_and_numbers_by_value():
    """`1 == 1.0` holds, `1 == true` does not, also inside lists and maps."""
    assert equal(1, 1.0)
    assert not equal(1, True)
    assert not equal([1], [True])
    assert not equal({"a": 0}, {"a": False})
    assert equal({"a": [1, None]}, {"a": [1.0, None]})
    assert not equal(math.nan, math.nan)
    assert not equal(type_of("a"), "string")
    assert equal(type_of("a"), type_of("b"))
    assert is_in(1.0, [True, 1])
    assert not is_in(1, [True])


def test_order_of_numbers_and_others():
    """Numbers compare across their types, everything else only with its own."""
    assert lt(1, 1.5)
    assert ge(UInt(2), 1)
    assert lt(False, True)
    assert lt(b"a", b"b")


def test_logic_absorbs_errors_as_cel_does():
    """A decided side wins over an error on either side; undecided, the error comes through."""
    assert and_(fails, lambda: False) is False
    assert or_(fails, lambda: True) is True
    assert all_of([1, 0], lambda x: fails() if x else False) is False
    assert any_of([1, 0], lambda x: fails() if x else True) is True
    for compute in (
        lambda: and_(fails, lambda: True),
        lambda: or_(lambda: False, fails),
        lambda: all_of([1], lambda _: fails()),
        lambda: any_of([1], lambda _: 1),
    ):
        with pytest.raises(ExprError):
            compute()


def test_the_right_side_is_left_alone_where_the_left_decides():
    """Logic stops at the first decided side."""
    assert and_(lambda: False, lambda: pytest.fail("evaluated")) is False
    assert or_(lambda: True, lambda: pytest.fail("evaluated")) is True


def test_conversions():
    """Text, numbers and times into each other."""
    assert (to_int("-12"), to_int(-1.9), to_int(datetime(1970, 1, 2, tzinfo=UTC))) == (-12, -1, 86_400)
    assert to_double("1e3") == 1000.0
    assert to_duration("1h30m0.5s") == timedelta(hours=1, minutes=30, seconds=0.5)
    assert to_duration("-90s") == timedelta(seconds=-90)
    assert to_timestamp("2025-01-02T03:04:05.6+01:00") == datetime(2025, 1, 2, 2, 4, 5, 600_000, UTC)
