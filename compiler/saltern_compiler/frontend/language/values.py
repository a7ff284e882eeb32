"""From parsed expressions to values of the IR: objects, lists, templates, types, secrets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass, replace
from enum import Enum, auto
from typing import Final, TypeVar

from saltern_compiler.diagnostics.model import Diagnostic, Origin
from saltern_compiler.expr.ast import Call, Const, Expr, Ident, ListExpr, MapExpr, Span, children
from saltern_compiler.expr.parse import problems_of
from saltern_compiler.frontend.durations import seconds
from saltern_compiler.frontend.language.syntax import Embedded
from saltern_compiler.frontend.language.template import TemplateEscapeError, pieces
from saltern_compiler.frontend.language.types import place
from saltern_compiler.ir.values import (
    Expression,
    Literal,
    SecretRef,
    Template,
    TypeValue,
    Value,
    make_list,
    make_object,
    make_template,
)
from saltern_runtime.dataclass import dataclass

_Tree = TypeVar("_Tree")


def unreadable(origin: Origin) -> Value:
    """Stand in for a value that has been reported: of the dynamic type, so that nothing more is said about it."""
    return Expression(Call("dyn", (Const(None),)), origin)


class Names(Enum):
    """What a bare name stands for."""

    VALUES = auto()
    """In parameters: a node, an input, a variable."""
    SECRETS = auto()
    """In connections and triggers: a secret."""


@dataclass(frozen=True, slots=True)
class Values:
    """Makes values. `parse` reads the expression at a place of the source; `secret` names the secret of an `env(…)`."""

    parse: Callable[[Span], Expr | None]
    secret: Callable[[str, Span], str]
    report: Callable[[Diagnostic], None]

    def value(self, of: Expr, names: Names = Names.VALUES) -> Value:
        """Make a value in normal form."""
        match of:
            case Embedded():
                return self._embedded(of)
            case Const(value=constant, uint=False) if not isinstance(constant, bytes):
                return Literal(constant, place(of.span)) if self._is_sound(of) else unreadable(place(of.span))
            case ListExpr(items=items, optional=optional) if not optional:
                return make_list([self.value(item, names) for item in items], place(of.span))
            case MapExpr(entries=entries, optional=optional) if not optional and _has_text_keys(entries):
                named = {key.value: self.value(part, names) for key, part in entries if isinstance(key, Const)}
                return make_object({key: part for key, part in named.items() if isinstance(key, str)}, place(of.span))
            case Call(function="env", target=None, args=(Const(value=str() as variable),)):
                return SecretRef(self.secret(variable, of.span), place(of.span))
            case Ident(name=name) if names is Names.SECRETS:
                return SecretRef(name, place(of.span))
            case _:
                return self.expression(of)

    def expression(self, of: Expr) -> Value:
        """Make an expression whose places count from its own beginning."""
        misplaced = _embedded_in(of)
        if misplaced is not None:
            notes = ("It stands only where a whole value does: give it a node of its own, such as `set`.",)
            what = "word with settings" if misplaced.kind == "worded" else misplaced.kind
            message = f"a {what} stands inside an expression"
            self.report(Diagnostic("misplaced-value", message, place(misplaced.span), notes=notes))
            return unreadable(place(of.span))
        if not self._is_sound(of):
            return unreadable(place(of.span))
        return Expression(shift(of, -of.span[0]), place(of.span))

    def _is_sound(self, of: Expr) -> bool:
        problems = problems_of(of)
        for problem in problems:
            self.report(Diagnostic(problem.code, problem.message, place(problem.span), notes=problem.notes))
        return not problems

    def _embedded(self, of: Embedded) -> Value:
        if of.kind == "type":
            assert of.type is not None
            return TypeValue(of.type, place(of.span))
        if of.kind == "duration":
            return self._duration(of)
        if of.kind == "worded":
            notes = (
                'Only `signature` of a webhook takes a word with settings, such as `hmac { header: "X-Signature" }`.',
            )
            message = f"the settings of `{of.name}` stand where a value does"
            self.report(Diagnostic("misplaced-value", message, place(of.span), notes=notes))
            return unreadable(place(of.span))
        try:
            parts = pieces(of.name, of.span[0])
        except TemplateEscapeError as error:
            self.report(Diagnostic("bad-escape", str(error), place(error.span)))
            return unreadable(place(of.span))
        written: list[str | Expression] = []
        for part in parts:
            written += self._interpolation(part.span) if part.is_expression else [part.text]
        value = make_template(written)
        return replace(value, origin=place(of.span)) if isinstance(value, Literal | Template) else value

    def _interpolation(self, span: Span) -> list[str | Expression]:
        expr = self.parse(span)
        if isinstance(expr, Const) and isinstance(expr.value, str):
            return [expr.value]
        expression = None if expr is None else self.expression(expr)
        return [expression] if isinstance(expression, Expression) else []

    def _duration(self, of: Embedded) -> Value:
        length = seconds(of.name)
        if length is None:
            self.report(Diagnostic("number-out-of-range", "the duration cannot be represented", place(of.span)))
            return unreadable(place(of.span))
        text = f"{length:.3f}".rstrip("0").rstrip(".") + "s"
        return Expression(
            Call("duration", (Const(text, span=(0, len(of.name))),), span=(0, len(of.name))), place(of.span)
        )


def _has_text_keys(entries: Sequence[tuple[Expr, Expr]]) -> bool:
    keys = [key.value for key, _ in entries if isinstance(key, Const) and isinstance(key.value, str)]
    return len(keys) == len(entries)


def _embedded_in(of: Expr) -> Embedded | None:
    waiting = [of]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Embedded):
            return part
        waiting.extend(children(part))
    return None


def shift(of: _Tree, by: int) -> _Tree:
    """Move the places of an expression, whose depth is bounded by `problems_of`."""
    if isinstance(of, tuple):
        return tuple(shift(part, by) for part in of)  # type: ignore[return-value] # a tuple stays a tuple
    members = _members(of.__class__)
    if not members:
        return of
    start, end = of.span  # type: ignore[attr-defined] # whatever has members is a dataclass of the syntax tree
    moved = (start + by, end + by)
    return of.__class__(*[moved if name == "span" else shift(getattr(of, name), by) for name in members])


_MEMBERS: Final[dict[type, tuple[str, ...]]] = {}


def _members(of: type) -> tuple[str, ...]:
    """Return the fields of a class of the syntax tree; those of any other class are of no matter."""
    if of not in _MEMBERS:
        names = tuple(member.name for member in fields(of)) if is_dataclass(of) else ()
        _MEMBERS[of] = names if "span" in names else ()
    return _MEMBERS[of]
