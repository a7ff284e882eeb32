"""Reading parts of values, and checking dynamic ones."""

import math
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import pytest
from pydantic import Field

from saltern_runtime.expr import (
    ExprError,
    each,
    expect,
    expect_any,
    expect_optional,
    get,
    has,
    mapping,
    one_of,
    plain,
    text,
)
from saltern_runtime.models import Maybe, Model


class Item(Model):
    name: str
    kind: str = Field(alias="the-kind")
    note: Maybe[str] = None


ITEM = Item.model_validate({"name": "a", "the-kind": "b"})


def test_get_walks_maps_lists_and_models():
    """Keys are JSON names, also those of models."""
    assert get({"a": [{"b": 1}]}, "a", 0, "b") == 1
    assert get({"item": ITEM}, "item", "the-kind") == "b"


@pytest.mark.parametrize(
    ("base", "path", "code"),
    [
        ({"a": 1}, ("b",), "no-such-key"),
        ([1], (1,), "no-such-item"),
        ([1], (-1,), "no-such-item"),
        ([1], ("a",), "invalid-argument"),
        (ITEM, ("note",), "no-such-key"),
        (None, ("a",), "no-parts"),
        ("text", ("a",), "no-parts"),
        ({1: "x"}, (True,), "no-such-key"),
    ],
)
def test_get_raises_where_a_step_leads_nowhere(base: Any, path: tuple[Any, ...], code: str):
    """No missing part is silently null, and a list is not read from its end."""
    with pytest.raises(ExprError) as caught:
        get(base, *path)
    assert caught.value.code == code


def test_a_default_stands_for_what_is_not_there():
    """With a default, missing keys, short lists and steps into null give it; null itself stays null."""
    assert get({"a": None}, "a", "b", default=3) == 3
    assert get({"a": []}, "a", 0, default=3) == 3
    assert get({"a": None}, "a", default=3) is None
    with pytest.raises(ExprError):
        get({"a": 1}, "a", "b", default=3)


def test_has():
    """Null is there, an absent field of a model is not."""
    assert has({"a": None}, "a")
    assert not has({}, "a")
    assert not has(ITEM, "note")
    assert has(Item.model_validate({"name": "a", "the-kind": "b", "note": "c"}), "note")


def test_plain_writes_models_as_json_by_their_json_names():
    """Absent fields stay absent, times become text, bytes base64."""
    assert plain([ITEM, {"a": (1, 2)}]) == [{"name": "a", "the-kind": "b"}, {"a": [1, 2]}]
    assert plain(datetime(2025, 1, 2, 3, 4, 5, 600_000, UTC)) == "2025-01-02T03:04:05.6Z"
    assert plain(timedelta(seconds=-90, microseconds=-500)) == "-90.0005s"
    assert plain(b"\xff") == "/w=="
    with pytest.raises(ExprError):
        plain(object())
    with pytest.raises(ExprError):
        plain({1: 2})


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("a", "a"),
        (None, ""),
        (True, "true"),
        (1, "1"),
        (1.0, "1"),
        (1.5, "1.5"),
        (math.nan, "NaN"),
        ([1, "é"], '[1, "é"]'),
        (ITEM, '{"name": "a", "the-kind": "b"}'),
        (datetime(2025, 1, 2, tzinfo=UTC), "2025-01-02T00:00:00Z"),
        (timedelta(minutes=1), "60s"),
    ],
)
def test_text(value: Any, written: str):
    """What a template shows of a value."""
    assert text(value) == written


@pytest.mark.parametrize(
    ("value", "of", "result"),
    [
        ("a", str, "a"),
        (1, float, 1.0),
        ([1, 2], list[int], [1, 2]),
        ({"a": [1]}, dict[str, list[float]], {"a": [1.0]}),
        ({"name": "a", "the-kind": "b"}, Item, ITEM),
        ([{"name": "a", "the-kind": "b"}], list[Item], [ITEM]),
        (ITEM, dict[str, Any], {"name": "a", "the-kind": "b"}),
        ([None, 1], list[int | None], [None, 1]),
        ([{"a": ITEM}], list[Any], [{"a": {"name": "a", "the-kind": "b"}}]),
        ("2025-01-02T00:00:00Z", datetime, datetime(2025, 1, 2, tzinfo=UTC)),
        ("1m", timedelta, timedelta(minutes=1)),
        (["a"], list[Literal["a", "b"]], ["a"]),
    ],
)
def test_expect(value: Any, of: Any, result: Any):
    """A dynamic value that is what it has to be comes back with its type."""
    found = expect(value, of)
    assert found == result
    assert type(found) is type(result)


@pytest.mark.parametrize(
    ("value", "of", "message"),
    [
        (1, str, "expected string, got int 1"),
        (True, int, "expected int, got bool True"),
        (1.5, int, "expected int, got double 1.5"),
        (None, str, "expected string, got null_type None"),
        ({"a": [1, "b"]}, dict[str, list[int]], "a[1]: expected int, got string 'b'"),
        ("a", list[str], "expected list, got string 'a'"),
        (["c"], list[Literal["a", "b"]], "'c' is none of 'a', 'b'"),
    ],
)
def test_expect_says_where_a_value_parts_from_its_type(value: Any, of: Any, message: str):
    """The message leads to the place inside the value."""
    with pytest.raises(ExprError) as caught:
        expect(value, of)
    assert caught.value.code == "wrong-type"
    assert caught.value.message == message


def test_expect_refuses_what_is_no_model():
    """A dict that does not fit a model raises an error of expressions, not of pydantic."""
    with pytest.raises(ExprError, match="no Item"):
        expect({"name": 1}, Item)


def test_other_checks():
    """Null, one of several types, one of several literals."""
    assert expect_optional(None, int) is None
    assert expect_any("a", int, str) == "a"
    assert one_of(None, "a", None) is None
    for check in (lambda: expect_any(1.5, int, str), lambda: one_of(1, True), lambda: expect_optional("a", int)):
        with pytest.raises(ExprError):
            check()


def test_what_macros_go_through():
    """Lists give items, maps and models keys; nothing else has any."""
    assert [list(each(value)) for value in ([1], {"a": 1}, ITEM)] == [[1], ["a"], ["name", "the-kind"]]
    with pytest.raises(ExprError):
        each("text")


def test_maps_with_computed_keys():
    """A key twice and a key of a wrong type are errors."""
    assert mapping(("a", 1), (2, 3)) == {"a": 1, 2: 3}
    for entries in ((("a", 1), ("a", 2)), ((1.5, 1),), ((None, 1),)):
        with pytest.raises(ExprError):
            mapping(*entries)


def test_expressions_need_the_standard_library_alone():
    """Importing and using the helpers works where nothing else can be imported."""
    probe = """
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"pydantic", "celery", "redis", "fastapi", "lark", "httpx"}:
            raise ImportError(name)
sys.meta_path.insert(0, Block())
import importlib.util, types, pathlib
root = pathlib.Path(sys.argv[1])
package = types.ModuleType("saltern_runtime")
package.__path__ = [str(root)]
sys.modules["saltern_runtime"] = package
from saltern_runtime.expr import add, get, to_timestamp
assert add(1, 2) == 3 and get({"a": 1}, "a") == 1 and to_timestamp(0).year == 1970
"""
    import saltern_runtime

    subprocess.run([sys.executable, "-c", probe, saltern_runtime.__path__[0]], check=True)
