"""Text to syntax tree. The grammar is LALR and is run without recursion, so that no input can exhaust the stack."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import Any

from saltern_compiler.diagnostics.model import Diagnostic, Origin
from saltern_compiler.expr import tables
from saltern_compiler.expr.ast import (
    Call,
    Const,
    Expr,
    Ident,
    Index,
    ListExpr,
    Macro,
    MapExpr,
    Select,
    Span,
    children,
    is_entry,
)
from saltern_compiler.expr.functions import FUNCTIONS, MACROS
from saltern_compiler.expr.grammar import BRACKETS, GRAMMAR, MAX_DEPTH, START, TABLE, Problem, too_deep
from saltern_compiler.expr.lalr import Parser, RefusedError, Token
from saltern_compiler.expr.literals import EscapeError, half_character, read_bytes, read_int, read_string
from saltern_compiler.expr.paths import path_of
from saltern_runtime.integers import INT_MAX, INT_MIN, UINT_MAX


class ExprBuilder:
    """Makes expressions: one method for each alias and rule of the grammar, which takes the place and what the rule keeps.

    Make one for each text: `problems` collects what is wrong inside literals.
    """

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def conditional(self, span: Span, parts: Sequence[Expr]) -> Expr:
        return Call("_?_:_", tuple(parts), span=span)

    def logical_or(self, span: Span, parts: Sequence[Expr]) -> Expr:
        return Call("_||_", tuple(parts), span=span)

    def logical_and(self, span: Span, parts: Sequence[Expr]) -> Expr:
        return Call("_&&_", tuple(parts), span=span)

    def binary(self, span: Span, parts: Sequence[Any]) -> Expr:
        left, operator, right = parts
        return Call("@in" if operator == "in" else f"_{operator}_", (left, right), span=span)

    def unary(self, span: Span, parts: Sequence[Any]) -> Expr:
        operator, value = parts
        if operator == "-" and isinstance(value, Const) and _can_be_negated(value):
            assert isinstance(value.value, int | float)
            return Const(-value.value, span=span)
        return Call(f"{operator}_", (value,), span=span)

    def select(self, span: Span, parts: Sequence[Any]) -> Expr:
        base, name = parts
        return Select(base, str(name).strip("`"), span=span)

    def optional_select(self, span: Span, parts: Sequence[Any]) -> Expr:
        base, name = parts
        return Select(base, str(name).strip("`"), optional=True, span=span)

    def method(self, span: Span, parts: Sequence[Any]) -> Expr:
        target, name, args = parts
        operands: tuple[Expr, ...] = args or ()
        if isinstance(target, Ident) and f"{target.name}.{name}" in FUNCTIONS:
            return Call(f"{target.name}.{name}", operands, span=span)
        if target == Ident("cel") and name == "bind" and len(operands) == 3 and isinstance(operands[0], Ident):
            return Macro("cel.bind", operands[1], (operands[0].name,), operands[2:], span=span)
        kind = "exists_one" if name == "existsOne" else str(name)
        variables = _bound(kind, operands)
        if variables:
            return Macro(kind, target, variables, operands[len(variables) :], span=span)
        return Call(str(name), operands, target, span=span)

    def index(self, span: Span, parts: Sequence[Expr]) -> Expr:
        return Index(parts[0], parts[1], span=span)

    def optional_index(self, span: Span, parts: Sequence[Expr]) -> Expr:
        return Index(parts[0], parts[1], optional=True, span=span)

    def ident(self, span: Span, parts: Sequence[Token]) -> Expr:
        return Ident(str(parts[0]), span=span)

    def call(self, span: Span, parts: Sequence[Any]) -> Expr:
        name, args = parts
        operands: tuple[Expr, ...] = args or ()
        if name == "has" and len(operands) == 1 and isinstance(operands[0], Select) and not operands[0].optional:
            return Macro("has", operands[0], span=span)
        return Call(str(name), operands, span=span)

    def arguments(self, _span: Span, parts: Sequence[Expr]) -> tuple[Expr, ...]:
        return tuple(parts)

    def list(self, span: Span, parts: Sequence[Any]) -> Expr:
        items = parts[0] or ()
        optional = frozenset(place for place, (_, maybe) in enumerate(items) if maybe)
        return ListExpr(tuple(item for item, _ in items), optional, span=span)

    def list_items(self, _span: Span, parts: Sequence[Any]) -> tuple[tuple[Expr, bool], ...]:
        return tuple(part if isinstance(part, tuple) else (part, False) for part in parts)

    def optional_item(self, _span: Span, parts: Sequence[Expr]) -> tuple[Expr, bool]:
        return parts[0], True

    def map(self, span: Span, parts: Sequence[Any]) -> Expr:
        entries = parts[0] or ()
        optional = frozenset(place for place, (_, _, maybe) in enumerate(entries) if maybe)
        return MapExpr(tuple((key, value) for key, value, _ in entries), optional, span=span)

    def map_entries(self, _span: Span, parts: Sequence[Any]) -> tuple[tuple[Expr, Expr, bool], ...]:
        return tuple(parts)

    def map_entry(self, _span: Span, parts: Sequence[Expr]) -> tuple[Expr, Expr, bool]:
        return parts[0], parts[1], False

    def optional_entry(self, _span: Span, parts: Sequence[Expr]) -> tuple[Expr, Expr, bool]:
        return parts[0], parts[1], True

    def literal(self, span: Span, parts: Sequence[Token]) -> Expr:
        token = parts[0]
        match token.type:
            case "NULL":
                return Const(None, span=span)
            case "TRUE" | "FALSE":
                return Const(token.type == "TRUE", span=span)
            case "INT":
                return Const(self._number(token), span=span)
            case "UINT":
                return Const(self._number(token), uint=True, span=span)
            case "FLOAT":
                return Const(float(token), span=span)
            case _:
                return Const(self._text(token), span=span)

    def _number(self, token: Token) -> int:
        if len(token) <= 40:
            return read_int(token)
        return UINT_MAX + 1  # out of range whatever it is; reading very long numbers takes quadratic time

    def _text(self, token: Token) -> str | bytes:
        try:
            return read_bytes(token) if token.type == "BYTES" else read_string(token)
        except EscapeError as error:
            start = token.start_pos
            notes = ('A backslash is written `\\\\`; a raw string `r"…"` takes backslashes as they are.',)
            self.problems.append(Problem("bad-escape", str(error), (start + error.start, start + error.end), notes))
            return b"" if token.type == "BYTES" else ""


def _bound(kind: str, operands: Sequence[Expr]) -> tuple[str, ...]:
    """Return the names that a macro binds; none where a method is called."""
    shapes = MACROS[kind].shapes if kind in MACROS else ()
    for variables, steps in shapes:
        names = tuple(each.name for each in operands[:variables] if isinstance(each, Ident))
        if len(operands) == variables + steps and len(set(names)) == variables:
            entry = kind != "transformMapEntry" or is_entry(operands[-1])
            return names if entry else ()
    return ()


def _can_be_negated(value: Const) -> bool:
    """Tell a number as it was written from one that is negative already."""
    number = value.value
    if isinstance(number, bool) or value.uint or not isinstance(number, int | float):
        return False
    return not str(number).startswith("-")


@cache
def _parser() -> Parser:
    return tables.runner(GRAMMAR, START, TABLE, brackets=BRACKETS, limit=MAX_DEPTH)


def parse(text: str, origin: Origin) -> tuple[Expr | None, list[Diagnostic]]:
    """Parse one expression. Offsets of the tree and of findings count from `origin`; without a tree there is a finding."""
    plain = path_of(text, (0, len(text)))
    if plain is not None:
        return plain, []
    if (half := malformed(text)) is not None:
        return None, [half.diagnostic(origin)]
    builder = ExprBuilder()
    try:
        expr: Expr = _parser().parse(text, (0, len(text)), "expr", builder)
    except RefusedError:
        from saltern_compiler.expr.refused import why  # noqa: PLC0415 - what is right needs no Lark

        return None, [why(text).diagnostic(origin)]
    problems = [*builder.problems, *problems_of(expr)]
    usable = not any(problem.code == "nesting-too-deep" for problem in problems)
    return expr if usable else None, [problem.diagnostic(origin) for problem in problems]


def malformed(text: str) -> Problem | None:
    """Find the first half of a surrogate pair: no text of a file has one, but that of an argument or of an editor may."""
    span = half_character(text)
    notes = ("Half of a surrogate pair is no character, and cannot be written as UTF-8.",)
    return span and Problem("malformed-text", "the text contains half of a character", span, notes)


def problems_of(expr: Expr) -> list[Problem]:
    """Find what the grammar cannot refuse: trees that are too deep and numbers out of range."""
    problems: list[Problem] = []
    waiting: list[tuple[Expr, int]] = [(expr, 1)]
    while waiting:
        part, depth = waiting.pop()
        if depth > MAX_DEPTH:
            return [too_deep(part.span)]
        if isinstance(part, Const):
            problems += _range_problems(part)
        waiting.extend((child, depth + 1) for child in children(part))
    return sorted(problems, key=lambda problem: problem.span)


def _range_problems(const: Const) -> list[Problem]:
    value = const.value
    if isinstance(value, float) and not math.isfinite(value):
        message = "the number does not fit a double"
        return [Problem("number-out-of-range", message, const.span, ("The largest double is about 1.8e308.",))]
    if not isinstance(value, int) or isinstance(value, bool):
        return []
    if const.uint and value <= UINT_MAX:
        return []
    if not const.uint and INT_MIN <= value <= INT_MAX:
        return []
    name, low, high = ("uint", 0, UINT_MAX) if const.uint else ("int", INT_MIN, INT_MAX)
    notes = (
        f"An {name} has 64 bits: {low} to {high}.",
        "A larger number can be written as a double, with a decimal point.",
    )
    return [Problem("number-out-of-range", f"the number does not fit an {name}", const.span, notes)]
