"""Connections: their connectors, their settings, and the nodes that use them."""

from __future__ import annotations

from dataclasses import dataclass

from saltern_compiler.diagnostics.model import Diagnostic
from saltern_compiler.diagnostics.suggest import did_you_mean, join, replace_by, there_are
from saltern_compiler.ir.pipeline import Node, Pipeline
from saltern_compiler.passes.analyses.shape import SHAPE
from saltern_compiler.passes.base import Check, Context
from saltern_compiler.passes.settings import check_settings
from saltern_runtime.spec import NodeType


@dataclass(frozen=True, slots=True)
class Connections(Check):
    """`unknown-connector`, settings, `unknown-connection`, `missing-connection`, `wrong-connector`, `unexpected-connection`."""

    name: str = "connections"

    def check(self, pipeline: Pipeline, context: Context) -> None:
        """Report connections that cannot be made and nodes that cannot use theirs."""
        for connection in pipeline.connections:
            spec = context.registry.connector(connection.connector)
            if spec is None:
                near = context.nearest(connection.connector, context.registry.connector_names())
                notes: tuple[str, ...] = (*did_you_mean(near), *there_are(context.registry.connector_names()))
                message = f"unknown connector `{connection.connector}`"
                context.report(Diagnostic("unknown-connector", message, connection.origin, notes=notes))
                continue
            owner = f"the connection `{connection.name}`"
            check_settings(owner, connection.settings, spec.settings, connection.origin, context)
        shape = context.get(SHAPE, pipeline)
        for node in shape.nodes.values():
            node_type = shape.spec(node.id)
            if node_type is not None:
                _check_use(node, node_type, pipeline, context)


def _check_use(node: Node, spec: NodeType, pipeline: Pipeline, context: Context) -> None:
    connections = context.get(SHAPE, pipeline).connections
    place = node.place("connection")
    if node.connection is None:
        if spec.connector is None or not spec.connection_required:
            return
        fitting = [name for name, connection in connections.items() if connection.connector == spec.connector]
        have = (
            f"Connections of that kind: {join(fitting)}."
            if fitting
            else f"Declare one: `connection … = {spec.connector} {{ … }}`."
        )
        message = f"`{node.id}` names no connection"
        notes: tuple[str, ...] = (f"`{spec.name}` needs a connection of the connector `{spec.connector}`.", have)
        context.report(Diagnostic("missing-connection", message, node.place("type"), notes=notes))
        return
    if spec.connector is None:
        message = f"`{node.id}` has a connection, but `{spec.name}` uses none"
        context.report(Diagnostic("unexpected-connection", message, place, notes=("Leave the connection out.",)))
        return
    connection = connections.get(node.connection)
    if connection is None:
        near = context.nearest(node.connection, connections)
        notes = did_you_mean(near) or (f"Declare it: `connection {node.connection} = {spec.connector} {{ … }}`.",)
        fixes = replace_by(near, place) if place != node.origin else ()
        message = f"`{node.id}` uses the unknown connection `{node.connection}`"
        context.report(Diagnostic("unknown-connection", message, place, notes=notes, fixes=fixes))
        return
    known = context.registry.connector(connection.connector) is not None
    if known and connection.connector != spec.connector:
        message = f"`{node.id}` uses `{connection.name}`, a connection of `{connection.connector}`"
        notes = (f"`{spec.name}` needs a connection of the connector `{spec.connector}`.",)
        context.report(Diagnostic("wrong-connector", message, place, notes=notes))
