"""What is wrong with what is written out and can only fail: texts that a function reads as more, time zones, zeros."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Final, TypeAlias

from saltern_compiler.diagnostics.suggest import did_you_mean
from saltern_compiler.expr.ast import Call, Const, Expr, Macro
from saltern_compiler.expr.grammar import Problem
from saltern_compiler.expr.kinds import kind
from saltern_compiler.expr.library.core import TIME_PARTS
from saltern_compiler.expr.library.times import TIMES
from saltern_compiler.expr.typed import ILL_TYPED, Report, Typed

Near: TypeAlias = Callable[[str, Sequence[str]], Sequence[str]]
_READ: Final[Mapping[str, int]] = {
    **dict.fromkeys(("timestamp", "duration", "int", "uint", "double", "bool", "format"), 0),
    **dict.fromkeys(("matches", "regex.extract", "regex.extractAll", "regex.replace"), 1),
    **dict.fromkeys(("times.format", "times.parse", "times.truncate"), 1),
}
"""Function → which of its values `readings` knows how to read."""
_ZONES: Final[Mapping[str, int]] = {
    **dict.fromkeys((row.name for row in TIME_PARTS), 1),
    **dict.fromkeys((row.name for row in TIMES), 2),
}
"""Function → which of its values names a time zone."""
_BY_ZERO: Final[Mapping[str, str]] = {"_/_": "division by zero", "_%_": "modulus by zero"}


def check_texts(function: str, values: tuple[Typed, ...], near: Near, report: Report) -> None:
    """Report what is wrong with a text that is written as a value of a function; `near` finds names that are like one."""
    text = values[_READ[function]].expr if function in _READ else None
    if isinstance(text, Const) and isinstance(text.value, str | int):
        from saltern_compiler.expr.readings import check_text  # noqa: PLC0415 - loads the helpers of generated code

        check_text(function, text, values, report)
    zone = _ZONES.get(function, len(values))
    if zone < len(values):
        _check_zone(values[zone].expr, near, report)


def check_zeros(typed: Typed, report: Report) -> None:
    """Report whole numbers that are divided by a zero that is written out, but where `&&`, `||` and their macros take no notice."""
    expr = typed.expr
    if isinstance(expr, Macro) and expr.kind in ("all", "exists"):
        return
    if isinstance(expr, Call) and expr.function in ("_&&_", "_||_"):
        return
    for part in typed.parts:
        check_zeros(part, report)
    if isinstance(expr, Call) and expr.function in _BY_ZERO and kind(typed.type) in ("int", "uint"):
        divisor = expr.args[1]
        if isinstance(divisor, Const) and divisor.value == 0:
            report(Problem(ILL_TYPED, _BY_ZERO[expr.function], divisor.span, ("No whole number comes of it.",)))


@cache
def zones() -> tuple[str, ...]:
    """Return the names of all time zones: those of the package that travels with us, whatever the machine has."""
    from importlib.resources import files  # noqa: PLC0415 - few pipelines name a zone

    return tuple(sorted(files("tzdata").joinpath("zones").read_text("utf-8").split()))


def _check_zone(zone: Expr, near: Near, report: Report) -> None:
    if not isinstance(zone, Const) or not isinstance(zone.value, str) or zone.value in zones():
        return
    from saltern_compiler.expr.readings import is_offset  # noqa: PLC0415 - loads the helpers of generated code

    if is_offset(zone.value):
        return
    notes = did_you_mean(near(zone.value, zones())) or (
        "It is the name of one in the IANA database, such as `Europe/Zurich`, or an offset, such as `+01:00`.",
    )
    report(Problem("unknown-time-zone", f"unknown time zone `{zone.value[:60]}`", zone.span, notes))
