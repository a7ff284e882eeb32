"""Connections whose settings hold secrets, from both notations to the generated code."""

import ast

import pytest

from saltern_compiler import compile_source
from saltern_compiler.frontend.convert import convert
from saltern_compiler.frontend.notations import DOCUMENT

SOURCE = """\
pipeline example

input { id: int }
secret client = env("CLIENT")
connection vendor = http {
  base_url: "https://c.example"
  headers: { "X-Api-Key": env("A_KEY"), "X-Team": "salt" }
  query: { key: env("B_KEY") }
  oauth2: { token_url: "https://login.example/token", client_id: "me", client_secret: client }
}
on api
one = http.request(vendor) { url: `/{{ input.id }}` }
return { status: one.status }
"""
"""Every place in which a secret may stand."""


def keywords(text):
    """Return what the connection of a graph is made with."""
    calls = (part for part in ast.walk(ast.parse(text)) if isinstance(part, ast.Call))
    (call,) = (each for each in calls if getattr(each.func, "id", "") == "Connection")
    return {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords}


@pytest.mark.parametrize("notation", ["language", "document"])
def test_secrets_inside_of_settings_are_references(notation):
    """By their place; whatever is no secret stays in the settings, and a service asks for all of their variables."""
    name, text = "example.saltern", SOURCE
    if notation == "document":
        made, findings = convert(SOURCE, name, DOCUMENT)
        assert made is not None, findings
        name, text = "example.json", made.text
        assert '"$secret"' in text
    result = compile_source(text, source_name=name, targets=("python", "compose"))
    assert result.diagnostics == ()
    given = keywords(result.artifacts["example/graph.py"].decode())
    assert given["secrets"] == {
        "headers.X-Api-Key": "env:A_KEY",
        "query.key": "env:B_KEY",
        "oauth2.client_secret": "env:CLIENT",
    }
    assert given["settings"] == {
        "base_url": "https://c.example",
        "headers": {"X-Team": "salt"},
        "oauth2": {"token_url": "https://login.example/token", "client_id": "me"},
    }
    compose = result.artifacts["compose.yaml"].decode()
    assert [name for name in ("A_KEY", "B_KEY", "CLIENT") if f"${{{name}:?" in compose] == ["A_KEY", "B_KEY", "CLIENT"]


def test_where_tokens_come_from_is_reached_as_well():
    """The host of `token_url` is part of what a service may call."""
    result = compile_source(SOURCE, source_name="example.saltern", targets=("kubernetes",))
    written = "".join(text.decode() for text in result.artifacts.values())
    assert "saltern/egress: c.example:443 login.example:443" in written


def test_two_logins_of_a_called_pipeline_are_compared_by_their_variables():
    """A pipeline that is called brings its connection; the same one under other names of secrets is one."""
    called = SOURCE.replace("pipeline example", "pipeline part").replace("on api\n", "").replace("client", "other")
    called = called.replace("other_id", "client_id").replace("other_secret", "client_secret")
    text = SOURCE.replace("input {", 'use part = "./part.saltern"\ninput {').replace(
        "return { status", "again = call part after one { id: input.id }\nreturn { again: again.status, status"
    )
    result = compile_source(text, source_name="example.saltern", files={"part.saltern": called})
    assert result.diagnostics == ()
