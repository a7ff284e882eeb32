"""Whether a value may go where a type is wanted, and where the two part."""

import pytest

from saltern_compiler.expr.assign import assignable
from saltern_runtime.spec import ANY, DOUBLE, INT, NULL, STRING, Field, ListType, MapType, Type, obj, optional, union
from saltern_runtime.spec.types import LiteralType

AB = union(LiteralType("a"), LiteralType("b"))


@pytest.mark.parametrize(
    ("source", "target"),
    [
        (INT, INT),
        (INT, DOUBLE),
        (LiteralType(1), DOUBLE),
        (LiteralType("a"), AB),
        (AB, STRING),
        (ANY, STRING),
        (obj({"a": INT}), ANY),
        (STRING, optional(STRING)),
        (NULL, optional(INT)),
        (ListType(AB), ListType(STRING)),
        (ListType(ANY), ListType(INT)),
        (obj({"a": INT, "b": INT}), MapType(DOUBLE)),
        (obj({"a": INT}), obj({"a": DOUBLE, "b": Field("b", INT, required=False)})),
        (obj({"a": INT, "b": INT}), obj({"a": INT}, open=True)),
        (obj({"a": INT}), union(obj({"a": INT}), NULL)),
    ],
)
def test_assignable(source: Type, target: Type):
    """Every value of the source is one of the target."""
    assert assignable(source, target) is None


@pytest.mark.parametrize(
    ("source", "target", "place", "reason"),
    [
        (STRING, INT, "", "string is not int"),
        (DOUBLE, INT, "", "double is not int"),
        (optional(STRING), STRING, "", "it may be null"),
        (STRING, AB, "", 'string is none of "a" | "b"'),
        (LiteralType("c"), LiteralType("a"), "", 'it is "c", not "a"'),
        (ListType(obj({"t": INT})), ListType(obj({"t": STRING})), "[].t", "int is not string"),
        (obj({"a": obj({"b": optional(INT)})}), obj({"a": obj({"b": INT})}), "a.b", "it may be null"),
        (obj({}), obj({"a": INT}), "a", "the field is missing"),
        (obj({"a": Field("a", INT, required=False)}), obj({"a": INT}), "a", "the field may be absent"),
        (obj({"a": INT, "z": INT}), obj({"a": INT}), "z", "no such field is wanted"),
        (MapType(INT), obj({"a": INT}), "", "map<int> is not { a: int }"),
        (obj({"a": INT}), optional(obj({"a": STRING})), "a", "int is not string"),
    ],
)
def test_where_they_part(source: Type, target: Type, place: str, reason: str):
    """The first place where the types part is named, with why."""
    parting = assignable(source, target)
    assert parting is not None
    assert (parting.place(), parting.reason) == (place, reason)
