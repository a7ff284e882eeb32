"""Literals against types: what fits, and how it is written then."""

from __future__ import annotations

import pytest

from saltern_compiler.expr.ast import Ident
from saltern_compiler.ir.values import Expression, ListValue, Literal, ObjectValue
from saltern_compiler.passes.values import coerce, misfits, type_of
from saltern_runtime.spec import (
    ANY,
    BOOL,
    DOUBLE,
    DURATION,
    INT,
    NULL,
    STRING,
    TIMESTAMP,
    ListType,
    LiteralType,
    MapType,
    obj,
    optional,
    union,
)


@pytest.mark.parametrize(
    ("value", "to"),
    [
        (1, INT),
        (1.0, INT),
        (1, DOUBLE),
        (None, optional(STRING)),
        ("bug", union(LiteralType("bug"), LiteralType("other"))),
        ([1, 2.0], ListType(INT)),
        ({"a": 1}, MapType(INT)),
        ({"a": 1}, obj({"a": DOUBLE})),
        ("2024-05-06T07:08:09Z", TIMESTAMP),
        ("30s", DURATION),
        ([{"x": None}], ANY),
    ],
)
def test_fits(value, to):
    """What a person may write for a type, and JavaScript may make of it."""
    assert list(misfits(value, to)) == []


@pytest.mark.parametrize(
    ("value", "to", "path"),
    [
        (1.5, INT, ()),
        (True, INT, ()),
        (1, BOOL, ()),
        (10**400, DOUBLE, ()),
        (2**63, INT, ()),
        (1e300, INT, ()),
        ("1", INT, ()),
        (None, STRING, ()),
        ("", TIMESTAMP, ()),
        (1, LiteralType(True), ()),
        ([1, "2"], ListType(INT), (1,)),
        ({"a": {"b": 1}}, obj({"a": obj({"b": STRING})}), ("a", "b")),
        ({"a": 1, "b": 2}, obj({"a": INT}), ("b",)),
        ({}, obj({"a": INT}), ()),
        ([], MapType(INT), ()),
    ],
)
def test_does_not_fit(value, to, path):
    """The finding leads to the part that is wrong."""
    assert [each.path for each in misfits(value, to)] == [path]


def test_long_text_is_not_repeated():
    """A message stays short, whatever stands in the source."""
    (found,) = misfits("x" * 10_000, INT)
    assert len(found.message) < 80


@pytest.mark.parametrize(
    ("value", "to", "written"),
    [
        (1, DOUBLE, 1.0),
        (1.0, INT, 1),
        (1.5, INT, 1.5),
        (1, INT, 1),
        (True, DOUBLE, True),
        ([1, 2], ListType(DOUBLE), [1.0, 2.0]),
        ({"a": 1.0, "z": 1.0}, obj({"a": INT}), {"a": 1, "z": 1.0}),
        (1.0, union(INT, STRING), 1),
        (1, union(DOUBLE, INT), 1),
        (1.0, union(DOUBLE, INT), 1.0),
        (None, optional(DOUBLE), None),
        (1.0, ANY, 1.0),
        (10**400, DOUBLE, 10**400),
    ],
)
def test_coerced(value, to, written):
    """A literal takes the type of its parameter, and nothing else changes."""
    assert coerce(Literal(value), to) == Literal(written)


def test_unchanged_value_stays_the_same_object():
    """Passes tell by identity whether anything changed."""
    value = ObjectValue((("a", ListValue((Literal(1), Expression(Ident("x"))))),))
    assert coerce(value, obj({"a": ListType(INT)})) is value
    assert coerce(value, obj({"a": ListType(DOUBLE)})) is not value


def test_type_of_a_literal():
    """A literal's type names its parts."""
    assert type_of({"a": [1, "x"], "b": None}) == obj({"a": ListType(union(INT, STRING)), "b": NULL})
    assert type_of([]) == ListType(ANY)
