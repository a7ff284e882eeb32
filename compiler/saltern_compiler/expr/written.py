"""What is wrong with what is written out and can only fail: patterns, formats, moments, time zones, numbers in texts, zeros."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache
from importlib import import_module
from importlib.resources import files
from typing import TYPE_CHECKING, Final, TypeAlias

from saltern_compiler.diagnostics.suggest import did_you_mean
from saltern_compiler.expr.ast import Call, Const, Expr, ListExpr, Macro
from saltern_compiler.expr.kinds import kind
from saltern_compiler.expr.library.core import TIME_PARTS
from saltern_compiler.expr.library.times import TIMES
from saltern_compiler.expr.parse import Problem
from saltern_compiler.expr.typed import ILL_TYPED, Report, Typed
from saltern_runtime.spec.types import show

if TYPE_CHECKING:
    from saltern_runtime.expr.formats import Clause

Near: TypeAlias = Callable[[str, Sequence[str]], Sequence[str]]
_PATTERN: Final = (
    1,
    "patterns:compiled",
    "the pattern is no regular expression",
    "The syntax is RE2's: it has no look-around and no references back.",
)
_PERCENT: Final = "A percent sign is written `%%`."
_READ: Final[Mapping[str, tuple[int, str, str, str]]] = {
    **dict.fromkeys(("matches", "regex.extract", "regex.extractAll", "regex.replace"), _PATTERN),
    "times.format": (1, "calendars:parts", "the format cannot be read", _PERCENT),
    "times.parse": (1, "calendars:reader", "no time can be read by the format", _PERCENT),
    "times.truncate": (1, "calendars:check_unit", "there is no such unit of time", "Weeks begin on Monday."),
    "timestamp": (0, "times:to_timestamp", "the value is no moment", "Unix seconds are taken too."),
    "duration": (0, "times:to_duration", "the text is no length of time", "Its units are h, m, s, ms, us and ns."),
    "int": (0, "convert:to_int", "the text is no whole number", "A number with a fraction is read by `double`."),
    "uint": (0, "convert:to_uint", "the text is no unsigned number", "It has no sign and no fraction."),
    "double": (0, "convert:to_double", "the text is no number", "Its fraction stands behind a point."),
    "bool": (
        0,
        "convert:to_bool",
        "the text is neither true nor false",
        'Conditions say it of other texts: `x == "yes"`.',
    ),
}
"""Function → which of its values is read as more than itself, what reads it, what to say where that refuses it, how it is written.

The helpers of generated code read these; they are loaded only where such a text stands, since a check has to begin quickly.
"""
_ZONES: Final[Mapping[str, int]] = {
    **dict.fromkeys((row.name for row in TIME_PARTS), 1),
    **dict.fromkeys((row.name for row in TIMES), 2),
}
"""Function → which of its values names a time zone."""
_BY_ZERO: Final[Mapping[str, str]] = {"_/_": "division by zero", "_%_": "modulus by zero"}
_NUMBERS: Final = frozenset({"int", "uint", "double"})
_WHOLE: Final = frozenset({"int", "uint"})
_TAKEN: Final[Mapping[str, frozenset[str]]] = {
    "d": _NUMBERS, "f": _NUMBERS, "e": _NUMBERS, "o": _WHOLE, "b": _WHOLE | {"bool"}, "x": _WHOLE | {"string", "bytes"},
    "X": _WHOLE | {"string", "bytes"},
}  # fmt: skip
"""Clause → the kinds of values that it takes; the others take all."""


def check_texts(function: str, values: tuple[Typed, ...], near: Near, report: Report) -> None:
    """Report what is wrong with a text that is written as a value of a function; `near` finds names that are like one."""
    if function in _READ:
        _check_text(function, values[_READ[function][0]].expr, report)
    if function == "format":
        _check_format(values[0].expr, values[1], report)
    zone = _ZONES.get(function, len(values))
    if zone < len(values):
        _check_zone(values[zone].expr, near, report)


def check_zeros(typed: Typed, report: Report) -> None:
    """Report whole numbers that are divided by a zero that is written out, but where `&&`, `||` and their macros take no notice."""
    expr = typed.expr
    if (isinstance(expr, Macro) and expr.kind in ("all", "exists")) or getattr(expr, "function", "") in (
        "_&&_",
        "_||_",
    ):
        return
    for part in typed.parts:
        check_zeros(part, report)
    if isinstance(expr, Call) and expr.function in _BY_ZERO and kind(typed.type) in _WHOLE:
        divisor = expr.args[1]
        if isinstance(divisor, Const) and divisor.value == 0:
            report(Problem(ILL_TYPED, _BY_ZERO[expr.function], divisor.span, ("No whole number comes of it.",)))


@cache
def zones() -> tuple[str, ...]:
    """Return the names of all time zones: those of the package that travels with us, whatever the machine has."""
    return tuple(sorted(files("tzdata").joinpath("zones").read_text("utf-8").split()))


def _check_zone(zone: Expr, near: Near, report: Report) -> None:
    if not isinstance(zone, Const) or not isinstance(zone.value, str) or zone.value in zones():
        return
    from saltern_runtime.expr.errors import ExprError  # noqa: PLC0415 - see `_READ`
    from saltern_runtime.expr.times import zone_of  # noqa: PLC0415 - as above

    with suppress(ExprError):
        if ":" in zone.value:  # an offset; what the machine has under a name does not count
            zone_of(zone.value)
            return
    notes = did_you_mean(near(zone.value, zones())) or (
        "It is the name of one in the IANA database, such as `Europe/Zurich`, or an offset, such as `+01:00`.",
    )
    report(Problem("unknown-time-zone", f"unknown time zone `{zone.value[:60]}`", zone.span, notes))


def _check_text(function: str, text: Expr, report: Report) -> None:
    if not isinstance(text, Const) or not isinstance(text.value, str | int):
        return
    from saltern_runtime.expr.errors import ExprError  # noqa: PLC0415 - see `_READ`

    _, reader, message, note = _READ[function]
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
