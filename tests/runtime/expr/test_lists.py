"""Functions of lists, as expressions call them."""

from datetime import timedelta

import pytest

from saltern_runtime.expr import (
    ExprError,
    list_distinct,
    list_first,
    list_flatten,
    list_last,
    list_max,
    list_min,
    list_slice,
    list_sort,
    list_sum,
    reverse,
)


@pytest.mark.parametrize(
    ("made", "value"),
    [
        (list_distinct(["b", "a", "b"]), ["b", "a"]),
        (list_distinct([1, 1.0, True, "1", [1], [1.0], None, None]), [1, True, "1", [1], None]),
        (list_flatten([[1], 2, [[3]]]), [1, 2, [3]]),
        (list_sort([3, 1.5, 2]), [1.5, 2, 3]),
        (list_sort(["b", "B", "a"]), ["B", "a", "b"]),
        (list_sort([]), []),
        (list_slice([1, 2, 3], 1, 3), [2, 3]),
        (list_slice([], 0, 0), []),
        (list_first([]), None),
        (list_first([1, 2]), 1),
        (list_last([1, 2]), 2),
        (list_sum([]), 0),
        (list_sum([1, 2]), 3),
        (list_sum([0.5, 0.25]), 0.75),
        (list_sum([timedelta(seconds=1), timedelta(seconds=2)]), timedelta(seconds=3)),
        (list_min(["b", "a"]), "a"),
        (list_max([1, 2.5]), 2.5),
        (reverse([1, 2]), [2, 1]),
        (reverse("ab"), "ba"),
    ],
)
def test_what_they_give(made, value):
    """Equality and order are those of the operators; an empty list has no first item, and sums up to 0."""
    assert made == value
    assert type(made) is type(value)


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda: list_min([]), "empty-list"),
        (lambda: list_slice([1], 1, 0), "out-of-range"),
        (lambda: list_slice([1], 0, 2), "out-of-range"),
        (lambda: list_sort([1, "a"]), "no-overload"),
        (lambda: list_sort([{"a": 1}]), "no-overload"),
        (lambda: list_sum(["a", "b"]), "no-overload"),
        (lambda: list_sum([2**63 - 1, 1]), "overflow"),
        (lambda: list_sum([2**64]), "overflow"),
        (lambda: list_first({"a": 1}), "no-overload"),
        (lambda: reverse(1), "no-overload"),
    ],
)
def test_what_they_refuse(call, code):
    """Whatever has no value fails by name."""
    with pytest.raises(ExprError) as caught:
        call()
    assert caught.value.code == code
