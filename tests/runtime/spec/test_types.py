"""The type algebra and its two spellings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saltern_runtime.spec import (
    ANY,
    BOOL,
    DOUBLE,
    FILE,
    INT,
    NULL,
    STRING,
    TIMESTAMP,
    Field,
    ListType,
    LiteralType,
    MapType,
    SchemaError,
    Type,
    from_schema,
    obj,
    optional,
    show,
    to_schema,
    union,
)
from saltern_runtime.spec.schema import places_in

names = st.text(min_size=1, max_size=6)
leaves: st.SearchStrategy[Type] = st.sampled_from([ANY, NULL, BOOL, FILE, INT, DOUBLE, STRING, TIMESTAMP]) | st.builds(
    LiteralType, st.text(max_size=4) | st.integers(-5, 5) | st.booleans()
)
types = st.recursive(
    leaves,
    lambda inner: (
        st.builds(ListType, inner)
        | st.builds(MapType, inner)
        | st.lists(inner, min_size=1, max_size=3).map(lambda members: union(*members))
        | st.dictionaries(
            names, st.tuples(inner, st.booleans(), st.booleans(), st.booleans()), min_size=1, max_size=3
        ).map(
            lambda fields: obj({n: Field(n, t, required=r, personal=p, secret=s) for n, (t, r, p, s) in fields.items()})
        )
    ),
    max_leaves=8,
)


@given(types)
def test_json_schema_round_trip(of: Type) -> None:
    """A type written as JSON Schema reads back as itself."""
    assert from_schema(to_schema(of)) == of


@given(types, types, types)
def test_union_is_order_independent(a: Type, b: Type, c: Type) -> None:
    """A union is the same in whatever order and nesting its members come."""
    assert union(a, union(b, c)) == union(c, b, a) == union(union(a, b), c)


def test_union_swallows_literals_of_a_whole_type() -> None:
    """`"a" | string` is string; `1 | true` stay apart."""
    assert union(LiteralType("a"), STRING) == STRING
    assert show(union(LiteralType(1), LiteralType(True))) == "1 | true"


def test_show_writes_the_language() -> None:
    """Nullable, optional, personal and quoted parts are written as a person would."""
    of = obj(
        {"a": optional(INT), "b": Field("b", STRING, required=False, personal=True), "c d": ListType(MapType(ANY))}
    )
    assert show(of) == '{ a: int?, b?: string @personal, "c d": list<map<any>> }'


@pytest.mark.parametrize(
    ("schema", "path"),
    [
        ({"type": "string", "pattern": "a+"}, ("pattern",)),
        ({"type": "object", "properties": {"a": {"$ref": "#/x"}}}, ("properties", "a", "$ref")),
        ({"type": "object", "properties": {"a": {}}, "required": ["b"]}, ("required", 0)),
        ({"type": "wobble"}, ("type",)),
        ({"type": ["string", "wobble"]}, ("type",)),
        ({"enum": []}, ("enum",)),
        ({"enum": [1.5]}, ("enum", 0)),
        ({"anyOf": {}}, ("anyOf",)),
        ({"type": []}, ("type",)),
        (3, ()),
        ({"type": "object", "properties": []}, ("properties",)),
    ],
)
def test_inexpressible_schemas_name_the_place(schema: object, path: tuple[object, ...]) -> None:
    """What the algebra cannot express is refused at its place, never dropped."""
    with pytest.raises(SchemaError) as caught:
        from_schema(schema)
    assert caught.value.path == path


def test_an_open_object_stays_open() -> None:
    """`additionalProperties: true` written out keeps an object open; left out, the named fields are all."""
    schema = {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": True}
    assert from_schema(schema) == obj({"a": Field("a", STRING, required=False)}, open=True)
    assert from_schema({"type": "object"}) == MapType(ANY)


def test_a_file_among_several_types_stays_one() -> None:
    """Keywords belong to the type that knows them, also where several have one of the same name."""
    assert from_schema({"type": ["object", "null"], "format": "file"}) == optional(FILE)
    assert from_schema({"type": ["string", "null"], "format": "date-time"}) == optional(TIMESTAMP)
    assert from_schema({"anyOf": [{"type": "object", "format": "file"}, {"type": "string"}]}) == union(FILE, STRING)


def test_marks_are_found_among_definitions() -> None:
    """In lists, maps and unions, behind references, the outermost alone; what is inside of itself is looked into once."""
    marked = {"type": "string", "x-saltern-secret": True}
    schema = {
        "$defs": {"Tree": {"properties": {"pin": marked, "below": {"items": {"$ref": "#/$defs/Tree"}}}}},
        "anyOf": [{"properties": {"tree": {"$ref": "#/$defs/Tree"}, "map": {"additionalProperties": marked}}}],
        "properties": {"whole": {"$ref": "#/$defs/Tree", "x-saltern-secret": True}, "plain": {"type": "string"}},
    }
    assert set(places_in(schema, "secret")) == {("whole",), ("tree", "pin"), ("map", None)}
    assert places_in(schema, "personal") == ()
