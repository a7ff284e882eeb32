"""Types: as they print, so they read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saltern_compiler.frontend.language import reader
from saltern_runtime.spec import (
    ANY,
    INT,
    NULL,
    STRING,
    Field,
    ListType,
    LiteralType,
    MapType,
    Type,
    obj,
    optional,
    show,
    union,
)
from saltern_runtime.spec.types import NAMED

_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
_literals = st.builds(LiteralType, _text | st.booleans() | st.integers(-(2**63), 2**63 - 1))


def _around(inner: st.SearchStrategy[Type]) -> st.SearchStrategy[Type]:
    field = st.tuples(inner, st.booleans(), st.booleans(), st.booleans())
    objects = st.builds(
        lambda fields, is_open: obj(
            {name: Field(name, *marks, secret=secret) for name, (*marks, secret) in fields.items()},
            open=is_open,
        ),
        st.dictionaries(_text, field, max_size=3),
        st.booleans(),
    )
    return (
        st.builds(ListType, inner)
        | st.builds(MapType, inner)
        | objects
        | st.lists(inner, min_size=1, max_size=3).map(lambda members: union(*members))
        | st.builds(optional, inner)
    )


_types = st.recursive(st.sampled_from(list(NAMED.values())) | _literals, _around, max_leaves=8)


@given(_types)
def test_as_it_prints_so_it_reads(of: Type) -> None:
    """Every type reads back from its own text."""
    made, found = reader.read_type(show(of))
    assert found == []
    assert made == of


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("(int | string)?", union(INT, STRING, NULL)),
        ("int??", optional(INT)),
        ('"a" | "b" | null', union(LiteralType("a"), LiteralType("b"), NULL)),
        ("list<list<int?>>", ListType(ListType(optional(INT)))),
        ("{ a: int\n b: string\n ... }", obj({"a": INT, "b": STRING}, open=True)),
        ("any", ANY),
    ],
)
def test_other_ways_to_write_a_type(text: str, wanted: Type) -> None:
    """Parentheses, line ends and repeated marks are read as well."""
    assert reader.read_type(text) == (wanted, [])


@pytest.mark.parametrize(
    ("text", "word"), [("strng", "string"), ("integer", "int"), ("bolean", "bool"), ("str", "string")]
)
def test_misspelt_types(text: str, word: str) -> None:
    """The fix is the type that was meant."""
    _, found = reader.read_type(text)
    assert [each.code for each in found] == ["unknown-type"]
    assert found[0].fixes[0].edits[0].text == word
