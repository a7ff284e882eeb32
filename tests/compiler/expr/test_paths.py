"""Plain paths are read without a parser, and just as it reads them."""

import re
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saltern_compiler.expr.ast import Expr, Select
from saltern_compiler.expr.parse import ExprBuilder, _parser
from saltern_compiler.expr.paths import path_of
from saltern_compiler.frontend.language.reader import SourceText

GRAMMARS = [
    files("saltern_compiler.expr").joinpath("grammar.lark").read_text("utf-8"),
    files("saltern_compiler.frontend.language").joinpath("grammar.lark").read_text("utf-8"),
]
WORDS = sorted({word for text in GRAMMARS for word in re.findall(r"[A-Za-z_]\w*", text)})


def parsed(text: str) -> Expr:
    """Read an expression by its grammar."""
    expr: Expr = _parser().parse(text, (0, len(text)), "expr", ExprBuilder())
    return expr


def spans(expr: Expr) -> list[tuple[int, int]]:
    """Return the places of a path, from the whole to its first name."""
    return [expr.span, *(spans(expr.base) if isinstance(expr, Select) else ())]


def agrees(text: str) -> None:
    """See that both grammars make of a text what is made of it without them, if anything is."""
    plain = path_of(text, (0, len(text)))
    if plain is None:
        return
    by_expr = parsed(text)
    assert (plain, spans(plain)) == (by_expr, spans(by_expr))
    whole = f"x = set {{ value: `{{{{{text}}}}}` }}"
    at = whole.index("{{") + 2
    source = SourceText(whole)
    by_language, within = source.parse((at, at + len(text)), "expr"), path_of(whole, (at, at + len(text)))
    assert source.findings == []
    assert within is not None
    assert (within, spans(within)) == (by_language, spans(by_language))


@pytest.mark.parametrize("word", WORDS)
def test_every_word_of_the_grammars(word: str) -> None:
    """A word that means something else in a grammar is left to it, at each place of a path."""
    for text in (word, f"a.{word}", f"{word}.b", f" a.{word}.b\n"):
        agrees(text)


@given(st.from_regex(r"[ \t\n]*[_a-zA-Z][_a-zA-Z0-9]{0,5}(\.[_a-zA-Z][_a-zA-Z0-9]{0,5}){0,12}[ \t\n]*", fullmatch=True))
def test_any_path(text: str) -> None:
    """Names, their places and what stands around them."""
    agrees(text)


@pytest.mark.parametrize(
    "text",
    ["", " ", "a.", ".a", "a..b", "a b", "1a", "a.1", "a[0]", "a.b()", "é", "a.?b", "a-b", "true", "null", "a.in"],
)
def test_what_is_no_plain_path(text: str) -> None:
    """All else is for the parser."""
    assert path_of(text, (0, len(text))) is None


def test_a_path_is_read() -> None:
    """Names and dots, inside of a larger text."""
    assert path_of("{{ input.name }}", (2, 14)) == parsed("input.name")
