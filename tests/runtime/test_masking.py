"""Secrets are masked where values are shown."""

import json

import pytest

from saltern_runtime.masking import MASK, masked, without
from saltern_runtime.spec import STRING, Field, ListType, MapType, obj, optional, to_schema
from saltern_runtime.spec.types import marked
from saltern_runtime.store.views import Awaited
from saltern_runtime.web.models import awaited_json


@pytest.mark.parametrize(
    ("value", "places", "shown"),
    [
        ({"a": "x", "b": "y"}, (("a",),), {"a": MASK, "b": "y"}),
        ({"a": {"b": "x", "c": 1}}, (("a", "b"),), {"a": {"b": MASK, "c": 1}}),
        ({"a": [{"b": "x"}, {"b": "y"}]}, (("a", None, "b"),), {"a": [{"b": MASK}, {"b": MASK}]}),
        ({"a": {"k": "x"}}, (("a", None),), {"a": {"k": MASK}}),
        ({"a": None}, (("a",),), {"a": None}),
        ({"a": [1, {"b": 2}]}, (("a",),), {"a": MASK}),
        ({}, (("a",),), {}),
        ([], (("a",),), []),
        ("x", (("a",),), "x"),
        ({"a": "text"}, (("a", None, "b"),), {"a": "text"}),
        ({"a": "x"}, (), {"a": "x"}),
    ],
)
def test_values_are_masked_at_their_places(value, places, shown) -> None:
    """Whatever has the place; null and what is not there stay, and so does a value of another shape."""
    assert masked(value, places) == shown


def test_places_are_read_from_a_type() -> None:
    """Of fields in lists, maps and unions; what stands inside of a secret is masked with it."""
    person = obj({"pin": Field("pin", STRING, secret=True), "name": Field("name", STRING, personal=True)})
    of = obj(
        {
            "people": ListType(person),
            "one": optional(person),
            "by": MapType(person),
            "all": Field("all", person, secret=True),
        }
    )
    assert marked(of, "secret") == (("all",), ("by", None, "pin"), ("one", "pin"), ("people", None, "pin"))
    assert marked(of, "personal") == (("all", "name"), ("by", None, "name"), ("one", "name"), ("people", None, "name"))


def test_what_was_filled_in_as_a_secret_is_masked() -> None:
    """The fields of a decision, by the schema that the plan keeps of them."""
    fields = obj({"code": Field("code", STRING, secret=True), "note": STRING})
    schema = to_schema(obj({"decision": STRING, "fields": optional(fields)}))
    answer = json.dumps({"decision": "yes", "fields": {"code": "1234", "note": "fine"}})
    shown = awaited_json(Awaited("ok", "ok", "approval@1", schema, ("yes", "no"), answer=answer))
    assert shown["decision"] == {"decision": "yes", "fields": {"code": MASK, "note": "fine"}}


@pytest.mark.parametrize(
    ("text", "value", "places", "shown"),
    [
        ("'hunter2' is no number", {"a": "hunter2"}, (("a",),), f"'{MASK}' is no number"),
        ("no item 778899", {"a": 778899}, (("a",),), f"no item {MASK}"),
        (r"x\ny and x\\ny", {"a": "x\ny1"}, (("a",),), r"x\ny and x\\ny"),
        (repr("x\ny1"), {"a": "x\ny1"}, (("a",),), f"'{MASK}'"),
        ("no such key: 'inside'", {"a": {"inside": "word"}}, (("a",),), f"no such key: '{MASK}'"),
        ("one two", {"a": [{"b": "one two"}, {"b": "two!"}]}, (("a", None, "b"),), MASK),
        ("the same word", {"a": "the"}, (("a",),), "the same word"),
        ("word", {"a": None, "b": "word"}, (("a",), ("c", "d")), "word"),
    ],
)
def test_texts_are_told_without_secrets(text, value, places, shown) -> None:
    """As they are and as Python writes them, the longest first; what is shorter than four characters stands in too many words."""
    assert without(text, value, places) == shown
