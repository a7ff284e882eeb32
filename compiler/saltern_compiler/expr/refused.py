"""Why an expression is refused: Lark parses it again, and what it says is put in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Final

from lark import Lark, Token
from lark.exceptions import UnexpectedCharacters, UnexpectedEOF, UnexpectedInput, UnexpectedToken
from lark.lark import PostLex

from saltern_compiler.characters import is_printable
from saltern_compiler.expr import tables
from saltern_compiler.expr.ast import Span
from saltern_compiler.expr.grammar import CLOSING, GRAMMAR, MAX_DEPTH, OPENING, START, TABLE, Problem, too_deep


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
            if token in OPENING or token.type in OPENING:
                depth += 1
                if depth > MAX_DEPTH:
                    raise TooDeepError(_span(token))
            elif token in CLOSING or token.type in CLOSING:
                depth -= 1
            yield token


def _span(token: Token) -> Span:
    start = token.start_pos or 0
    return start, token.end_pos if token.end_pos is not None else start + len(token)


@cache
def _parser() -> Lark:
    return tables.parser(GRAMMAR, START, TABLE, DepthGuard())


def why(text: str) -> Problem:
    """Say what is wrong with a text that is no expression."""
    try:
        _parser().parse(text)
    except UnexpectedInput as error:
        return syntax_problem(error, text)
    except TooDeepError as error:
        return too_deep(error.span)
    raise AssertionError(f"Lark reads what its tables refuse: {text!r}")


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
