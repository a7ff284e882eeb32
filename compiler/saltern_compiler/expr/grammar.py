"""The grammar of expressions, its table, its limit, and what is wrong with a text."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from saltern_compiler.diagnostics.model import Diagnostic, Origin
from saltern_compiler.diagnostics.suggest import replace_by
from saltern_compiler.expr.ast import Span
from saltern_runtime.dataclass import dataclass

GRAMMAR: Final = Path(__file__).with_name("grammar.lark").read_text("utf-8")
"""Rules and terminals of expressions; the start rule is `expr`."""
START: Final = ("expr",)
TABLE: Final = Path(__file__).with_name("grammar.jsonl")

MAX_DEPTH: Final = 100
"""Levels of brackets, and of the syntax tree, at most: what every later walk over the tree can recurse through."""
OPENING: Final = frozenset({"(", "[", "[?", "{", "LESSTHAN"})
CLOSING: Final = frozenset({")", "]", "}", "MORETHAN"})
"""Brackets, and the terminals of those of `list<…>`, as Lark calls them; the operators `<` and `>` are another terminal."""
BRACKETS: Final = {**dict.fromkeys(OPENING, 1), **dict.fromkeys(CLOSING, -1)}


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong at a place of the text that was parsed."""

    code: str
    message: str
    span: Span
    notes: tuple[str, ...] = ()
    better: str = ""
    """What to write at the place instead, where that is clear."""

    def diagnostic(self, origin: Origin) -> Diagnostic:
        """Make it a finding about the source; the span counts from `origin`."""
        place = origin.within(*self.span)
        fixes = replace_by((self.better,) if self.better else (), place)
        return Diagnostic(self.code, self.message, place, notes=self.notes, fixes=fixes)


def too_deep(span: Span) -> Problem:
    """Say that an expression is nested too deeply."""
    notes = (f"At most {MAX_DEPTH} levels are read.", "Move a part of it into a `set` node of its own.")
    return Problem("nesting-too-deep", "the expression is nested too deeply", span, notes)
