"""Everything in a pipeline knows where in the text it stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from saltern_compiler.diagnostics.model import Origin
from saltern_compiler.expr.ast import references
from saltern_compiler.frontend.language import reader
from saltern_compiler.ir.pipeline import Node, Pipeline
from saltern_compiler.ir.values import expressions

TEXT = """\
pipeline greet
input { name: string }
secret token = env("TOKEN")
connection team = slack { token: token }
on webhook "/greet" { signature: standard, secret: env("KEY") }
@retry(3)
tell = slack.post_message(team) after check {
  channel: "#all"
  text: `Hello {{ input.name }}!`
}
check = if input.name != "" { ok = set { value: [input.name, 1 + 2] } }
"""


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    found, findings = reader.read(TEXT)
    assert findings == []
    assert found is not None
    return found


def _text(origin: Origin) -> str:
    assert origin.pointer is None
    return TEXT[origin.start : origin.end]


def _node(pipeline: Pipeline, node_id: str) -> Node:
    node = pipeline.body.node(node_id)
    assert node is not None
    return node


def test_parts_of_a_node(pipeline: Pipeline) -> None:
    """A node's id, type, connection, parameters, policies and what it waits for have places of their own."""
    tell = _node(pipeline, "tell")
    found = {part: _text(origin) for part, origin in tell.origins}
    assert found.pop("params").startswith('{\n  channel: "#all"')
    assert found == {
        "id": "tell",
        "type": "slack.post_message",
        "connection": "team",
        "param:channel": "channel",
        "param:text": "text",
        "value:channel": ': "#all"',
        "value:text": ": `Hello {{ input.name }}!`",
        "policy:retry": "@retry(3)",
        "after:check": "check",
    }
    assert _text(tell.origin).startswith("@retry(3)\ntell = ")


def test_sections(pipeline: Pipeline) -> None:
    """Sections, secrets, connections and triggers have places."""
    assert _text(pipeline.place("name")) == "greet"
    assert _text(pipeline.place("input")) == "input { name: string }"
    assert [_text(each.origin) for each in pipeline.secrets] == ['env("KEY")', 'secret token = env("TOKEN")']
    assert _text(pipeline.connections[0].origin) == "connection team = slack { token: token }"
    token = pipeline.connections[0].setting("token")
    assert token is not None
    assert _text(token.origin) == "token"
    assert _text(pipeline.triggers[0].origin).startswith('on webhook "/greet"')


def test_control_edges(pipeline: Pipeline) -> None:
    """The edge of a block stands where the block does."""
    assert _text(_node(pipeline, "ok").control[0].origin).startswith("{ ok = set")


def test_values_and_expressions(pipeline: Pipeline) -> None:
    """A value has its place, and the places inside an expression count from the expression's own."""
    text = _node(pipeline, "tell").param("text")
    assert text is not None
    assert _text(text.origin) == "`Hello {{ input.name }}!`"
    (inner,) = expressions(text)
    assert _text(inner.origin) == "input.name"
    (reference,) = references(inner.expr)
    assert _text(inner.origin.within(*reference.span)) == "input.name"
    listed = _node(pipeline, "ok").param("value")
    assert listed is not None
    assert [_text(each.origin) for each in expressions(listed)] == ["input.name", "1 + 2"]
    condition = _node(pipeline, "check").param("condition")
    assert condition is not None
    assert _text(condition.origin) == 'input.name != ""'


@pytest.mark.parametrize(
    "path", sorted((Path(__file__).parents[3] / "examples").glob("*/*.saltern")), ids=lambda path: path.stem
)
def test_examples_are_clean(path: Path) -> None:
    """The examples have no finding, checks included."""
    from saltern_compiler.driver import Source, compile_loaded

    result = compile_loaded(Source.load(str(path)), targets=())
    assert result.diagnostics == ()
