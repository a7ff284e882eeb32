"""The types of macros: what binds names, and evaluates its steps for each item or entry of what it goes through."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from saltern_compiler.expr.ast import Expr, Ident, Macro
from saltern_compiler.expr.calls import condition, not_null
from saltern_compiler.expr.grammar import Problem
from saltern_compiler.expr.kinds import ORDERED, Record, join, kind, settled, widened
from saltern_compiler.expr.typed import ILL_TYPED, Facts, Report, Scope, Typed, facts, gathered
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec.types import ANY, BOOL, INT, STRING, ListType, MapType, Primitive, Type, show, without_null

_OF_LISTS: Final = frozenset({"groupBy", "sortBy"})
"""Macros that have no meaning for a map."""
Check: TypeAlias = Callable[[Expr, Scope], Typed]

VALUED: Final = frozenset({"map", "transformList", "groupBy", "sortBy", "transformMap", "transformMapEntry"})
"""Macros whose last step gives a value; all other steps are conditions."""


@dataclass(frozen=True, slots=True)
class _Entries:
    """What a macro goes through: of a list, keys are the places of its items."""

    key: Type
    value: Type
    is_list: bool = False
    is_dynamic: bool = False


def macro(expr: Macro, scope: Scope, check: Check, report: Report) -> Typed:
    """Type a macro that binds names."""
    target = check(expr.target, scope)
    if expr.kind == "cel.bind":
        body = check(expr.steps[0], scope.binding(expr.variables[0], settled(target.type)))
        return gathered(expr, body.type, (target, body), fails=True)
    entries = _entries(target, report)
    if expr.kind in _OF_LISTS and not (entries.is_list or entries.is_dynamic):
        report(Problem(ILL_TYPED, f"`{expr.kind}` goes through a list, not {show(target.type)}", target.expr.span))
    one = entries.value if entries.is_list or entries.is_dynamic else entries.key
    bound = (one,) if len(expr.variables) == 1 else (entries.key, entries.value)
    inner = scope
    for name, of in zip(expr.variables, bound, strict=True):
        inner = inner.binding(name, of)
    steps: list[Typed] = []
    for place, step in enumerate(expr.steps):
        known = facts(expr.steps[0], holds=True) if place == 1 else Facts()
        steps.append(check(step, inner.knowing(known)))
    proven = [condition(step, report) for step in (steps[:-1] if expr.kind in VALUED else steps)]
    if expr.kind in _OF_LISTS:
        _check_key(expr.kind, steps[-1], report)
    of, fails = _gives(expr, entries, one, steps[-1])
    return gathered(expr, of, (target, *steps), fails=fails or entries.is_dynamic or not all(proven))


def _gives(expr: Macro, entries: _Entries, item: Type, last: Typed) -> tuple[Type, bool]:
    """Return the type of what a macro gives, and whether gathering it may fail."""
    match expr.kind:
        case "map" | "transformList":
            return ListType(last.type), False
        case "filter":
            filled = Ident(expr.variables[0]) in facts(expr.steps[0], holds=True).filled
            return ListType(without_null(item) if filled else item), False
        case "sortBy":
            return ListType(entries.value), True
        case "groupBy":
            return MapType(ListType(entries.value)), True
        case "transformMap":
            return _map(entries.key, last.type), False
        case "transformMapEntry":
            key, value = last.parts
            return _map(key.type, value.type), True
        case _:
            return BOOL, False


def _check_key(macro: str, key: Typed, report: Report) -> None:
    """Report what items are sorted or grouped by, where that has no order, or is no text."""
    of = not_null(key, report)
    by_text = macro == "groupBy"
    if kind(of) in ("string", "any", "mixed") or (not by_text and kind(of) in (*ORDERED, "uint")):
        return
    message = f"items are grouped by text, not by {show(widened(of))}" if by_text else f"{show(of)} has no order"
    notes = ("Keys of a map are texts: write `string(…)`.",) if by_text else ()
    report(Problem(ILL_TYPED, message, key.expr.span, notes))


def _map(key: Type, value: Type) -> Type:
    return MapType(widened(value)) if kind(key) == "string" else ANY


def _entries(target: Typed, report: Report) -> _Entries:
    of = not_null(target, report)
    match of:
        case ListType(item=item):
            return _Entries(INT, item, is_list=True)
        case MapType(value=value):
            return _Entries(STRING, value)
        case Record(fields=fields):
            return _Entries(STRING, join(field.type for field in fields) if fields else ANY)
        case Primitive(name="any"):
            return _Entries(ANY, ANY, is_dynamic=True)
    notes = ("Macros go through the items of a list or the keys of a map.",)
    report(Problem(ILL_TYPED, f"{show(of)} has no items", target.expr.span, notes))
    return _Entries(ANY, ANY, is_dynamic=True)
