"""What is wrong with texts that a function reads as more than a text, where they are written there: patterns, formats."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from saltern_compiler.expr.ast import Const, Expr, ListExpr
from saltern_compiler.expr.kinds import kind
from saltern_compiler.expr.parse import Problem
from saltern_compiler.expr.typed import ILL_TYPED, Report, Typed
from saltern_runtime.expr import ExprError
from saltern_runtime.expr.formats import CLAUSES, Clause, clauses
from saltern_runtime.expr.patterns import compiled
from saltern_runtime.spec.types import show

_PATTERNS: Final[Mapping[str, int]] = {"matches": 1, "regex.extract": 1, "regex.extractAll": 1, "regex.replace": 1}
"""Function → the place of its pattern."""
_NUMBERS: Final = frozenset({"int", "uint", "double"})
_WHOLE: Final = frozenset({"int", "uint"})
_TAKEN: Final[Mapping[str, frozenset[str]]] = {
    "d": _NUMBERS, "f": _NUMBERS, "e": _NUMBERS, "o": _WHOLE, "b": _WHOLE | {"bool"}, "x": _WHOLE | {"string", "bytes"},
    "X": _WHOLE | {"string", "bytes"},
}  # fmt: skip
"""Clause → the kinds of values that it takes; the others take all."""


def check_texts(function: str, parts: tuple[Typed, ...], report: Report) -> None:
    """Report what is wrong with a text that is written as a value of a function."""
    if function in _PATTERNS:
        _check_pattern(function, parts[_PATTERNS[function]], report)
    if function == "format":
        _check_format(parts[0].expr, parts[1], report)


def _check_pattern(function: str, pattern: Typed, report: Report) -> None:
    text, at = pattern.expr, pattern.expr.span
    if not isinstance(text, Const) or not isinstance(text.value, str):
        return
    try:
        groups = compiled(text.value).groups
    except ExprError as error:
        notes = (f"It says: {error}.", "The syntax is RE2's: it has no look-around and no references back.")
        report(Problem(ILL_TYPED, "the pattern is no regular expression", at, notes))
        return
    if groups > 1 and function.startswith("regex.extract"):
        notes = ("At most one may be extracted.", "A group that only holds together is written `(?:…)`.")
        report(Problem(ILL_TYPED, f"the pattern has {groups} groups", at, notes))


def _check_format(form: Expr, values: Typed, report: Report) -> None:
    if not isinstance(form, Const) or not isinstance(form.value, str):
        return
    try:
        wanted = [clause for clause in clauses(form.value) if clause.letter != "%"]
    except ExprError as error:
        notes = (f"It says: {error}.", "A percent sign is written `%%`.")
        report(Problem(ILL_TYPED, "the format cannot be read", form.span, notes))
        return
    if not isinstance(values.expr, ListExpr):
        return
    if len(wanted) != len(values.parts):
        notes = (f"It has {len(wanted)} clauses, the list {len(values.parts)} values.", f"Clauses are {CLAUSES}.")
        report(Problem(ILL_TYPED, "the format has not one clause for each value", values.expr.span, notes))
        return
    for problem in _misfits(wanted, values.parts):
        report(problem)


def _misfits(wanted: list[Clause], values: tuple[Typed, ...]) -> Iterator[Problem]:
    for clause, value in zip(wanted, values, strict=True):
        fits = _TAKEN.get(clause.letter)
        if fits is not None and kind(value.type) not in fits | {"any", "mixed"}:
            notes = ("`%s` takes any value.",)
            message = f"`%{clause.letter}` does not take {show(value.type)}"
            yield Problem(ILL_TYPED, message, value.expr.span, notes)
