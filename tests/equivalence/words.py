"""Random expressions of a type, over the names that a place knows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, TypeVar

from hypothesis import strategies as st

T = TypeVar("T")
KINDS: Final = ("int", "bool", "string", "list")
WHOLE: Final = ("0", "1", "2", "3", "-1", "7", "100", "9223372036854775807")
TEXTS: Final = ('""', '"a"', '"two words"', '"{{"', '"7"', '"it\'s"')


@lru_cache(maxsize=64)
def _below(count: int) -> st.SearchStrategy[int]:
    return st.integers(0, count - 1)


@dataclass(slots=True)
class Known:
    """What a place may read: kind → expressions; `maybe` are names that may have been skipped."""

    sure: dict[str, list[str]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    maybe: dict[str, list[str]] = field(default_factory=lambda: {kind: [] for kind in KINDS})

    def inside(self) -> Known:
        """Return what a block in this place knows at its beginning."""
        return deepcopy(self)

    def after(self, block: Known) -> None:
        """Take over what a branch has made, which may have been skipped."""
        for kind in KINDS:
            mine = {*self.sure[kind], *self.maybe[kind]}
            made = (*block.sure[kind], *block.maybe[kind])
            self.maybe[kind] += [name for name in made if name not in mine and name.isidentifier()]


class Words:
    """Draws; what is simplest stands first everywhere, so that what fails becomes simple."""

    def __init__(self, draw: Callable[[st.SearchStrategy[Any]], Any]) -> None:
        self._draw = draw

    def below(self, count: int) -> int:
        """Draw a number from 0."""
        return int(self._draw(_below(count))) if count > 1 else 0

    def one(self, of: Sequence[T]) -> T:
        """Draw one of several."""
        return of[self.below(len(of))]

    def chance(self, of: int) -> bool:
        """Draw true, once in so many times."""
        return self.below(of) == of - 1

    def int(self, known: Known, depth: int = 2) -> str:
        """Draw a whole number."""
        atoms = known.sure["int"]
        match self.below(12) if depth else self.below(4):
            case 0:
                return self.one(WHOLE[:-1]) if not self.chance(24) else WHOLE[-1]
            case 1 | 2 | 3:
                return self.one(atoms) if atoms else self.one(WHOLE[:-1])
            case 4 | 5:
                return f"({self.int(known, depth - 1)} {self.one('+-*')} {self.int(known, depth - 1)})"
            case 6:
                by = self.divisor(known) if self.chance(3) else self.one(("2", "-3", "5"))
                return f"({self.int(known, depth - 1)} {self.one('/%')} {by})"
            case 7:
                return f"({self.bool(known, depth - 1)} ? {self.int(known, depth - 1)} : {self.int(known, depth - 1)})"
            case 8:
                return f"size({self.string(known, depth - 1) if self.chance(2) else self.list(known, depth - 1)})"
            case 9:
                return f"merge({self.one(known.maybe['int'])}, {self.int(known, 0)})" if known.maybe["int"] else "4"
            case 10:
                index = self.int(known, 0) if self.chance(3) else "0"
                return f"([{self.int(known, 0)}] + {self.list(known, 0)})[{index}]"
            case _:
                return f"{self.list(known, depth - 1)}.sum()"

    def divisor(self, known: Known) -> str:
        """Draw what is divided by: it may be zero, but is not written so."""
        return self.one(known.sure["int"]) if known.sure["int"] else "2"

    def bool(self, known: Known, depth: int = 2) -> str:
        """Draw a truth value."""
        atoms = known.sure["bool"]
        match self.below(8) if depth else self.below(2):
            case 0:
                return f"{self.int(known, 0)} {self.one(('<', '==', '>=', '!='))} {self.int(known, 0)}"
            case 1:
                return self.one(atoms) if atoms else self.one(("false", "true"))
            case 2 | 3:
                sign = self.one(("&&", "||"))
                return f"({self.bool(known, depth - 1)} {sign} {self.bool(known, depth - 1)})"
            case 4:
                return f"!({self.bool(known, depth - 1)})"
            case 5:
                return f"{self.int(known, 0)} in {self.list(known, depth - 1)}"
            case 6:
                return f"{self.list(known, 0)}.{self.one(('exists', 'all'))}(v, v > {self.int(known, 0)})"
            case _:
                return f"{self.string(known, 0)} == {self.string(known, 0)}"

    def string(self, known: Known, depth: int = 2) -> str:
        """Draw a text."""
        atoms = known.sure["string"]
        match self.below(6) if depth else self.below(2):
            case 0:
                return self.one(TEXTS)
            case 1:
                return self.one(atoms) if atoms else self.one(TEXTS)
            case 2 | 3:
                return f"string({self.int(known, depth - 1)})"
            case 4:
                return f"({self.string(known, depth - 1)} + {self.string(known, depth - 1)})"
            case _:
                maybe = known.maybe["string"]
                return f"merge({self.one(maybe)}, {self.string(known, 0)})" if maybe else '"m"'

    def list(self, known: Known, depth: int = 2) -> str:
        """Draw a list of whole numbers, of not too many."""
        atoms = known.sure["list"]
        match self.below(6) if depth else self.below(2):
            case 0:
                return f"[{', '.join(self.int(known, 0) for _ in range(self.below(3) + 1))}]"
            case 1:
                return self.one(atoms) if atoms else "[3]"
            case 2:
                return f"{self.list(known, depth - 1)}.map(v, v {self.one('+*')} {self.int(known, 0)})"
            case 3:
                return f"{self.list(known, depth - 1)}.filter(v, v {self.one('<>')} {self.int(known, 0)})"
            case 4:
                return f"{self.list(known, depth - 1)}.reverse()"
            case _:
                return f"({self.list(known, 0)} + {self.list(known, 0)})"

    def of(self, kind: str, known: Known, depth: int = 2) -> str:
        """Draw an expression of a kind."""
        return str(getattr(self, kind)(known, depth))
