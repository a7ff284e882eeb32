"""What runs the tables reads what Lark reads, with the same rules at the same places."""

from functools import cache
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lark import Lark, TextSlice, Token, Tree
from lark.exceptions import UnexpectedInput

from saltern_compiler.expr import grammar as expr
from saltern_compiler.expr import tables
from saltern_compiler.expr.grammar import BRACKETS, MAX_DEPTH
from saltern_compiler.expr.lalr import RefusedError
from saltern_compiler.expr.refused import DepthGuard, TooDeepError
from saltern_compiler.frontend.language import grammar as language
from tests.support.effort import tries

ROOT = Path(__file__).parents[3]
SOURCES = sorted(ROOT.glob("examples/*/*.saltern"))
TEXT = (
    "a b input if else switch foreach in while try catch parallel join any at most 2 3u 0x1f 1.5 1h30m 'x' \"y\" `t{{a}}` b'q' r'w' ( ) [ [? ] "
    "{ } , : = == != < > <= && || ! ? .? . - + * @ @1 => | ... type true false null in return yield next on error limit within do with compensate "
    "after when all pipeline output description secret connection settings use call start \n # //"
)
WORDS = TEXT.split(" ")


class Builder:
    """Makes of each rule its name, its place and its parts."""

    def __getattr__(self, name):
        return lambda place, parts: (name, place, tuple(told(part) for part in parts))


def told(part):
    """Say of a token what it is and where, of Lark's tree what a builder is told."""
    if isinstance(part, Tree):
        empty = part.meta.empty
        place = (0, 0) if empty else (part.meta.start_pos, part.meta.end_pos)
        return part.data, place, tuple(told(child) for child in part.children)
    return (part.type, str(part), part.start_pos, part.end_pos) if hasattr(part, "type") else part


@cache
def by_lark(name):
    grammar, start, table = (
        (expr.GRAMMAR, expr.START, expr.TABLE) if name == "expr" else (language.GRAMMAR, language.START, language.TABLE)
    )
    return Lark(
        grammar, parser="lalr", start=list(start), propagate_positions=True, postlex=DepthGuard()
    ), tables.runner(grammar, start, table, brackets=BRACKETS, limit=MAX_DEPTH)


def agree(name, text, start, span=None):
    """Read a text both ways."""
    lark, runner = by_lark(name)
    span = span or (0, len(text))
    try:
        expected = told(lark.parse(TextSlice(text, *span), start=start))
    except (UnexpectedInput, TooDeepError):
        with pytest.raises(RefusedError):
            runner.parse(text, span, start, Builder())
        return False
    got = runner.parse(text, span, start, Builder())
    assert (told(got) if isinstance(got, Token) else got) == expected
    return True


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_examples(path):
    """Whole pipelines, with each of their constructs."""
    assert agree("language", path.read_text("utf-8"), "source")


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_examples_that_are_cut(path):
    """What is read is a part of the text: nothing before and behind it counts, and most of such parts are refused."""
    text = path.read_text("utf-8")
    for at in range(0, len(text), max(1, len(text) // tries(20, 200))):
        agree("language", text, "source", (0, at))
        agree("language", text, "source", (at, len(text)))


@given(st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join))
@settings(max_examples=tries(200, 5000), deadline=None)
@example("x = set { value: (a) }")
@example("x = set {}\ny = set { a: 1, }")
def test_any_words(text):
    """Whatever words there are, both take the text or both refuse it."""
    agree("language", text, "source")
    agree("language", text, "expr")
    agree("language", text, "type")
    agree("expr", text, "expr")


@given(st.text("ab.?[](){},:'\"1 +-<>&|=!\n", max_size=20))
@settings(max_examples=tries(200, 5000), deadline=None)
def test_any_expression(text):
    """The same of what looks like expressions."""
    agree("expr", text, "expr")
    agree("language", text, "expr")


@pytest.mark.parametrize("depth", [MAX_DEPTH, MAX_DEPTH + 1])
def test_brackets_have_a_limit(depth):
    """As many as there may be are read, one more is not, however the text goes on."""
    assert agree("expr", "(" * depth + "a" + ")" * depth, "expr") is (depth == MAX_DEPTH)
    assert agree("language", "list<" * depth + "int" + ">" * depth, "type") is (depth == MAX_DEPTH)
