"""Connections: their connectors, their settings, and the nodes that use them."""

from __future__ import annotations

from typing import Final

from saltern_compiler.diagnostics.model import Diagnostic
from saltern_compiler.diagnostics.suggest import did_you_mean, join, replace_by, there_are
from saltern_compiler.ir.pipeline import LIMITS, Connection, Node, Pipeline
from saltern_compiler.ir.values import Literal, ObjectValue, Value, make_object
from saltern_compiler.passes.analyses.shape import SHAPE
from saltern_compiler.passes.base import Check, Context
from saltern_compiler.passes.settings import LIMITS_TYPE, check_exclusive, check_settings, connection_settings
from saltern_compiler.passes.values import misfits
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import NodeType

_LIMITS: Final = {
    "per_second": (
        1 / 86_400,
        100_000,
        "More than 0: one a day at least, 100,000 at most; `0.5` is one every other second.",
    ),
    "concurrency": (1, 10_000, "1 at least, 10,000 at most."),
}
"""Limit → the least and the most that it may be, and that in words."""


@dataclass(frozen=True, slots=True)
class Connections(Check):
    """`unknown-connector`, settings, `unknown-connection`, `missing-connection`, `wrong-connector`, `unexpected-connection`, `invalid-limit`."""

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
            check_settings(
                owner,
                connection.settings,
                connection_settings(spec),
                connection.origin,
                context,
                pipeline=pipeline,
                renamed=spec.renamed,
            )
            check_exclusive(owner, connection.settings, spec.exclusive, context)
            _check_limits(connection, context)
        shape = context.get(SHAPE, pipeline)
        for node in shape.nodes.values():
            node_type = shape.spec(node.id)
            if node_type is not None:
                _check_use(node, node_type, pipeline, context)


def _check_limits(connection: Connection, context: Context) -> None:
    """Report limits that let nothing through, that say nothing, or that nothing would come under."""
    given = connection.setting(LIMITS)
    if given is None:
        return
    known = given if isinstance(given, Literal) else make_object(_literals(given), given.origin)
    assert isinstance(known, Literal), "made of literals"
    found = {misfit.path[:1] for misfit in misfits(known.value, LIMITS_TYPE)}
    if () in found:
        return

    def report(message: str, note: str, *path: str) -> None:
        context.report(Diagnostic("invalid-limit", message, known.place(*path), notes=(note,)))

    if not context.registry.calls_through(connection.connector):
        message = f"nothing calls through a connection of `{connection.connector}`, so there is nothing to limit"
        report(message, "Leave the limits out.")
    if not found and known is given and not _LIMITS.keys() & known.value.keys():
        report(f"the limits of `{connection.name}` say nothing", "Write `per_second`, `concurrency`, or both.")
    for name, (least, most, rule) in _LIMITS.items():
        value = known.value.get(name)
        if value is not None and (name,) not in found and not least <= value <= most:
            report(f"`{name}` of `{connection.name}` is {value}", rule, name)


def _literals(value: Value) -> dict[str, Value]:
    """Return the members of a value that are written out."""
    fields = value.fields if isinstance(value, ObjectValue) else ()
    return {name: member for name, member in fields if isinstance(member, Literal)}


def _check_use(node: Node, spec: NodeType, pipeline: Pipeline, context: Context) -> None:
    if node.connection is None and (spec.connector is None or not spec.connection_required):
        return
    connections = context.get(SHAPE, pipeline).connections
    if node.connection is None:
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
    place = node.place("connection")
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
