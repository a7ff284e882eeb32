"""Functions of lists, as expressions call them."""

from datetime import timedelta

import pytest

from saltern_runtime.expr import (
    ExprError,
    list_avg,
    list_distinct,
    list_first,
    list_flatten,
    list_group_by,
    list_last,
    list_max,
    list_min,
    list_slice,
    list_sort,
    list_sort_by,
    list_sum,
    list_zip,
    lists_range,
    reverse,
    sets_contains,
    sets_equivalent,
    sets_intersects,
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
        (list_flatten([[1], [[2, [3]]]], 2), [1, 2, [3]]),
        (list_flatten([[1]], 0), [[1]]),
        (list_flatten([1, [[2]]], 10**12), [1, 2]),
        (list_sort_by(["bb", "a", "cc"], len), ["a", "bb", "cc"]),
        (list_sort_by([3, 1], lambda n: -n), [3, 1]),
        (lists_range(3), [0, 1, 2]),
        (lists_range(0), []),
        (sets_contains([1, {"a": [1.0]}], [{"a": [1]}]), True),
        (sets_contains([1], [True]), False),
        (sets_contains([], []), True),
        (sets_equivalent(["a", "b", "a"], ["b", "a"]), True),
        (sets_equivalent([1, 2], [1]), False),
        (sets_intersects([1, "1"], [1.0]), True),
        (sets_intersects([float("nan")], [float("nan")]), False),
        (list_slice([1, 2, 3], 1, 3), [2, 3]),
        (list_slice([], 0, 0), []),
        (list_first([]), None),
        (list_first([1, 2]), 1),
        (list_last([1, 2]), 2),
        (list_sum([]), 0),
        (list_sum([1, 2]), 3),
        (list_sum([0.5, 0.25]), 0.75),
        (list_sum([timedelta(seconds=1), timedelta(seconds=2)]), timedelta(seconds=3)),
        (list_avg([1, 2]), 1.5),
        (list_avg([2**63 - 1, 2**63 - 1]), float(2**63)),
        (list_avg([timedelta(seconds=1), timedelta(seconds=2)]), timedelta(seconds=1.5)),
        (list_zip([1, 2], ["a"]), [{"first": 1, "second": "a"}]),
        (list_zip([], [1]), []),
        (list_group_by(["ant", "bee", "ape"], lambda name: name[0]), {"a": ["ant", "ape"], "b": ["bee"]}),
        (list_group_by([], len), {}),
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
        (lambda: list_avg([]), "empty-list"),
        (lambda: list_avg([1, "2"]), "no-overload"),
        (lambda: list_avg([timedelta(1), 2]), "no-overload"),
        (lambda: list_zip([1], "ab"), "no-overload"),
        (lambda: list_group_by([1], lambda n: n), "no-overload"),
        (lambda: list_flatten([[1]], -1), "invalid-argument"),
        (lambda: list_flatten([[0] * 600_000] * 2), "too-large"),
        (lambda: list_sort_by([1, 2], lambda n: {"n": n}), "no-overload"),
        (lambda: list_sort_by({"a": 1}, lambda n: n), "no-overload"),
        (lambda: lists_range(-1), "invalid-argument"),
        (lambda: lists_range(10**12), "too-large"),
        (lambda: sets_contains("abc", ["a"]), "no-overload"),
        (lambda: sets_intersects([1], {"a": 1}), "no-overload"),
        (lambda: reverse(1), "no-overload"),
    ],
)
def test_what_they_refuse(call, code):
    """Whatever has no value fails by name."""
    with pytest.raises(ExprError) as caught:
        call()
    assert caught.value.code == code
