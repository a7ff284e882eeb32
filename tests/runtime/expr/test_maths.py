"""CEL's extension of mathematics, as expressions call it."""

import math

import pytest

from saltern_runtime.expr import (
    ExprError,
    UInt,
    math_abs,
    math_bit_and,
    math_bit_not,
    math_bit_or,
    math_bit_shift_left,
    math_bit_shift_right,
    math_ceil,
    math_floor,
    math_greatest,
    math_least,
    math_round,
    math_sign,
    math_sqrt,
    math_trunc,
)


@pytest.mark.parametrize(
    ("made", "value"),
    [
        (math_greatest(1, 2.5, UInt(2)), 2.5),
        (math_greatest([3, 1]), 3),
        (math_least(1, 1.0), 1),
        (math_ceil(-0.5), -0.0),
        (math_floor(2), 2.0),
        (math_floor(-1e300), -1e300),
        (math_round(2.5), 3.0),
        (math_round(-2.5), -3.0),
        (math_round(0.49999999999999994), 0.0),
        (math_round(4503599627370497.0), 4503599627370497.0),
        (math_trunc(math.inf), math.inf),
        (math_abs(-2), 2),
        (math_abs(UInt(2)), UInt(2)),
        (math_sign(-0.5), -1.0),
        (math_sign(UInt(7)), UInt(1)),
        (math_sqrt(2), math.sqrt(2)),
        (math_bit_and(UInt(6), UInt(3)), UInt(2)),
        (math_bit_or(-(2**63), 1), -(2**63) + 1),
        (math_bit_not(UInt(0)), UInt(2**64 - 1)),
        (math_bit_shift_left(1, 63), -(2**63)),
        (math_bit_shift_left(1, 10**18), 0),
        (math_bit_shift_right(-1, 63), 1),
        (math_bit_shift_right(-1, 0), -1),
    ],
)
def test_what_they_give(made, value):
    """Rounding gives doubles, all else stays of its type; bits are those of 64-bit integers."""
    assert made == value
    assert type(made) is type(value)
    assert math.copysign(1, made) == math.copysign(1, value)


def test_what_is_no_number_stays_none():
    """NaN goes through rounding and signs; a negative number has no square root."""
    assert all(math.isnan(value) for value in (math_round(math.nan), math_sign(math.nan), math_sqrt(-1)))


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda: math_abs(-(2**63)), "overflow"),
        (lambda: math_greatest([]), "empty-list"),
        (lambda: math_greatest("a"), "no-overload"),
        (lambda: math_least(1, True), "no-overload"),
        (lambda: math_sign("1"), "no-overload"),
        (lambda: math_sqrt("4"), "no-overload"),
        (lambda: math_bit_and(1, UInt(1)), "no-overload"),
        (lambda: math_bit_and(True, True), "no-overload"),
        (lambda: math_bit_shift_left(1, -1), "invalid-argument"),
        (lambda: math_bit_shift_right(1, 1.5), "no-overload"),
    ],
)
def test_what_they_refuse(make, code):
    """What has no value says why, by a code."""
    with pytest.raises(ExprError) as raised:
        make()
    assert raised.value.code == code
