"""Text to syntax tree. The grammar is LALR and the tree is built without recursion, so that no input can exhaust the stack."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from lark import Lark, Token, Tree, v_args
from lark.exceptions import UnexpectedCharacters, UnexpectedEOF, UnexpectedInput, UnexpectedToken
from lark.lark import PostLex
from lark.tree import Meta
from lark.visitors import Transformer_NonRecursive

from saltern_compiler.characters import is_printable
from saltern_compiler.diagnostics.model import Diagnostic, Origin
from saltern_compiler.diagnostics.suggest import replace_by
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
from saltern_compiler.expr.literals import EscapeError, read_bytes, read_int, read_string
from saltern_compiler.expr.paths import path_of
from saltern_runtime.integers import INT_MAX, INT_MIN, UINT_MAX

GRAMMAR: Final = Path(__file__).with_name("grammar.lark").read_text("utf-8")
"""Rules and terminals of expressions; the start rule is `expr`."""
START: Final = ("expr",)
TABLE: Final = Path(__file__).with_name("grammar.json")

MAX_DEPTH: Final = 100
"""Levels of brackets, and of the syntax tree, at most: what every later walk over the tree can recurse through."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong at a place of the text that was parsed."""

    code: str
    message: str
    span: Span
    notes: tuple[str, ...] = ()
    better: str = ""
    """What to write at the place instead, where that is clear."""

    def diagnostic(self, origin: Origin) -> Diagnostic:
        """Make it a finding about the source; the span counts from `origin`."""
        place = origin.within(*self.span)
        fixes = replace_by((self.better,) if self.better else (), place)
        return Diagnostic(self.code, self.message, place, notes=self.notes, fixes=fixes)


class TooDeepError(Exception):
    """Brackets are nested deeper than `MAX_DEPTH`; `span` is the bracket that is too many."""

    def __init__(self, span: Span) -> None:
        super().__init__("nested too deeply")
        self.span = span


class DepthGuard(PostLex):
    """Counts open brackets while lexing; hand one to `Lark(postlex=…)`."""

    always_accept = ()

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        """Pass tokens on; raises `TooDeepError`."""
        depth = 0
        for token in stream:
            if token in _OPENING or token.type == _OPENING_TYPE:
                depth += 1
                if depth > MAX_DEPTH:
                    raise TooDeepError(_span(token))
            elif token in _CLOSING or token.type == _CLOSING_TYPE:
                depth -= 1
            yield token


_OPENING: Final = frozenset({"(", "[", "[?", "{"})
_CLOSING: Final = frozenset({")", "]", "}"})
_OPENING_TYPE: Final = "LESSTHAN"
"""The bracket of `list<…>`, as lark calls it; the operator `<` is another terminal."""
_CLOSING_TYPE: Final = "MORETHAN"


def _span(token: Token) -> Span:
    start = token.start_pos or 0
    return start, token.end_pos if token.end_pos is not None else start + len(token)


@v_args(meta=True)
class ExprBuilder(Transformer_NonRecursive[Token, Any]):
    """Turns Lark's tree into expressions: one method for each alias and rule of the grammar.

    Wants a tree made with `propagate_positions=True`. Make one for each text: `problems` collects what is wrong inside
    literals. Methods take (meta, children).
    """

    def __init__(self) -> None:
        super().__init__()
        self.problems: list[Problem] = []

    def conditional(self, meta: Meta, parts: Sequence[Expr]) -> Expr:
        return Call("_?_:_", tuple(parts), span=_of(meta))

    def logical_or(self, meta: Meta, parts: Sequence[Expr]) -> Expr:
        return Call("_||_", tuple(parts), span=_of(meta))

    def logical_and(self, meta: Meta, parts: Sequence[Expr]) -> Expr:
        return Call("_&&_", tuple(parts), span=_of(meta))

    def binary(self, meta: Meta, parts: Sequence[Any]) -> Expr:
        left, operator, right = parts
        return Call("@in" if operator == "in" else f"_{operator}_", (left, right), span=_of(meta))

    def unary(self, meta: Meta, parts: Sequence[Any]) -> Expr:
        operator, value = parts
        if operator == "-" and isinstance(value, Const) and _can_be_negated(value):
            assert isinstance(value.value, int | float)
            return Const(-value.value, span=_of(meta))
        return Call(f"{operator}_", (value,), span=_of(meta))

    def select(self, meta: Meta, parts: Sequence[Any]) -> Expr:
        base, name = parts
        return Select(base, str(name).strip("`"), span=_of(meta))

    def optional_select(self, meta: Meta, parts: Sequence[Any]) -> Expr:
        base, name = parts
        return Select(base, str(name).strip("`"), optional=True, span=_of(meta))

    def method(self, meta: Meta, parts: Sequence[Any]) -> Expr:
        target, name, args = parts
        operands: tuple[Expr, ...] = args or ()
        if isinstance(target, Ident) and f"{target.name}.{name}" in FUNCTIONS:
            return Call(f"{target.name}.{name}", operands, span=_of(meta))
        if target == Ident("cel") and name == "bind" and len(operands) == 3 and isinstance(operands[0], Ident):
            return Macro("cel.bind", operands[1], (operands[0].name,), operands[2:], span=_of(meta))
        kind = "exists_one" if name == "existsOne" else str(name)
        variables = _bound(kind, operands)
        if variables:
            return Macro(kind, target, variables, operands[len(variables) :], span=_of(meta))
        return Call(str(name), operands, target, span=_of(meta))

    def index(self, meta: Meta, parts: Sequence[Expr]) -> Expr:
        return Index(parts[0], parts[1], span=_of(meta))

    def optional_index(self, meta: Meta, parts: Sequence[Expr]) -> Expr:
        return Index(parts[0], parts[1], optional=True, span=_of(meta))

    def ident(self, meta: Meta, parts: Sequence[Token]) -> Expr:
        return Ident(str(parts[0]), span=_of(meta))

    def call(self, meta: Meta, parts: Sequence[Any]) -> Expr:
        name, args = parts
        operands: tuple[Expr, ...] = args or ()
        if name == "has" and len(operands) == 1 and isinstance(operands[0], Select) and not operands[0].optional:
            return Macro("has", operands[0], span=_of(meta))
        return Call(str(name), operands, span=_of(meta))

    def arguments(self, _meta: Meta, parts: Sequence[Expr]) -> tuple[Expr, ...]:
        return tuple(parts)

    def list(self, meta: Meta, parts: Sequence[Any]) -> Expr:
        items = parts[0] or ()
        optional = frozenset(place for place, (_, maybe) in enumerate(items) if maybe)
        return ListExpr(tuple(item for item, _ in items), optional, span=_of(meta))

    def list_items(self, _meta: Meta, parts: Sequence[Any]) -> tuple[tuple[Expr, bool], ...]:
        return tuple(part if isinstance(part, tuple) else (part, False) for part in parts)

    def optional_item(self, _meta: Meta, parts: Sequence[Expr]) -> tuple[Expr, bool]:
        return parts[0], True

    def map(self, meta: Meta, parts: Sequence[Any]) -> Expr:
        entries = parts[0] or ()
        optional = frozenset(place for place, (_, _, maybe) in enumerate(entries) if maybe)
        return MapExpr(tuple((key, value) for key, value, _ in entries), optional, span=_of(meta))

    def map_entries(self, _meta: Meta, parts: Sequence[Any]) -> tuple[tuple[Expr, Expr, bool], ...]:
        return tuple(parts)

    def map_entry(self, _meta: Meta, parts: Sequence[Expr]) -> tuple[Expr, Expr, bool]:
        return parts[0], parts[1], False

    def optional_entry(self, _meta: Meta, parts: Sequence[Expr]) -> tuple[Expr, Expr, bool]:
        return parts[0], parts[1], True

    def literal(self, meta: Meta, parts: Sequence[Token]) -> Expr:
        token = parts[0]
        span = _of(meta)
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
            start = _span(token)[0]
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


def _of(meta: Meta) -> Span:
    return (0, 0) if meta.empty else (meta.start_pos, meta.end_pos)


def _can_be_negated(value: Const) -> bool:
    """Tell a number as it was written from one that is negative already."""
    number = value.value
    if isinstance(number, bool) or value.uint or not isinstance(number, int | float):
        return False
    return not str(number).startswith("-")


@cache
def _parser() -> Lark:
    return tables.parser(GRAMMAR, START, TABLE, DepthGuard())


def parse(text: str, origin: Origin) -> tuple[Expr | None, list[Diagnostic]]:
    """Parse one expression. Offsets of the tree and of findings count from `origin`; without a tree there is a finding."""
    plain = path_of(text, (0, len(text)))
    if plain is not None:
        return plain, []
    try:
        tree: Tree[Token] = _parser().parse(text)
    except UnexpectedInput as error:
        return None, [syntax_problem(error, text).diagnostic(origin)]
    except TooDeepError as error:
        return None, [too_deep(error.span).diagnostic(origin)]
    builder = ExprBuilder()
    expr: Expr = builder.transform(tree) if isinstance(tree, Tree) else tree
    problems = [*builder.problems, *problems_of(expr)]
    usable = not any(problem.code == "nesting-too-deep" for problem in problems)
    return expr if usable else None, [problem.diagnostic(origin) for problem in problems]


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


def too_deep(span: Span) -> Problem:
    """Say that an expression is nested too deeply."""
    notes = (f"At most {MAX_DEPTH} levels are read.", "Move a part of it into a `set` node of its own.")
    return Problem("nesting-too-deep", "the expression is nested too deeply", span, notes)


_VALUE_STARTS: Final = frozenset(
    {
        "INT", "UINT", "FLOAT", "STRING", "BYTES", "TRUE", "FALSE", "NULL", "IDENT", "LPAR", "LSQB", "LBRACE", "NOT", "MINUS", "DOT",
    }
)  # fmt: skip
_OPERATORS: Final = frozenset({"RELATION", "IN", "ADDITIVE", "MINUS", "MULTIPLICATIVE", "QMARK"})
WORDS: Final[Mapping[str, str]] = {
    "IDENT": "a name", "QUOTED": "a name in backquotes", "$END": "the end", "COLON": "`:`", "COMMA": "`,`", "RPAR": "`)`",
    "RSQB": "`]`", "RBRACE": "`}`", "LPAR": "`(`", "LSQB": "`[`", "LBRACE": "`{`", "DOT": "`.`", "QMARK": "`?`",
}  # fmt: skip
_CLUTTER: Final = frozenset({"__ANON_0", "__ANON_1", "__ANON_2", "__ANON_3", "QUOTED", "WHITESPACE", "COMMENT"})


def expected_words(terminals: set[str], words: Mapping[str, str] = WORDS) -> list[str]:
    """Say in words what may stand at a place: `a value`, `an operator`, then the rest in order."""
    rest = set(terminals) - _CLUTTER
    said: list[str] = []
    if len(rest & _VALUE_STARTS) > 5:
        said.append("a value")
        rest -= _VALUE_STARTS
    if len(rest & _OPERATORS) > 3:
        said.append("an operator")
        rest -= _OPERATORS | {"DOT", "LSQB", "LPAR"}
    return said + sorted({words.get(name, f"`{name.lower()}`") for name in rest})


def syntax_problem(error: UnexpectedInput, text: str, words: Mapping[str, str] = WORDS) -> Problem:
    """Turn Lark's exception into a finding: what stands there, and what may stand there."""
    match error:
        case UnexpectedToken(token=token) if token.type != "$END":
            span = _span(token)
            return _syntax(f"unexpected {_quoted(token)}", span, expected_words(error.accepts or error.expected, words))
        case UnexpectedCharacters():
            return _unknown_text(text, error.pos_in_stream or 0, expected_words(set(error.allowed or ()), words))
        case UnexpectedToken():
            expected = expected_words(error.accepts or error.expected, words)
            return _syntax(_end(text), (len(text), len(text)), expected)
        case UnexpectedEOF():
            return _syntax(_end(text), (len(text), len(text)), expected_words(set(error.expected), words))
        case _:
            return _syntax("the text cannot be read", (0, len(text)), [])


def _end(text: str) -> str:
    return "the expression ends too early" if text.strip() else "the expression is empty"


def _unknown_text(text: str, at: int, expected: list[str]) -> Problem:
    char = text[at : at + 1]
    if char in ('"', "'"):
        return _syntax("a string is not closed", (at, len(text)), [f"`{char}` at the end of the string"])
    if char == "=":
        return Problem("syntax-error", "unexpected `=`", (at, at + 1), ("Two values are compared with `==`.",))
    if char in ("&", "|"):
        return Problem("syntax-error", f"unexpected `{char}`", (at, at + 1), (f"Write `{char * 2}`.",))
    return _syntax(f"unexpected {_quoted(char)}", (at, at + 1), expected)


def _quoted(text: str) -> str:
    shown = text if len(text) <= 30 else text[:29] + "…"
    return f"`{shown}`" if is_printable(shown) else f"`{ascii(shown)[1:-1]}`"


def _syntax(message: str, span: Span, expected: list[str]) -> Problem:
    notes = ("Expected " + _either(expected) + ".",) if expected else ()
    return Problem("syntax-error", message, span, notes)


def _either(words: list[str]) -> str:
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " or " + words[-1]
