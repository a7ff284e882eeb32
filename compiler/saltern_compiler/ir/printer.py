"""A pipeline as a person reads it: for tests, `--dump` and passes that went wrong. Not a notation: nothing reads it back."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import fields

from saltern_compiler.expr.show import show as show_expr
from saltern_compiler.ir.pipeline import Node, Pipeline, Region
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
from saltern_runtime.spec import Json, Policy, Retry, show


def dump(pipeline: Pipeline) -> str:
    """Print a pipeline, one property a line; ends with a newline."""
    return "\n".join(_pipeline(pipeline)) + "\n"


def dump_node(node: Node) -> str:
    """Print one node; ends with a newline."""
    return "\n".join(_node(node)) + "\n"


def _pipeline(pipeline: Pipeline) -> Iterator[str]:
    yield f"pipeline {pipeline.name}"
    yield f"  input {show(pipeline.input)}"
    if pipeline.output is not None:
        yield f"  output {show(pipeline.output)}"
    for name, value in pipeline.settings:
        yield f"  setting {name} = {_text(value)}"
    for name, value in pipeline.budget:
        yield f"  budget {name} = {_text(value)}"
    yield from _indented(_policy(pipeline.policy))
    for use in pipeline.uses:
        yield f"  use {use.name} = {_text(use.path)}"
    for secret in pipeline.secrets:
        yield f"  secret {secret.name} = {secret.reference}"
    for connection in pipeline.connections:
        yield f"  connection {connection.name} = {connection.connector}"
        yield from _indented(_indented([*_policy(connection.policy), *_params(connection.settings)]))
    for trigger in pipeline.triggers:
        yield f"  on {trigger.type}"
        yield from _indented(_indented(_params(trigger.settings)))
    yield from _indented(_region(pipeline.body))


def _indented(lines: Iterator[str] | Sequence[str]) -> Iterator[str]:
    return (f"  {line}" for line in lines)


def _region(region: Region) -> Iterator[str]:
    for node in region.nodes:
        yield from _node(node)


def _node(node: Node) -> Iterator[str]:
    yield f"{node.id} = {node.type}@{node.version}" + (f" ({node.connection})" if node.connection else "")
    if node.mapping:
        yield "  with " + ", ".join(f"{name}: {given}" for name, given in node.mapping)
    if node.disabled:
        yield "  disabled"
    if node.control or node.join != "all":
        handles = ", ".join(f"{edge.source}.{edge.handle}" for edge in node.control) or "nothing"
        is_plain = len(node.control) == 1 and node.join == "all"
        yield f"  when {handles}" if is_plain else f"  when {node.join} of {handles}"
    if node.after:
        yield "  after " + ", ".join(node.after)
    yield from _indented(_policy(node.policy))
    yield from _indented(_params(node.params))
    if node.body is not None:
        yield "  body" + "".join(f" {name}" for name in node.body.variables)
        yield from _indented(_indented(_region(node.body)))


def _params(params: Sequence[tuple[str, Value]]) -> Iterator[str]:
    return (f"{name}: {_value(value)}" for name, value in params)


def _policy(policy: Policy) -> Iterator[str]:
    for field in fields(policy):
        value = getattr(policy, field.name)
        if isinstance(value, Retry):
            yield f"@retry {value.attempts} attempts, base {value.base} s, cap {value.cap} s"
        elif value is not None:
            yield f"@{field.name} {value}"


def _value(value: Value) -> str:
    match value:
        case Literal(value=literal):
            return _text(literal)
        case Expression(expr=expr):
            return show_expr(expr)
        case Template(parts=parts):
            return "template " + " + ".join(
                _text(part) if isinstance(part, str) else f"({show_expr(part.expr)})" for part in parts
            )
        case TypeValue(type=of):
            return f"type {show(of)}"
        case SecretRef(name=name):
            return f"secret {name}"
        case ListValue(items=items):
            return "[" + ", ".join(_value(item) for item in items) + "]"
        case ObjectValue(fields=members):
            return "{ " + ", ".join(f"{_text(name)}: {_value(member)}" for name, member in members) + " }"


def _text(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False)
