"""What the helpers of generated code make of texts that are written out: patterns, formats, moments, numbers, offsets.

They take long to load, and a check has to begin quickly: this is imported only where such a text stands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from saltern_compiler.expr.ast import Const, ListExpr
from saltern_compiler.expr.grammar import Problem
from saltern_compiler.expr.kinds import kind
from saltern_compiler.expr.typed import ILL_TYPED, Report, Typed
from saltern_runtime.expr.calendars import check_unit, parts, reader
from saltern_runtime.expr.convert import to_bool, to_double, to_int, to_uint
from saltern_runtime.expr.errors import ExprError
from saltern_runtime.expr.formats import CLAUSES, Clause, clauses
from saltern_runtime.expr.patterns import compiled
from saltern_runtime.expr.times import to_duration, to_timestamp, zone_of
from saltern_runtime.spec.types import show

_PATTERN: Final = (
    compiled,
    "the pattern is no regular expression",
    "The syntax is RE2's: it has no look-around and no references back.",
)
_NO_FORMAT: Final = "the format cannot be read"
_PERCENT: Final = "A percent sign is written `%%`."
_READ: Final[Mapping[str, tuple[Callable[[Any], Any], str, str]]] = {
    **dict.fromkeys(("matches", "regex.extract", "regex.extractAll", "regex.replace"), _PATTERN),
    "format": (lambda form: list(clauses(form)), _NO_FORMAT, _PERCENT),
    "times.format": (parts, _NO_FORMAT, _PERCENT),
    "times.parse": (reader, "no time can be read by the format", _PERCENT),
    "times.truncate": (check_unit, "there is no such unit of time", "Weeks begin on Monday."),
    "timestamp": (to_timestamp, "the value is no moment", "Unix seconds are taken too."),
    "duration": (to_duration, "the text is no length of time", "Its units are h, m, s, ms, us and ns."),
    "int": (to_int, "the text is no whole number", "A number with a fraction is read by `double`."),
    "uint": (to_uint, "the text is no unsigned number", "It has no sign and no fraction."),
    "double": (to_double, "the text is no number", "Its fraction stands behind a point."),
    "bool": (to_bool, "the text is neither true nor false", 'Conditions say it of other texts: `x == "yes"`.'),
}
"""Function → what reads its text, what to say where that refuses it, how it is written."""
_NUMBERS: Final = frozenset({"int", "uint", "double"})
_WHOLE: Final = frozenset({"int", "uint"})
_TAKEN: Final[Mapping[str, frozenset[str]]] = {
    "d": _NUMBERS, "f": _NUMBERS, "e": _NUMBERS, "o": _WHOLE, "b": _WHOLE | {"bool"}, "x": _WHOLE | {"string", "bytes"},
    "X": _WHOLE | {"string", "bytes"},
}  # fmt: skip
"""Clause → the kinds of values that it takes; the others take all."""


def is_offset(text: str) -> bool:
    """Whether a text is an offset from UTC; what the machine has under a name does not count."""
    try:
        zone_of(text)
    except ExprError:
        return False
    return ":" in text


def check_text(function: str, text: Const, values: tuple[Typed, ...], report: Report) -> None:
    """Report what is wrong with a text, or a number, that a function reads as more than that; `values` are all that it takes."""
    read, message, note = _READ[function]
    try:
        done = read(text.value)
    except ExprError as error:
        report(Problem(ILL_TYPED, message, text.span, (f"It says: {error}.", note)))
        return
    groups = done.groups if function.startswith("regex.extract") else 0
    if groups > 1:
        notes = ("At most one may be extracted.", "A group that only holds together is written `(?:…)`.")
        report(Problem(ILL_TYPED, f"the pattern has {groups} groups", text.span, notes))
    if function == "format":
        _check_clauses([clause for clause in done if clause.letter != "%"], values[1], report)


def _check_clauses(wanted: Sequence[Clause], values: Typed, report: Report) -> None:
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
