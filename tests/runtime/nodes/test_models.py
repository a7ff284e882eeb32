"""The base of generated models."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import pytest
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from saltern_runtime.models import Exact, Maybe, Model, plain


class Inner(Model):
    size: Maybe[int] = None


class Outer(Model):
    inner: Inner
    others: list[Inner] = Field(alias="the-others")
    note: str | None = None


GIVEN: dict[str, Any] = {"inner": {}, "the-others": [{"size": 1}, {}]}


def test_absent_stays_absent_all_the_way_down():
    """In and out again gives the same JSON, by alias."""
    value = Outer.model_validate(GIVEN)
    assert value.to_json() == GIVEN
    assert plain({"a": [value]}) == {"a": [GIVEN]}
    assert TypeAdapter(Outer).dump_python(value, mode="json", by_alias=True, exclude_unset=True) == GIVEN


def test_null_differs_from_absence():
    """Where the type admits null."""
    value = Outer.model_validate({**GIVEN, "note": None})
    assert value.to_json() == {**GIVEN, "note": None}
    assert "note" in value.model_fields_set


def test_a_field_that_may_be_absent_refuses_null():
    """`size?: int` is no `size: int?`."""
    with pytest.raises(ValidationError):
        Inner(size=None)
    assert Inner().size is None


def test_models_can_be_made_by_attribute_name_and_are_frozen():
    """Generated code writes attribute names."""
    value = Outer(inner=Inner(), others=[])
    assert value.to_json() == {"inner": {}, "the-others": []}
    with pytest.raises(ValidationError):
        value.note = "x"  # type: ignore[misc]  # that is what the test is about


def test_what_is_equal_to_a_literal_becomes_that_literal():
    """Of 1 and true, which Python takes for one, it becomes the one of its kind."""
    read = TypeAdapter(Exact[Literal[True, 1, "a"]]).validate_python
    assert [repr(read(value)) for value in (True, 1, 1.0, "a")] == ["True", "1", "1", "'a'"]
    for value in (False, 0, 2, "1", None, []):
        with pytest.raises(ValidationError):
            read(value)


def test_unknown_fields_are_refused_unless_the_object_is_open():
    """An open object ignores them."""

    class Open(Model):
        model_config = ConfigDict(extra="ignore")
        a: int

    with pytest.raises(ValidationError):
        Inner.model_validate({"wrong": 1})
    assert Open.model_validate({"a": 1, "b": 2}).to_json() == {"a": 1}


@pytest.mark.parametrize("mode", ["validation", "serialization"])
def test_the_schema_tells_absence_by_required_alone(mode):
    """No default null for what may not be null."""
    schema = Inner.model_json_schema(mode=mode)
    assert schema["properties"] == {"size": {"title": "Size", "type": "integer"}}
    assert "required" not in schema
    assert schema["additionalProperties"] is False


def test_plain_values_are_json():
    """Times as ISO 8601, bytes as base64."""
    value = plain({"t": datetime(2020, 1, 1, tzinfo=UTC), "d": timedelta(hours=1), "b": b"a", "l": (1, 2)})
    assert json.loads(json.dumps(value)) == {"t": "2020-01-01T00:00:00Z", "d": "PT1H", "b": "YQ==", "l": [1, 2]}
