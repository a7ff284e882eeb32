"""What Lark's exceptions say, in the words of the language."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Final

from lark import Lark, TextSlice, Token
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from saltern_compiler.characters import is_printable
from saltern_compiler.diagnostics.model import Diagnostic
from saltern_compiler.diagnostics.suggest import listed
from saltern_compiler.expr import tables
from saltern_compiler.expr.ast import Span
from saltern_compiler.expr.grammar import too_deep
from saltern_compiler.expr.refused import DepthGuard, TooDeepError
from saltern_compiler.frontend.language.grammar import GRAMMAR, START, TABLE
from saltern_compiler.frontend.language.types import place

_VALUE: Final = frozenset({"INT", "FLOAT", "STRING", "BYTES", "NOT", "LSQB", "IDENT"})
_OPERATORS: Final = frozenset({"RELATION", "ADDITIVE", "MULTIPLICATIVE", "DOT"})
_SECTIONS: Final = frozenset(
    {"PIPELINE", "DESCRIPTION", "SETTINGS", "BUDGET", "INPUT", "OUTPUT", "USE", "SECRET", "CONNECTION", "ON"}
)
_STATEMENTS: Final = frozenset({"RETURN", "YIELD", "NEXT"})
_TYPES: Final = frozenset({"IDENT", "STRING", "LBRACE", "INT", "TRUE", "NULL"})
_GROUPS: Final = (
    ("a section or a statement", _SECTIONS | _STATEMENTS, _SECTIONS | _STATEMENTS | {"IDENT", "AT", "IF", "SWITCH", "$END"}),
    ("a statement", _STATEMENTS, _STATEMENTS | {"IDENT", "AT", "IF", "SWITCH"}),
    ("a value", _VALUE, _VALUE | {"UINT", "TRUE", "FALSE", "NULL", "MINUS", "LBRACE", "LPAR", "DOT", "TYPE", "TEMPLATE", "DURATION"}),
    ("an operator", _OPERATORS, _OPERATORS | {"MINUS", "IN", "QUESTION", "LSQB", "LPAR"}),
    ("a type", _TYPES, _TYPES | {"FALSE", "MINUS", "LPAR"}),
    ("a case", frozenset({"STRING", "INT", "ELSE"}), frozenset({"STRING", "INT", "ELSE", "TRUE", "FALSE", "NULL", "MINUS"})),
    ("a key", frozenset({"IDENT", "STRING", "UINT"}), frozenset({"IDENT", "STRING", "INT", "UINT", "TRUE", "FALSE", "LPAR", "QUESTION"})),
)  # fmt: skip
_WORDS: Final = {
    "IDENT": "a name", "STRING": "a string", "INT": "a number", "TEMPLATE": "a template", "$END": "the end", "AT": "`@`",
    "COLON": "`:`", "COMMA": "`,`", "EQUAL": "`=`", "VBAR": "`|`", "LPAR": "`(`", "RPAR": "`)`", "LSQB": "`[`", "RSQB": "`]`",
    "LBRACE": "`{`", "RBRACE": "`}`", "LESSTHAN": "`<`", "MORETHAN": "`>`", "DOT": "`.`", "MINUS": "`-`",
    "QUESTION": "`?`", "ELLIPSIS": "`...`", "AT_MOST": "`at most`", "WITHIN": "`within`", "ON_ERROR": "`on error`", "QUOTED": "a name in backquotes",
}  # fmt: skip
_HIDDEN: Final = frozenset({"WHITESPACE", "COMMENT", "QUOTED", "COMPENSATE", "DO", "CALL", "START", "WITH"})
_ASSIGNMENT: Final = re.compile(r"[ \t]*([A-Za-z_]\w*)[ \t]*=(?!=)[ \t]*(.*)")
_OPERATION: Final = re.compile(r"[A-Za-z_][\w.]*(@\d+)?(\(\w*\)?)?\s*")
_COMPENSATE: Final = "compensate"
_ENDS_IN_WORD: Final = re.compile(rf"([^#]*[^#\w.])?{_COMPENSATE}")
"""A line up to the word, where that is neither the end of a name nor in a comment."""
_SIGNED: Final = re.compile(
    r"(?<![\w)\]])-[ \t]*([0-9]+(?:\.[0-9]+)?(?:ms|[smhd])(?:[0-9]+(?:ms|[smhd]))*)\Z", re.ASCII
)
"""A length of time with a sign before it, at the end of a text: it reads as a number and the name of what comes next."""
_NEAR: Final = 60
"""Characters before a place that are looked at for one."""
_INSTEAD: Final = {
    "=": "Values are compared with `==`, parameters are written `name: value`.",
    "&": "Write `&&`.", "|": "Write `||`, and a case for each literal.", ";": "Statements and entries end with their line.",
    "//": "A comment begins with `#`.", "->": 'A case is written `"literal" => { … }`.',
}  # fmt: skip


@cache
def _parser() -> Lark:
    return tables.parser(GRAMMAR, START, TABLE, DepthGuard())


def why(text: str, span: Span, start: str, what: str) -> Diagnostic:
    """Say why a part of a text is refused by a start rule: Lark parses it again."""
    try:
        _parser().parse(TextSlice(text, *span), start=start)
    except UnexpectedInput as error:
        return _syntax_error(error, text, span[1], what)
    except TooDeepError as error:
        return too_deep(error.span).diagnostic(place((0, 0)))
    raise AssertionError(f"Lark reads what its tables refuse: {text[slice(*span)]!r}")


def _syntax_error(error: UnexpectedInput, text: str, end: int, what: str) -> Diagnostic:
    """Turn Lark's exception into a finding: what stands there, and what may; `what` was parsed ends at `end`."""
    if isinstance(error, UnexpectedCharacters):
        at = error.pos_in_stream or 0
        return _unexpected(text, (at, at + 1), set(error.allowed or ()))
    if isinstance(error, UnexpectedToken) and error.token.type != "$END":
        return _unexpected(text, _span(error.token), error.accepts or error.expected)
    expected = error.accepts or error.expected if isinstance(error, UnexpectedToken) else set()
    at = len(text[:end].rstrip())
    notes = tuple(_advice(text, (at, at))) or _notes(expected)
    return Diagnostic("syntax-error", f"the {what} ends too early", place((at, at)), notes=notes)


def _span(token: Token) -> Span:
    start = token.start_pos or 0
    return start, start + len(token)


def _unexpected(text: str, span: Span, expected: Iterable[str]) -> Diagnostic:
    excerpt = text[slice(*span)]
    before = text[: span[0]].rstrip()
    if excerpt == "{" and _ENDS_IN_WORD.fullmatch(before, before.rfind("\n") + 1):
        return _misplaced_compensate(len(before) - len(_COMPENSATE))
    signed = _SIGNED.search(before, max(0, len(before) - _NEAR))
    if signed is not None:
        return _signed_length(signed)
    if excerpt == _COMPENSATE and text[span[1] :].lstrip().startswith("{"):
        return _misplaced_compensate(span[0])
    shown = excerpt if len(excerpt) <= 30 else excerpt[:29] + "…"
    shown = shown.split("\n")[0] if is_printable(shown) or "\n" in shown else ascii(shown)[1:-1]
    notes = tuple(_advice(text, span)) or _notes(expected)
    return Diagnostic("syntax-error", f"unexpected `{shown}`", place(span), notes=notes)


def _signed_length(found: re.Match[str]) -> Diagnostic:
    notes = (f"Lengths of time have no sign: `{found[1]}`.",)
    return Diagnostic("syntax-error", f"`-{found[1]}` is no length of time", place(found.span()), notes=notes)


def _misplaced_compensate(at: int) -> Diagnostic:
    message = "only a node that calls out is compensated"
    notes = (
        "A `compensate` stands right behind the parameters of the node that it takes back, before its `on error`.",
    )
    return Diagnostic("misplaced-compensate", message, place((at, at + len(_COMPENSATE))), notes=notes)


def _notes(expected: Iterable[str]) -> tuple[str, ...]:
    words = expected_words(expected)
    if not words or len(words) > 6:
        return ()
    return (f"Expected {listed(words, 'or')}.",)


def expected_words(terminals: Iterable[str]) -> list[str]:
    """Say in words what may stand at a place."""
    rest = set(terminals) - _HIDDEN
    words: list[str] = []
    for word, needed, covered in _GROUPS:
        if needed <= rest:
            words.append(word)
            rest -= covered
    return words + sorted({_WORDS.get(name, f"`{name.lower()}`") for name in rest if not name.startswith("__")})


def _advice(text: str, span: Span) -> list[str]:
    at = span[0]
    for sign in (text[at : at + 2], text[at : at + 1]):
        if sign in _INSTEAD:
            return [_INSTEAD[sign]]
    line = text[text.rfind("\n", 0, at) + 1 : at]
    assignment = _ASSIGNMENT.fullmatch(line)
    if (
        assignment is None
        or "{" in assignment.group(2)
        or assignment.group(2).startswith(("if ", "switch ", "foreach "))
    ):
        return []
    excerpt = text[slice(*span)]
    if not excerpt and not assignment.group(2):
        return []
    if _OPERATION.fullmatch(assignment.group(2)) and (not excerpt or excerpt.isidentifier()):
        return ["The parameters of a node stand in braces, `{}` if there are none."]
    return [f"A value alone is no node: write `{assignment.group(1)} = set {{ value: … }}`."]
