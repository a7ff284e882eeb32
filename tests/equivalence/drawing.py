"""Random pipelines over all constructs of the language, well-typed by construction, as text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from hypothesis import strategies as st

from tests.equivalence.blocks import RETRY, Block
from tests.equivalence.leaves import Leaves
from tests.equivalence.nests import Nests
from tests.equivalence.words import KINDS, Known, Words

LEAVES: Final = (
    "set", "note", "set", "note", "template", "half", "ask", "look", "flaky", "failing", "wait", "approval", "receive", "stop", "disabled",
    "risky", "respond", "compensated", "start", "merge", "when", "when",
)  # fmt: skip
NESTS: Final = (
    "if",
    "try",
    "foreach",
    "while",
    "parallel",
    "race",
    "call",
    "switch",
    "handled",
    "start",
    "else_if",
    "continued",
)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A pipeline, and all that a run of it needs."""

    text: str
    files: dict[str, str]
    answers: dict[str, Any]
    """Node that waits → what it is answered."""
    given: dict[str, Any]

    def __repr__(self) -> str:
        parts = [f"# --- {name}\n{text}" for name, text in self.files.items() if name != "own.py"]
        return "\n".join([self.text, *parts, f"# input {self.given}, answers {self.answers}"])

    def _repr_pretty_(self, printer: Any, _: bool) -> None:
        """Show hypothesis the text."""
        printer.text(f"\n{self!r}\n")


class Drawing(Leaves, Nests):
    """Draws one pipeline and those that it uses."""

    def pipeline(self, name: str, depth: int, given: tuple[str, ...] = ("a", "b", "c")) -> str:
        """Draw a whole pipeline."""
        known = Known()
        known.sure["int"] += [f"input.{each}" for each in given]
        if len(given) > 1:
            known.sure["list"].append("input.some")
        block = Block(known, is_top=not self.is_called, in_order=not self.words.chance(4))
        self.fill(block, depth)
        if len(given) == 1:
            result = self.words.int(block.known)
        else:
            shown = [f"{n}: {n}" for kind in KINDS for n in block.known.sure[kind] if n.isidentifier()]
            shown += [f"{n}: merge({n})" for kind in KINDS for n in block.known.maybe[kind] if n.isidentifier()]
            shown.append(f"out: {self.words.int(block.known)}")
            result = f"{{ {', '.join(dict.fromkeys(shown))} }}"
        fields = ", ".join([*(f"{each}: int" for each in given), *(["some: list<int>"] if len(given) > 1 else [])])
        head = [RETRY.format(2), f"pipeline {name}", f"input {{ {fields} }}", *self.uses]
        return "\n".join([*head, *block.lines, f"return {result}"]) + "\n"

    def fill(self, block: Block, depth: int) -> None:
        """Draw the statements of a block: one may hold others that deep, the rest are small."""
        before = self.words.below(2)
        kinds = [*(self.words.one(LEAVES) for _ in range(before + (depth == 0)))]
        if depth:
            kinds.append(self.words.one(NESTS))
        kinds += [self.words.one(LEAVES) for _ in range(self.words.below(2))]
        if depth and self.words.chance(6):
            kinds.append(self.words.one(NESTS))
        for at, kind in enumerate(kinds):
            deep = depth - 1 if at == before else min(depth - 1, 1)
            if kind in LEAVES and kind != "start":
                getattr(self, f"draw_{kind}")(block)
            else:
                getattr(self, f"draw_{kind}")(block, max(deep, 0))

    def beside(self, depth: int, *, called: bool) -> str:
        """Draw a pipeline of its own, and use it."""
        name = self.name()
        other = Drawing(
            self.words, self.prefix, self.numbers, self.files, answers=self.answers, is_called=called or self.is_called
        )
        self.files[f"{name}.saltern"] = other.pipeline(name, depth, ("a",))
        self.uses.append(f'use {name} = "./{name}.saltern"')
        return name


DEPTHS: Final = (1, 2, 0, 1, 2, 1, 3, 2, 1, 0, 2, 1, 3, 2, 1, 8)


@st.composite
def drawn(draw: st.DrawFn, depths: tuple[int, ...] = DEPTHS, prefix: str = "n") -> Drawn:
    """Make pipelines whose constructs stand in each other that deep along one way, and less along the others."""
    words = Words(draw)
    drawing = Drawing(words, prefix)
    text = drawing.pipeline(f"{prefix}main", words.one(depths))
    given = {
        "a": words.below(4),
        "b": words.below(3) - 1,
        "c": 5,
        "some": [words.below(3) for _ in range(words.below(3))],
    }
    return Drawn(text, drawing.files, drawing.answers, given)


def together(many: Sequence[Drawn], name: str = "many") -> Drawn:
    """Make a pipeline that starts others, which have prefixes of their own, so that one worker runs all of them."""
    lines, files = [], dict[str, str]()
    for at, one in enumerate(many):
        main = _name_of(one)
        files |= {**one.files, f"{main}.saltern": one.text}
        given = ", ".join(f"{key}: {value}" for key, value in one.given.items())
        lines += [f"r{at} = start {main} {{ {given} }}"]
    uses = [f'use {_name_of(one)} = "./{_name_of(one)}.saltern"' for one in many]
    text = "\n".join([f"pipeline {name}", "input { a: int }", *uses, *lines, "return input.a"]) + "\n"
    return Drawn(text, files, {key: value for one in many for key, value in one.answers.items()}, {"a": 0})


def _name_of(one: Drawn) -> str:
    return next(line for line in one.text.splitlines() if line.startswith("pipeline ")).split()[1]
