"""Branches and values: what their specs say."""

import pytest

from saltern_runtime.spec import ANY, BOOL, INT, NULL, STRING, Bound, Effect, Emit, ListType, show, union


@pytest.mark.parametrize("name", ["if", "switch", "merge", "set", "template", "return"])
def test_flow_is_pure_and_needs_no_callable(spec, name):
    """Generated code writes it as plain Python."""
    node = spec(name)
    assert (node.effect, node.call, node.connector, node.queue) == (Effect.PURE, "", None, "default")
    assert node.emit is not Emit.CALL


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        (ListType(STRING), "string?"),
        (ListType(union(INT, NULL)), "int?"),
        (ListType(ANY), "any"),
        (STRING, "any"),
        (None, "any"),
    ],
)
def test_merge_may_give_null(spec, values, shown):
    """Where every branch was skipped."""
    assert show(spec("merge").result(Bound({}, {} if values is None else {"values": values}))) == shown


@pytest.mark.parametrize("name", ["set", "return"])
def test_a_value_keeps_its_type(spec, name):
    """And is `any` where it is unknown."""
    assert spec(name).result(Bound({}, {"value": BOOL})) == BOOL
    assert spec(name).result(Bound({}, {})) == ANY


@pytest.mark.parametrize(
    ("cases", "words"),
    [
        (["a", "b", 1, True, None], []),
        (["a", "a"], ["`a` stands twice"]),
        ([1, "1"], ["stands twice"]),
        ([True, "true", 1], ["stands twice"]),
        ([1.5, [], {}], ["no string", "no string", "no string"]),
        ("a", []),
    ],
)
def test_cases_are_plain_values_each_once(spec, cases, words):
    """Two cases with one handle could not be told apart."""
    found = [each.message for each in spec("switch").check(Bound({"cases": cases}, {}))]
    assert len(found) == len(words)
    assert all(word.replace("`a`", "a") in message for word, message in zip(words, found, strict=True))
