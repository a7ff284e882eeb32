"""The setting `concurrency: { key: input.customer, at_most: 1, then: queue }` of a pipeline."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from saltern_compiler.diagnostics.model import Diagnostic, Origin
from saltern_compiler.diagnostics.suggest import did_you_mean, it_takes, nearest, replace_by
from saltern_compiler.expr.ast import Const, Expr, Ident, ListExpr, MapExpr, Select
from saltern_compiler.expr.show import show
from saltern_compiler.frontend.language.types import place
from saltern_compiler.ir.concurrency import AT_MOST, CONCURRENCY, KEY, MEMBERS, THEN, WAYS
from saltern_runtime.spec import Json

_SAYS: Final[Mapping[str, tuple[str, str]]] = {
    KEY: ("is no field of the input", f"Write `{KEY}: input.customer`, or a list of such fields."),
    AT_MOST: ("is no whole number", f"Write `{AT_MOST}: 1`."),
    THEN: ("is none of its words", it_takes(WAYS)),
}
"""Member → what is wrong with it, and what to write."""


def read_concurrency(
    value: Expr, report: Callable[[Diagnostic], None]
) -> tuple[dict[str, Json] | None, dict[str, Origin]]:
    """Read it, and where each member stands; report what it is not. None where there is nothing to read."""
    if not isinstance(value, MapExpr) or value.optional or not all(_is_named(key) for key, _ in value.entries):
        notes = (f"Write `{CONCURRENCY}: {{ {KEY}: input.customer, {AT_MOST}: 1, {THEN}: queue }}`.",)
        message = f"`{CONCURRENCY}` does not say how many runs go on at a time"
        report(Diagnostic("ill-typed-setting", message, place(value.span), notes=notes))
        return None, {}
    read: dict[str, Json] = {}
    places: dict[str, Origin] = {}
    for key, part in value.entries:
        assert isinstance(key, Const), "looked at above"
        name = str(key.value)
        if name not in MEMBERS:
            near = nearest(name, MEMBERS)
            known = (*did_you_mean(near), it_takes(MEMBERS))
            fixes = replace_by(near, place(key.span))
            message = f"`{CONCURRENCY}` has no `{name}`"
            report(Diagnostic("unknown-setting", message, place(key.span), notes=known, fixes=fixes))
            continue
        member = _member(name, part)
        places[f"{CONCURRENCY}:{name}"] = place(part.span)
        if member is None:
            wrong, hint = _SAYS[name]
            message = f"`{name}` of `{CONCURRENCY}` {wrong}"
            report(Diagnostic("ill-typed-setting", message, place(part.span), notes=(hint,)))
        else:
            read[name] = member
    return read, places


def _is_named(key: Expr) -> bool:
    return isinstance(key, Const) and isinstance(key.value, str)


def _member(name: str, part: Expr) -> Json:
    if name == AT_MOST:
        is_whole = isinstance(part, Const) and isinstance(part.value, int) and not isinstance(part.value, bool)
        return part.value if isinstance(part, Const) and is_whole else None
    if name == THEN:
        return part.name if type(part) is Ident and part.name in WAYS else None
    if isinstance(part, ListExpr):
        fields = [_field(item) for item in part.items]
        return None if None in fields or part.optional else fields
    return _field(part)


def _field(part: Expr) -> str | None:
    """Write a field of the input as its path; None for what cannot be one. A text is left for the checks."""
    if isinstance(part, Const):
        return part.value if isinstance(part.value, str) else None
    inner: Expr = part
    while isinstance(inner, Select) and not inner.optional:
        inner = inner.base
    is_one = isinstance(part, Select) and type(inner) is Ident and inner.name == "input"
    return show(part) if is_one else None
