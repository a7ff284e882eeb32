"""How much of something there may be, where that hangs on sizes: `12 + 3·size(input.rows)`.

An amount is a sum of products of symbols, each with a factor above 0; a symbol stands for a number from 0 on that only a run
knows. The larger and the smaller of two amounts, and a quotient that is rounded up, are symbols too where it cannot be told
which they are. All is exact: numbers are fractions, and equal amounts are equal objects.

    >>> rows = symbol("size", "input.rows")
    >>> str(number(12) + number(3) * rows)
    '12 + 3·size(input.rows)'
    >>> str(most(number(3) * rows, rows, number(2)))
    'max(2, 3·size(input.rows))'
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from fractions import Fraction
from functools import lru_cache
from typing import Final, TypeAlias

from saltern_runtime.dataclass import dataclass

_LONGEST: Final = 400
"""Characters of an amount with choices; one that says more is rounded up to what is as large in every part."""


@dataclass(frozen=True, slots=True)
class Symbol:
    """What a run alone knows: the size of `input.rows`, how long `asked` waits."""

    kind: str
    """`size`, `wait`."""
    of: str
    why: str = field(default="", compare=False)
    """Why nothing says it, as a sentence without its end; empty where it is plain from the name."""

    def __str__(self) -> str:
        """Write it as a budget assumes it."""
        return f"{self.kind}({self.of})"


@dataclass(frozen=True, slots=True)
class Choice:
    """The largest or the smallest of several amounts, of which none is always that."""

    text: str
    """What it is known by: equal texts are equal choices."""
    word: str = field(compare=False)
    """`max` or `min`."""
    of: tuple[Amount, ...] = field(compare=False)

    def __str__(self) -> str:
        """Write it as a function."""
        return self.text


@dataclass(frozen=True, slots=True)
class Shares:
    """How many times something is needed to hold an amount: a quotient, rounded up."""

    text: str
    """What it is known by."""
    amount: Amount = field(compare=False)
    by: int = field(compare=False)

    def __str__(self) -> str:
        """Write it between the signs for rounding up."""
        return self.text


_DEPTH: Final = 2
"""Choices in each other that are looked into when amounts are compared."""
Atom: TypeAlias = Symbol | Choice | Shares
Product: TypeAlias = tuple[Atom, ...]


@dataclass(frozen=True, slots=True)
class Amount:
    """A sum: each product of atoms with its factor, sorted by how the products read, the number alone first."""

    terms: tuple[tuple[Product, Fraction], ...] = ()

    def __add__(self, other: Amount) -> Amount:
        """Add."""
        if not self.terms or not other.terms:
            return self if self.terms else other
        if self._is_plain and other._is_plain:
            return Amount((((), self.terms[0][1] + other.terms[0][1]),))
        terms = dict(self.terms)
        for product, factor in other.terms:
            terms[product] = terms.get(product, Fraction(0)) + factor
        return _amount(terms)

    def __mul__(self, other: Amount) -> Amount:
        """Multiply."""
        if self is ONE or other is ONE:
            return other if self is ONE else self
        if self._is_plain and other._is_plain:
            return Amount((((), self.terms[0][1] * other.terms[0][1]),))
        terms: dict[Product, Fraction] = {}
        for left, one in self.terms:
            for right, two in other.terms:
                product = tuple(sorted((*left, *right), key=str))
                terms[product] = terms.get(product, Fraction(0)) + one * two
        return _amount(terms)

    def __str__(self) -> str:
        """Write it as a sum."""
        return " + ".join(_term(product, factor) for product, factor in self.terms) or "0"

    @property
    def _is_plain(self) -> bool:
        """Whether it is a number above 0, as most amounts are."""
        return len(self.terms) == 1 and not self.terms[0][0]

    @property
    def known(self) -> Fraction | None:
        """The number, where it hangs on nothing."""
        if not self.terms:
            return Fraction(0)
        return self.terms[0][1] if self._is_plain else None

    @property
    def least(self) -> Fraction:
        """What it is at least: every symbol is 0."""
        return sum((factor for _, factor in self.at(lambda _: ZERO).terms), Fraction(0))

    def symbols(self) -> tuple[Symbol, ...]:
        """Return what it hangs on, sorted."""
        found = {str(symbol): symbol for product, _ in self.terms for atom in product for symbol in _symbols(atom)}
        return tuple(found[name] for name in sorted(found))

    def at(self, value: Callable[[Symbol], Amount | None]) -> Amount:
        """Put something in place of each symbol; None leaves one as it is."""
        total = ZERO
        for product, factor in self.terms:
            part = Amount((((), factor),))
            for atom in product:
                part *= _replaced(atom, value)
            total += part
        return total

    def within(self, other: Amount) -> bool:
        """Whether another one is as large whatever the symbols are; False also where that cannot be seen."""
        return _within(self, other, _DEPTH)


ZERO: Final = Amount()
ONE: Final = Amount((((), Fraction(1)),))


def _within(small: Amount, large: Amount, depth: int) -> bool:
    """Compare term by term; a choice that stands alone is any, or each, of what is chosen among."""
    factors = dict(large.terms)
    if all(factor <= factors.get(product, 0) for product, factor in small.terms):
        return True
    if depth == 0:
        return False
    for amount, is_small in ((large, False), (small, True)):
        for product, factor in amount.terms:
            if len(product) != 1 or not isinstance(product[0], Choice):
                continue
            choice = product[0]
            rest = Amount(tuple(term for term in amount.terms if term[0] != product))
            others = [rest + part * Amount((((), factor),)) for part in choice.of]
            ways = (
                _within(other, large, depth - 1) if is_small else _within(small, other, depth - 1) for other in others
            )
            if any(ways) if (choice.word == "max") is not is_small else all(ways):
                return True
    return False


@lru_cache(maxsize=4096)
def number(value: float | Fraction) -> Amount:
    """Return a number, from 0 on; a float counts as it is written."""
    exact = Fraction(str(value)) if isinstance(value, float) else Fraction(value)
    assert exact >= 0, "an amount is never below 0"
    return Amount((((), exact),)) if exact else ZERO


def symbol(kind: str, of: str, why: str = "") -> Amount:
    """Return what a run alone knows."""
    return Amount((((Symbol(kind, of, why),), Fraction(1)),))


def most(*amounts: Amount) -> Amount:
    """Return the largest of amounts; 0 of none."""
    return _choice("max", amounts, lambda small, large: small.within(large))


def least(*amounts: Amount) -> Amount:
    """Return the smallest of amounts, of which there is one at least."""
    return _choice("min", amounts, lambda large, small: small.within(large))


def shares(amount: Amount, by: int) -> Amount:
    """Divide by a whole number, rounded up."""
    if amount.known is not None:
        return number(-(-amount.known // by))
    if by == 1 and _is_whole(amount):
        return amount
    inner = f"({amount})" if len(amount.terms) > 1 else str(amount)
    return Amount((((Shares(f"⌈{inner}/{by}⌉", amount, by),), Fraction(1)),))


def total(amounts: Iterator[Amount]) -> Amount:
    """Add up."""
    return sum(amounts, ZERO)


def weight(amount: Amount) -> Fraction:
    """Return a number to compare amounts by: as if each size were 1."""
    return amount.at(lambda _: ONE).known or Fraction(0)


def show_number(value: Fraction) -> str:
    """Write a number: whole ones with their thousands apart, others rounded to two places."""
    return f"{int(value):,}" if value.denominator == 1 else f"{float(value):,.2f}".rstrip("0")


def _amount(terms: Mapping[Product, Fraction]) -> Amount:
    assert all(factor >= 0 for factor in terms.values()), "an amount is never below 0"
    kept = [(product, factor) for product, factor in terms.items() if factor]
    return Amount(tuple(sorted(kept, key=lambda term: (len(term[0]), [str(atom) for atom in term[0]]))))


def _term(product: Product, factor: Fraction) -> str:
    numbers = [] if product and factor == 1 else [show_number(factor)]
    return "·".join((*numbers, *map(str, product)))


def _is_whole(amount: Amount) -> bool:
    atoms = [atom for product, _ in amount.terms for atom in product]
    plain = all(isinstance(atom, Shares) or (isinstance(atom, Symbol) and atom.kind == "size") for atom in atoms)
    return plain and all(factor.denominator == 1 for _, factor in amount.terms)


def _symbols(atom: Atom) -> Iterator[Symbol]:
    match atom:
        case Symbol():
            yield atom
        case Choice(of=amounts):
            for amount in amounts:
                yield from amount.symbols()
        case Shares(amount=amount):
            yield from amount.symbols()


def _replaced(atom: Atom, value: Callable[[Symbol], Amount | None]) -> Amount:
    match atom:
        case Symbol():
            put = value(atom)
            return Amount((((atom,), Fraction(1)),)) if put is None else put
        case Choice(word=word, of=amounts):
            return (most if word == "max" else least)(*(amount.at(value) for amount in amounts))
        case Shares(amount=amount, by=by):
            return shares(amount.at(value), by)


def _choice(word: str, amounts: tuple[Amount, ...], loses: Callable[[Amount, Amount], bool]) -> Amount:
    """Choose among what is not always beaten by another one; what all have in common stands outside."""
    left: list[Amount] = []
    for amount in dict.fromkeys(amounts):
        if any(loses(amount, other) for other in left):
            continue
        left = [*(other for other in left if not loses(other, amount)), amount]
    if len(left) < 2:
        return left[0] if left else ZERO
    factors = [dict(amount.terms) for amount in left]
    common = {
        product: min(each.get(product, Fraction(0)) for each in factors)
        for product in {*factors[0]}.intersection(*factors)
    }
    rests = [
        _amount({product: factor - common.get(product, 0) for product, factor in each.items()}) for each in factors
    ]
    rests.sort(key=str)
    text = f"{word}({', '.join(map(str, rests))})"
    if len(text) > _LONGEST:
        return _rounded(word, left)
    return _amount(common) + Amount((((Choice(text, word, tuple(rests)),), Fraction(1)),))


def _rounded(word: str, left: list[Amount]) -> Amount:
    """Return what is at least as large as the choice, and says less."""
    if word == "min":
        return min(left, key=lambda amount: (len(str(amount)), str(amount)))
    terms: dict[Product, Fraction] = {}
    for amount in left:
        for product, factor in amount.terms:
            terms[product] = max(terms.get(product, Fraction(0)), factor)
    return _amount(terms)
