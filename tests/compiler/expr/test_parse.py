"""Text to tree: places, findings in words, and input made to hurt."""

import subprocess
import sys

import pytest

from saltern_compiler.diagnostics.model import NOWHERE, Diagnostic, Origin
from saltern_compiler.expr.ast import Call, Const, Ident, Index, ListExpr, Macro, Select
from saltern_compiler.expr.grammar import MAX_DEPTH
from saltern_compiler.expr.parse import parse


def tree(text: str):
    expr, problems = parse(text, NOWHERE)
    assert not problems
    return expr


def problem(text: str, origin: Origin = NOWHERE) -> Diagnostic:
    found = parse(text, origin)[1]
    assert len(found) == 1
    return found[0]


def test_operators_are_calls_and_bind_as_in_cel():
    """`&&` binds tighter than `||`, `*` than `+`, and chains lean to the left."""
    assert tree("a || b && c") == Call("_||_", (Ident("a"), Call("_&&_", (Ident("b"), Ident("c")))))
    assert tree("1 - 2 - 3") == Call("_-_", (Call("_-_", (Const(1), Const(2))), Const(3)))
    assert tree("1 + 2 * 3") == Call("_+_", (Const(1), Call("_*_", (Const(2), Const(3)))))


def test_negative_numbers_are_literals():
    """A minus before a number is part of it, so that the smallest int can be written; before anything else it is a call."""
    assert tree("-9223372036854775808") == Const(-(2**63))
    assert tree("-1.5") == Const(-1.5)
    assert tree("--1") == Call("-_", (Const(-1),))
    assert tree("-a") == Call("-_", (Ident("a"),))


def test_access_and_macros():
    """Selections, optional ones, quoted fields, macros and trailing commas all have their node."""
    assert tree("a.?b[?0]") == Index(Select(Ident("a"), "b", optional=True), Const(0), optional=True)
    assert tree("a.`content-type`") == Select(Ident("a"), "content-type")
    assert tree("xs.filter(x, x.ok)") == Macro("filter", Ident("xs"), ("x",), (Select(Ident("x"), "ok"),))
    assert tree("has(a.b)") == Macro("has", Select(Ident("a"), "b"))
    assert tree("[1, 2,]") == ListExpr((Const(1), Const(2)))


def test_a_macro_used_wrongly_stays_a_call():
    """What only looks like a macro is left to typing, which can say what is wrong."""
    assert tree("xs.all(1, true)") == Call("all", (Const(1), Const(True)), Ident("xs"))
    assert tree("has(a)") == Call("has", (Ident("a"),))


def test_words_are_names_only_as_a_whole_and_fields_may_be_any_word():
    """`input` is no `in`, and a field may be called as other languages' keywords."""
    assert tree("input in inner") == Call("@in", (Ident("input"), Ident("inner")))
    assert tree("a.if.for") == Select(Select(Ident("a"), "if"), "for")


def test_places_count_from_the_origin():
    """Spans are offsets in the text, findings are places in the source."""
    expr = tree("  (a.b) + 1")
    assert expr is not None
    assert expr.span == (2, 11)
    place = problem("1 + + ", Origin("/nodes/0", 10, 16)).origin
    assert (place.pointer, place.start, place.end) == ("/nodes/0", 14, 15)


@pytest.mark.parametrize(
    ("text", "message", "note"),
    [
        ("", "the expression is empty", "Expected a value."),
        ("a +", "the expression ends too early", "Expected a value."),
        ("(1", "the expression ends too early", "Expected `)`."),
        ("a b", "unexpected `b`", "Expected an operator or the end."),
        ("a = b", "unexpected `=`", "Two values are compared with `==`."),
        ("a & b", "unexpected `&`", "Write `&&`."),
        ("f(,)", "unexpected `,`", "Expected a value or `)`."),
        ("'abc", "a string is not closed", "Expected `'` at the end of the string."),
        ("a.1", "unexpected `1`", "Expected a name."),
        ("a ? b", "the expression ends too early", "Expected `:`."),
        ("\x00", "unexpected `\\x00`", "Expected a value."),
    ],
)
def test_syntax_errors_say_what_stands_there_and_what_may(text: str, message: str, note: str):
    """A syntax error is one finding, in words."""
    found = problem(text)
    assert (found.code, found.message) == ("syntax-error", message)
    assert found.notes == (note,)


@pytest.mark.parametrize(
    "text",
    ["(" * 10_000 + "1" + ")" * 10_000, "[" * 10_000, "1" + " + 1" * 10_000, "-" * 10_000 + "a", "a" + ".b" * 10_000],
    ids=["parentheses", "open brackets", "a long chain", "signs", "selections"],
)
def test_deep_nesting_is_a_finding(text: str):
    """No input exhausts the stack."""
    expr, found = parse(text, NOWHERE)
    assert expr is None
    assert [each.code for each in found] == ["nesting-too-deep"]


def test_what_is_just_deep_enough_is_read():
    """The limit itself is allowed."""
    assert tree("(" * MAX_DEPTH + "1" + ")" * MAX_DEPTH) == Const(1)


@pytest.mark.parametrize("text", ["9223372036854775808", "-9223372036854775809", "18446744073709551616u", "9" * 5000])
def test_numbers_out_of_range_are_findings(text: str):
    """An int has 64 bits; even 5,000 digits are only a finding."""
    assert problem(text).code == "number-out-of-range"


@pytest.mark.parametrize("text", [r'"\q"', r'"\ud800"', r'"\U00110000"', r'b"\u0041"', r'"\x1"'])
def test_bad_escapes_are_findings_at_their_place(text: str):
    """A backslash that stands for nothing is found where it stands; the expression is still checked further."""
    expr, found = parse(f"a + {text}", NOWHERE)
    assert expr is not None
    assert [each.code for each in found] == ["bad-escape"]
    assert found[0].origin.start == 4 + text.index("\\")


def test_literals():
    """Escapes, raw strings, triple quotes, bytes and hexadecimal numbers."""
    assert tree(r'"\x41\u00e9\101\n"') == Const("AéA\n")
    assert tree(r'r"\d"') == Const("\\d")
    assert tree("'''a\n'b'''") == Const("a\n'b")
    assert tree(r'b"\xff\303"') == Const(b"\xff\xc3")
    assert tree("0x10u") == Const(16, uint=True)
    assert tree("1") != tree("1.0")


def test_importing_builds_no_grammar():
    """The grammar is built when something is parsed, not before."""
    probe = "import saltern_compiler.expr.parse as p; assert p._parser.cache_info().currsize == 0"
    subprocess.run([sys.executable, "-c", probe], check=True)
