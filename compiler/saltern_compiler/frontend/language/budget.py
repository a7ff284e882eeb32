"""The section `budget { … }`: limits with their numbers, lengths of time where a limit is one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import field

from saltern_compiler.diagnostics.model import Diagnostic, Origin
from saltern_compiler.diagnostics.suggest import did_you_mean, it_takes, nearest, replace_by
from saltern_compiler.expr.ast import Const, Expr, MapExpr
from saltern_compiler.frontend.durations import seconds
from saltern_compiler.frontend.language import syntax as syn
from saltern_compiler.frontend.language.types import place
from saltern_compiler.frontend.language.values import Values
from saltern_compiler.ir.budget import LIMITS, MAPS, TIME, Budget, is_wait
from saltern_compiler.ir.values import Literal
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import Json


@dataclass(slots=True)
class Limits:
    """What was read, and where each limit stands."""

    values: Values
    report: Callable[[Diagnostic], None]
    known: dict[str, Json] = field(default_factory=dict)
    origins: dict[str, Origin] = field(default_factory=dict)

    @property
    def budget(self) -> Budget:
        """The limits, sorted by name."""
        return tuple(sorted(self.known.items()))

    def add(self, name: str, entry: syn.Entry) -> None:
        """Add one limit, or the numbers of one."""
        if name not in LIMITS:
            near = nearest(name, LIMITS)
            notes = (*did_you_mean(near), it_takes(LIMITS))
            at = place(entry.key.span)
            fixes = replace_by(near, at)
            self.report(Diagnostic("unknown-setting", f"a budget has no `{name}`", at, notes=notes, fixes=fixes))
            return
        if name not in MAPS:
            value = self._read(f"`{name}` of the budget", entry.value, is_length=name == TIME)
            if value is not None:
                self._keep(name, value, place(entry.value.span))
            return
        members = self._members(name, entry.value)
        for key, part in members.items():
            value = self._read(f"`{key}` in `{name}` of the budget", part, is_length=is_wait(key))
            if value is not None:
                of = self.known.setdefault(name, {})
                of[key] = value
                self.origins[f"budget:{name}.{key}"] = place(part.span)
        self.origins[f"budget:{name}"] = place(entry.value.span)

    def _keep(self, name: str, value: Json, at: Origin) -> None:
        self.known[name] = value
        self.origins[f"budget:{name}"] = at

    def _members(self, name: str, value: Expr) -> dict[str, Expr]:
        if isinstance(value, MapExpr) and not value.optional:
            keys = [key.value for key, _ in value.entries if isinstance(key, Const)]
            if len(keys) == len(value.entries):
                return {str(key): part for key, (_, part) in zip(keys, value.entries, strict=True)}
        notes = (
            (f"Write `{name}: {{ bank: 3 }}`.",)
            if name == "calls"
            else ('Write `assume: { "size(input.rows)": 1000 }`.',)
        )
        message = f"`{name}` of the budget has no names with numbers"
        self.report(Diagnostic("ill-typed-setting", message, place(value.span), notes=notes))
        return {}

    def _read(self, what: str, value: Expr, *, is_length: bool) -> Json:
        if is_length:
            length = seconds(value.name) if isinstance(value, syn.Embedded) and value.kind == "duration" else None
            if length is not None:
                return length
            problem, notes = "is not a duration", ("Write a length of time with its unit: `10m`.",)
        else:
            literal = None if isinstance(value, syn.Embedded) else self.values.value(value)
            if (
                isinstance(literal, Literal)
                and isinstance(literal.value, int | float)
                and literal.value is not True
                and literal.value is not False
            ):
                return literal.value
            problem, notes = "is not a number", ("Write a number without a unit: `10`.",)
        self.report(Diagnostic("ill-typed-setting", f"{what} {problem}", place(value.span), notes=notes))
        return None


def read_budget(
    entries: Iterable[tuple[str, syn.Entry]], values: Values, report: Callable[[Diagnostic], None]
) -> Limits:
    """Read a budget; report what is none."""
    limits = Limits(values, report)
    for name, entry in entries:
        limits.add(name, entry)
    return limits
