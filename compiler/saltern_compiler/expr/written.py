"""What is wrong with texts that a function reads as more than a text, where they are written there: patterns, formats."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Final

from saltern_compiler.expr.ast import Const, Expr, ListExpr
from saltern_compiler.expr.kinds import kind
from saltern_compiler.expr.parse import Problem
from saltern_compiler.expr.typed import ILL_TYPED, Report, Typed
from saltern_runtime.spec.types import show

if TYPE_CHECKING:
    from saltern_runtime.expr.formats import Clause

_NO_PATTERN: Final = "the pattern is no regular expression"
_RE2: Final = "The syntax is RE2's: it has no look-around and no references back."
_READ: Final[Mapping[str, tuple[str, str, str]]] = {
    **dict.fromkeys(
        ("matches", "regex.extract", "regex.extractAll", "regex.replace"), ("patterns:compiled", _NO_PATTERN, _RE2)
    ),
    "times.format": ("calendars:parts", "the format cannot be read", "A percent sign is written `%%`."),
    "times.parse": ("calendars:reader", "no time can be read by the format", "A percent sign is written `%%`."),
    "times.truncate": ("calendars:check_unit", "there is no such unit of time", "Weeks begin on Monday."),
}
"""Function → what reads its second value, what to say where that refuses it, and how it is written.

The helpers of generated code read these; they are loaded only where such a text stands, since a check has to begin quickly.
"""
_NUMBERS: Final = frozenset({"int", "uint", "double"})
_WHOLE: Final = frozenset({"int", "uint"})
_TAKEN: Final[Mapping[str, frozenset[str]]] = {
    "d": _NUMBERS, "f": _NUMBERS, "e": _NUMBERS, "o": _WHOLE, "b": _WHOLE | {"bool"}, "x": _WHOLE | {"string", "bytes"},
    "X": _WHOLE | {"string", "bytes"},
}  # fmt: skip
"""Clause → the kinds of values that it takes; the others take all."""


def check_texts(function: str, values: tuple[Typed, ...], report: Report) -> None:
    """Report what is wrong with a text that is written as a value of a function."""
    if function in _READ:
        _check_text(function, values[1].expr, report)
    if function == "format":
        _check_format(values[0].expr, values[1], report)


def _check_text(function: str, text: Expr, report: Report) -> None:
    if not isinstance(text, Const) or not isinstance(text.value, str):
        return
    from saltern_runtime.expr.errors import ExprError  # noqa: PLC0415 - see `_READ`

    reader, message, note = _READ[function]
    module, _, name = reader.partition(":")
    read = getattr(import_module(f"saltern_runtime.expr.{module}"), name)
    try:
        done = read(text.value)
    except ExprError as error:
        report(Problem(ILL_TYPED, message, text.span, (f"It says: {error}.", note)))
        return
    groups = done.groups if function.startswith("regex.extract") else 0
    if groups > 1:
        notes = ("At most one may be extracted.", "A group that only holds together is written `(?:…)`.")
        report(Problem(ILL_TYPED, f"the pattern has {groups} groups", text.span, notes))


def _check_format(form: Expr, values: Typed, report: Report) -> None:
    if not isinstance(form, Const) or not isinstance(form.value, str):
        return
    from saltern_runtime.expr.errors import ExprError  # noqa: PLC0415 - see `_READ`
    from saltern_runtime.expr.formats import CLAUSES, clauses  # noqa: PLC0415 - as above

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


def _misfits(wanted: Sequence[Clause], values: tuple[Typed, ...]) -> Iterator[Problem]:
    for clause, value in zip(wanted, values, strict=True):
        fits = _TAKEN.get(clause.letter)
        if fits is not None and kind(value.type) not in fits | {"any", "mixed"}:
            notes = ("`%s` takes any value.",)
            message = f"`%{clause.letter}` does not take {show(value.type)}"
            yield Problem(ILL_TYPED, message, value.expr.span, notes)
