"""Literals in the type of their parameter: 1 and 1.0 mean the same where one of them is meant."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from saltern_compiler.ir.pipeline import RETURN, Connection, Node, Pipeline, Trigger, map_nodes
from saltern_compiler.ir.values import Value
from saltern_compiler.passes.base import Context, Pass
from saltern_compiler.passes.settings import connection_settings
from saltern_compiler.passes.values import coerce
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import ANY, NodeType, ObjectType, Type


@dataclass(frozen=True, slots=True)
class CoerceLiterals(Pass):
    """JavaScript saves 1.0 as 1, and RFC 8785 prints both alike: before hashing, a literal takes its parameter's type."""

    name: str = "coerce_literals"

    def apply(self, pipeline: Pipeline, context: Context) -> Pipeline:
        """Return the pipeline with its literals as their parameters and settings have them."""

        def coerced(node: Node) -> Node:
            spec = context.registry.node(node.type, node.version)
            if spec is None or context.is_clean(self.name, node, spec):
                return node
            made = _node(node, spec, pipeline.output)
            if made is node and node.type != RETURN:  # that one hangs on the output as well
                context.settle(self.name, node, spec)
            return made

        body = map_nodes(pipeline.body, coerced)
        connections = tuple(_connection(connection, context) for connection in pipeline.connections)
        triggers = tuple(_trigger(trigger, pipeline.input) for trigger in pipeline.triggers)
        if body is pipeline.body and _same(connections, pipeline.connections) and _same(triggers, pipeline.triggers):
            return pipeline
        return replace(pipeline, body=body, connections=connections, triggers=triggers)


def _same(coerced: tuple[object, ...], given: tuple[object, ...]) -> bool:
    return all(one is other for one, other in zip(coerced, given, strict=True))


def _node(node: Node, spec: NodeType, output: ObjectType | None) -> Node:
    def takes(name: str) -> Type:
        if node.type == RETURN and output is not None:
            return output
        param = spec.param(name)
        return ANY if param is None or param.is_type else param.type

    params = _coerced(node.params, takes)
    return node if params is node.params else replace(node, params=params)


def _connection(connection: Connection, context: Context) -> Connection:
    spec = context.registry.connector(connection.connector)
    if spec is None:
        return connection
    types = {param.name: param.type for param in connection_settings(spec)}
    settings = _coerced(connection.settings, lambda name: types.get(name, ANY))
    return connection if settings is connection.settings else replace(connection, settings=settings)


def _trigger(trigger: Trigger, given: ObjectType) -> Trigger:
    """Write the input that a schedule starts runs with as the pipeline declares it."""
    settings = _coerced(trigger.settings, lambda name: given if name == "input" else ANY)
    return trigger if settings is trigger.settings else replace(trigger, settings=settings)


def _coerced(given: tuple[tuple[str, Value], ...], takes: Callable[[str], Type]) -> tuple[tuple[str, Value], ...]:
    coerced = tuple((name, coerce(value, takes(name))) for name, value in given)
    return given if _same(tuple(v for _, v in coerced), tuple(v for _, v in given)) else coerced
