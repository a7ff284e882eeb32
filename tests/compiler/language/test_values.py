"""Values of the language: objects, templates, types, and what stands where it must not."""

from __future__ import annotations

import pytest

from saltern_compiler.diagnostics.model import Diagnostic
from saltern_compiler.expr.show import show
from saltern_compiler.frontend.language import reader
from saltern_compiler.ir.values import (
    Expression,
    ListValue,
    Literal,
    ObjectValue,
    SecretRef,
    Template,
    TypeValue,
    Value,
)
from saltern_runtime.spec import INT, ListType


def _value(text: str) -> Value:
    value, found = _try(text)
    assert found == []
    assert value is not None
    return value


def _try(text: str) -> tuple[Value | None, list[Diagnostic]]:
    pipeline, found = reader.read(f"pipeline p\na = set {{ value: {text} }}")
    if pipeline is None:
        return None, found
    return pipeline.body.nodes[0].param("value"), found


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("null", None),
        ("true", True),
        ("-3", -3),
        ("1.0", 1.0),
        ('"a\\n"', "a\n"),
        ('r"a\\n"', "a\\n"),
        ("[1, 2,]", [1, 2]),
        ("{}", {}),
        ('{ a: 1, "b c": [true], d: { e: null }, }', {"a": 1, "b c": [True], "d": {"e": None}}),
        ("{ a: 1\n b: 2 }", {"a": 1, "b": 2}),
        ("`plain`", "plain"),
        ("`{{ 'in' }}side`", "inside"),
    ],
)
def test_literals(text: str, value: object) -> None:
    """What has no expression in it is one literal, with int, double and bool kept apart."""
    assert _value(text) == Literal(value)


def test_objects_with_expressions() -> None:
    """Objects and lists with an expression in them keep their literal parts, fields sorted by name."""
    value = _value('{ b: input.x, a: ["c", input.y] }')
    assert isinstance(value, ObjectValue)
    assert [name for name, _ in value.fields] == ["a", "b"]
    assert isinstance(dict(value.fields)["a"], ListValue)


def test_bare_keys_inside_of_expressions_are_text() -> None:
    """The language has one meaning of `{ key: value }`, also where the object is part of an expression."""
    value = _value("input.xs.map(x, { name: x, (x): 1 })")
    assert isinstance(value, Expression)
    assert show(value.expr) == 'input.xs.map(x, {"name": x, x: 1})'


def test_keys_that_are_no_text_make_a_map_expression() -> None:
    """JSON objects have text for keys; anything else is left to the expression."""
    assert isinstance(_value("{ 1: 2 }"), Expression)


def test_env_is_a_secret_wherever_it_stands() -> None:
    """The check for misplaced secrets sees it as one."""
    assert _value('env("TOKEN")') == SecretRef("token")


def test_durations() -> None:
    """A duration is what the expression `duration(…)` gives."""
    value = _value("1h30m")
    assert isinstance(value, Expression)
    assert show(value.expr) == 'duration("5400s")'


def test_types() -> None:
    """A type stands after `type`, inside of objects as well."""
    assert _value("type list<int>") == TypeValue(ListType(INT))
    assert isinstance(_value("{ a: type { b: int } }"), ObjectValue)


def test_node_called_type() -> None:
    """`type` alone, or with a field, is a name."""
    assert isinstance(_value("type.x"), Expression)
    assert isinstance(_value("[type, 1]"), ListValue)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("`a`", "a"),
        ("` a `", " a "),
        ("``", ""),
        ("`\n`", ""),
        ("`\n  a\n`", "a"),
        ("`\n  a\n    b\n  c\n`", "a\n  b\nc"),
        ("`\n    a\n  b\n  `", "  a\nb"),
        ("`\n\n  a\n\n`", "\na\n"),
        ("`\n  a\n\n  b`", "a\n\nb"),
        ("`\n  a\n \n  b`", "a\n\nb"),
        ("`a\n  b\n  c`", "a\nb\nc"),
        ("`\n\ta\n\t\tb\n`", "a\n\tb"),
        ("`\n\ta\n  b\n`", "\ta\n  b"),
        ("`\r\n  a\r\n  b\r\n`", "a\nb"),
        ("`a\\nb \\` \\\\ \\{{ \\u0041`", "a\nb ` \\ {{ A"),
        ("`\n  \\n  a\n  b\n`", "\n  a\nb"),
        ("`{ } }} {`", "{ } }} {"),
    ],
)
def test_text_of_templates(text: str, wanted: str) -> None:
    """A template loses its common indentation and its outer line ends; escapes come after that."""
    assert _value(text) == Literal(wanted)


@pytest.mark.parametrize(
    ("text", "texts"),
    [
        ("`{{ a }}`", ["·"]),
        ("`\n  {{ a }}\n`", ["·"]),
        ("`\n  x {{ a }}\n    {{ b }}\n  {{ c }} y\n`", ["x ", "·", "\n  ", "·", "\n", "·", " y"]),
        ("`\n  {{ a }}\n  \n  {{ b }}\n`", ["·", "\n\n", "·"]),
        ("`{{ a }}\n  {{ b }}`", ["·", "\n", "·"]),
        ("`{{a}}{{b}}`", ["·", "·"]),
        ("`{{ '}}' + \"`\" + a }}`", ["·"]),
        ("`{{ {'b': a}['b'] }}`", ["·"]),
    ],
)
def test_templates_with_expressions(text: str, texts: list[str]) -> None:
    """Lines that begin with an expression count for the indentation; what an expression gives is never touched."""
    value = _value(text)
    assert isinstance(value, Template)
    assert [part if isinstance(part, str) else "·" for part in value.parts] == texts


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("[`a`].size()", "misplaced-value"),
        ("{ a: type int }.a", "misplaced-value"),
        ("[1s][0]", "misplaced-value"),
        ("{ a: 1, a: 2 }", "duplicate-key"),
        ("input.xs.map(x, { a: 1, a: 2 })", "duplicate-key"),
        ("{ a: 1 b: 2 }", "missing-comma"),
        ('"\\q"', "bad-escape"),
        ("`\\q`", "bad-escape"),
        ("`{{ '\\q' }}`", "bad-escape"),
        ("`{{ }}`", "syntax-error"),
        ("`{{ a + }}`", "syntax-error"),
        ("9223372036854775808", "number-out-of-range"),
        ("1 + 9223372036854775808", "number-out-of-range"),
        ("99999999999d", "number-out-of-range"),
        ("type strin", "unknown-type"),
        ("type list", "syntax-error"),
        ("type int<string>", "syntax-error"),
        ("type { a: int, a: int }", "duplicate-key"),
        ("type { a: int b: int }", "missing-comma"),
        ("type { a: int @persnal }", "unknown-annotation"),
        ("type { a: int @doc }", "syntax-error"),
        ("type 9223372036854775808", "number-out-of-range"),
        ("-" * 200 + "a", "nesting-too-deep"),
        ("a" + ".b" * 200, "nesting-too-deep"),
        ("[" * 101 + "]" * 101, "nesting-too-deep"),
    ],
)
def test_what_is_wrong_with_values(text: str, code: str) -> None:
    """Each gives exactly its finding."""
    assert [each.code for each in _try(text)[1]] == [code]


def test_a_value_that_cannot_be_read_has_no_consequences() -> None:
    """It stands for a value of the dynamic type, so that the checks say nothing more about it."""
    value, _ = _try("[`a`].size()")
    assert isinstance(value, Expression)
    assert show(value.expr) == "dyn(null)"
