"""The algebra of amounts: it says what numbers say, once numbers stand in place of its symbols."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saltern_compiler.ir.amounts import Amount, least, most, number, shares, symbol

NAMES = ("a", "b", "c")
Pair = tuple[Amount, Callable[[dict[str, int]], Fraction]]
"""An amount, and what it is as a function of sizes."""


def _sum(pairs: list[Pair]) -> Pair:
    return sum((amount for amount, _ in pairs), number(0)), lambda at: sum((of(at) for _, of in pairs), Fraction(0))


def _product(pairs: list[Pair]) -> Pair:
    (left, one), (right, two) = pairs[0], pairs[-1]
    return left * right, lambda at: one(at) * two(at)


def _most(pairs: list[Pair]) -> Pair:
    return most(*(amount for amount, _ in pairs)), lambda at: max(of(at) for _, of in pairs)


def _least(pairs: list[Pair]) -> Pair:
    return least(*(amount for amount, _ in pairs)), lambda at: min(of(at) for _, of in pairs)


def _shares(pair: Pair, by: int) -> Pair:
    amount, of = pair
    return shares(amount, by), lambda at: Fraction(math.ceil(of(at) / by))


LEAF: st.SearchStrategy[Pair] = st.one_of(
    st.integers(0, 9).map(lambda value: (number(value), lambda _: Fraction(value))),
    st.sampled_from(NAMES).map(lambda name: (symbol("size", name), lambda at: Fraction(at[name]))),
)
PAIR: st.SearchStrategy[Pair] = st.recursive(
    LEAF,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).flatmap(
            lambda pairs: st.sampled_from([_sum, _product, _most, _least]).map(lambda make: make(pairs))
        ),
        st.tuples(inner, st.integers(1, 4)).map(lambda both: _shares(*both)),
    ),
    max_leaves=8,
)
SIZES = st.fixed_dictionaries(dict.fromkeys(NAMES, st.integers(0, 9)))


@given(PAIR, SIZES)
def test_an_amount_is_what_its_parts_make(pair: Pair, sizes: dict[str, int]) -> None:
    """Sums, products, the largest, the smallest, quotients rounded up, in any nesting; short ones are exact."""
    amount, of = pair
    known = amount.at(lambda each: number(sizes[each.of])).known
    assert known == of(sizes)


@given(PAIR, PAIR, SIZES)
def test_what_is_within_is_never_more(left: Pair, right: Pair, sizes: dict[str, int]) -> None:
    """Where one amount is seen to be within another one, it is so for all sizes."""
    if left[0].within(right[0]):
        assert left[1](sizes) <= right[1](sizes)


@given(PAIR)
def test_the_least_is_what_it_is_without_sizes(pair: Pair) -> None:
    """Every symbol is 0."""
    assert pair[0].least == pair[1](dict.fromkeys(NAMES, 0))


@given(st.lists(PAIR, min_size=2, max_size=4), st.randoms())
def test_order_is_of_no_matter(pairs: list[Pair], random) -> None:
    """Equal amounts read alike, however they were put together."""
    mixed = [amount for amount, _ in pairs]
    random.shuffle(mixed)
    for make in (most, least):
        assert str(sum((amount for amount, _ in pairs), number(0))) == str(sum(mixed, number(0)))
        assert make(*mixed).at(lambda _: number(3)) == make(*(amount for amount, _ in pairs)).at(lambda _: number(3))


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (number(0), "0"),
        (number(1234567), "1,234,567"),
        (number(1.5) + symbol("size", "a"), "1.5 + size(a)"),
        (number(2) * symbol("size", "a") * symbol("size", "a"), "2·size(a)·size(a)"),
        (most(symbol("size", "a") + number(5), symbol("size", "b") + number(3)), "3 + max(2 + size(a), size(b))"),
        (shares(symbol("size", "a") + number(1), 8), "⌈(1 + size(a))/8⌉"),
        (shares(number(9), 8), "2"),
    ],
)
def test_amounts_read_as_sums(amount: Amount, text: str) -> None:
    """The number first, then products by their names."""
    assert str(amount) == text


def test_a_choice_of_very_much_is_rounded_up() -> None:
    """Where it would take hundreds of characters, what is as large in each part stands for it."""
    parts = [number(n + 1) * symbol("size", f"a_rather_long_name_{n}") for n in range(30)]
    rounded = most(*parts)
    assert "max" not in str(rounded)
    assert all(part.within(rounded) for part in parts)
