"""Macros with two names, and bound values, as expressions call them."""

import pytest

from saltern_runtime.expr import ExprError, all_of_pairs, any_of_pairs, bind, div, pairs
from saltern_runtime.expr.bounds import MAX_ITEMS, MAX_TEXT
from saltern_runtime.models import Model


class Line(Model):
    sku: str
    price: int
    note: str | None = None


def test_what_macros_go_through():
    """Places and items, keys and values; a model has those of its fields that are there."""
    assert list(pairs(["a", "b"])) == [(0, "a"), (1, "b")]
    assert list(pairs({"a": 1})) == [("a", 1)]
    assert list(pairs(Line(sku="tea", price=2))) == [("sku", "tea"), ("price", 2)]
    for value in ("ab", 1, None):
        with pytest.raises(ExprError):
            pairs(value)


def test_errors_count_only_where_nothing_decides():
    """One entry that decides is enough, whatever raises for others; conditions are bools."""
    entries = list(pairs([4, 3, 9]))
    assert any_of_pairs(entries, lambda i, n: div(n, i) == 3) is True
    assert all_of_pairs(entries, lambda i, n: div(n, i) > 3) is False
    for quantified in (all_of_pairs, any_of_pairs):
        with pytest.raises(ExprError):
            quantified([(0, 1)], lambda i, n: div(n, i) > 4)
        with pytest.raises(ExprError):
            quantified([(0, 1)], lambda i, n: n)


def test_a_bound_value_has_a_size():
    """What is bound is read under its name; a text or list that doubles again and again is refused early."""
    assert bind("ab", lambda text: text + text) == "abab"
    assert bind(None, lambda value: value) is None
    for value in ("a" * (MAX_TEXT + 1), b"a" * (MAX_TEXT + 1), [0] * (MAX_ITEMS + 1)):
        with pytest.raises(ExprError) as raised:
            bind(value, lambda each: each)
        assert raised.value.code == "too-large"
