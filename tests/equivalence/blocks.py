"""Blocks of random pipelines, and what all statements in them have in common."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Final

from tests.equivalence.words import Known, Words

OWN: Final = Path(__file__).with_name("own.py").read_text()
RETRY: Final = "@retry({}, base: 1ms, cap: 1ms)"


@dataclass(slots=True)
class Block:
    """A block that is being drawn: where it stands, what it knows, its lines."""

    known: Known
    is_top: bool = False
    """Whether it is the graph of a run of its own, so that nodes can be taken back."""
    times: int = 1
    """How often it may run."""
    lines: list[str] = field(default_factory=list)
    last: str = ""
    """The statement that the next one comes after, where one follows the other."""
    in_order: bool = True
    branches: list[str] = field(default_factory=list)
    """Handles that nodes may hang on."""
    of_several: bool = False
    """Whether it stands behind several cases: what is in it hangs on any of these, and on nothing else."""


@dataclass(slots=True)
class Blocks:
    """What drawing a block takes, whatever stands in it."""

    words: Words
    prefix: str = "n"
    numbers: Any = field(default_factory=count)
    files: dict[str, str] = field(default_factory=lambda: {"own.py": OWN})
    uses: list[str] = field(default_factory=list)
    answers: dict[str, Any] = field(default_factory=dict)
    is_called: bool = False
    responded: bool = False
    callees: int = 0

    def name(self) -> str:
        """Return a name that nothing has."""
        return f"{self.prefix}{next(self.numbers)}"

    def clause(self, block: Block) -> str:
        """Return the clause that puts a statement behind the last one, where they go one after the other."""
        return f" after {block.last}" if block.last and block.in_order else ""

    def add(self, block: Block, name: str, lines: list[str], kind: str = "", *, maybe: bool = False) -> None:
        """Add a statement, whose value is of a kind."""
        block.lines += lines
        block.last = name
        if kind:
            (block.known.maybe if maybe else block.known.sure)[kind].append(name)

    def inner(self, block: Block, depth: int, times: int = 1, *, of_several: bool = False, **more: str) -> Block:
        """Draw a block in another one; `more` are names of whole numbers that it knows beside all around."""
        made = Block(block.known.inside(), times=block.times * times, in_order=not self.words.chance(5))
        made.of_several = of_several
        made.known.sure["int"] += more.values()
        self.fill(made, depth)
        return made

    def region(self, block: Block, depth: int, times: int = 1, word: str = "yield", **more: str) -> list[str]:
        """Draw the block of a region: all that it gives is what it yields, a whole number."""
        made = self.inner(block, depth, times, **more)
        return [*made.lines, f"{word} {self.words.int(made.known)}{self.clause(made)}"]

    def branch(self, block: Block, depth: int, *, of_several: bool = False) -> list[str]:
        """Draw the block of a branch: what it makes may have been skipped behind it."""
        made = self.inner(block, depth, of_several=of_several)
        block.known.after(made.known)
        return made.lines

    def own(self, function: str, value: str, tag: str = "", more: str = "") -> str:
        """Write the operation of a call of own code."""
        args = f'tag: "{tag}", value: {value}' if tag else f"value: {value}"
        return f'{{ function: "own:{function}", args: {{ {args} }}{more} }}'

    def failing(self, block: Block, name: str) -> list[str]:
        """Draw what fails, or may."""
        function = self.words.one(("boom", "refuse", "crash"))
        call = self.own(function, self.words.int(block.known, 1), name)
        own = [] if self.words.chance(4) else [RETRY.format(self.words.below(3) + 1)]
        return [*own, f"{name} = python.call{self.clause(block)} {call}"]

    def fill(self, block: Block, depth: int) -> None:
        """Draw the statements of a block: one may hold others that deep."""
        raise NotImplementedError

    def beside(self, depth: int, *, called: bool) -> str:
        """Draw a pipeline of its own, and use it; return its name."""
        raise NotImplementedError
