"""What a character is does not depend on the Unicode database of the Python that compiles."""

import json
import sys
import unicodedata

import pytest

from saltern_compiler import characters, pytext
from saltern_compiler.characters.__main__ import FILE, UNICODE, ranges_here
from saltern_compiler.driver import compile_source

THREE = "\N{ARABIC-INDIC DIGIT THREE}"
WAIT = "schemaVersion: 1\nname: p\nnodes: [{id: a, type: wait, data: {params: {%s}}}]\n"
TEXTS = [
    (f"pipeline p\nreturn {THREE}\n", "p.saltern", ("syntax-error", f"unexpected `{THREE}`")),
    (f"pipeline p\nreturn 1.{THREE}\n", "p.saltern", ("syntax-error", f"unexpected `{THREE}`")),
    (f"pipeline p\npause = wait {{ for: {THREE}s }}\n", "p.saltern", ("syntax-error", f"unexpected `{THREE}`")),
    (WAIT % f"until: 202{THREE}-01-01T00:00:00Z", "p.yaml", ("ill-typed-parameter", "")),
    (WAIT % f"for: PT{THREE}S", "p.yaml", ("ill-typed-parameter", "")),
    (
        f"schemaVersion: {THREE}\nname: p\nnodes: []\n",
        "p.yaml",
        ("ill-typed-key", "`schemaVersion` of the document must be 1"),
    ),
    (f'{{"schemaVersion": {THREE}, "name": "p", "nodes": []}}', "p.json", ("syntax-error", "")),
]


@pytest.mark.parametrize(("text", "name", "expected"), TEXTS)
def test_digits_are_those_of_ascii(text, name, expected):
    """Numbers, durations and times of every notation; another script's digits are text like any other."""
    first = compile_source(text, source_name=name).diagnostics[0]
    assert first.code == expected[0]
    assert expected[1] in first.message


def test_the_ranges_are_those_of_the_oldest_python():
    """They are what its database says, and what they call printable, every later one does too: properties are never taken back."""
    if unicodedata.unidata_version == UNICODE:
        assert json.loads(FILE.read_text()) == ranges_here()
    assert all(chr(code).isprintable() for code in range(sys.maxunicode + 1) if characters.is_printable(chr(code)))


LATER = [
    ("\N{COMBINING ACUTE ACCENT}", True, 0),
    ("\N{CJK UNIFIED IDEOGRAPH-4E00}", True, 2),
    ("\N{WATERMELON}", True, 2),
    ("\u4dc0", True, 1),
    ("\N{RIGHT-TO-LEFT OVERRIDE}", False, 1),
    ("\U0001fae8", False, 1),
    ("\U0001ccd6", False, 1),
]
"""Some of Unicode 14, one that Unicode 16 made wide, and two that came with 15 and 16: a shaking face, an outlined A."""


@pytest.mark.parametrize(("char", "is_printable", "columns"), LATER)
def test_a_character_is_what_unicode_14_says(char, is_printable, columns):
    """Whatever this Python knows of it."""
    assert (characters.is_printable(char), characters.columns(char)) == (is_printable, columns)


def test_what_is_newer_is_escaped_and_names_nothing():
    """In generated code it is an escape, and the letter that a later Unicode takes it for is none."""
    assert pytext.string("\U0001fae8 \N{WATERMELON}") == '"\\U0001fae8 \N{WATERMELON}"'
    assert pytext.identifier("\U0001ccd6é") == "e"
    assert pytext.class_name("a\U0001ccd6éa") == "AEA"
