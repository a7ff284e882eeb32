"""Which policy counts: a node's own, its connection's, its type's, the pipeline's, the default, in that order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from saltern_compiler.ir.pipeline import Connection, Node, Pipeline
from saltern_runtime.spec import DEFAULT_POLICY, ConnectorSpec, NodeType, Policy


def layers(
    node: Node,
    spec: NodeType | None,
    connection: Connection | None,
    connector: ConnectorSpec | None,
    pipeline: Pipeline,
) -> Iterator[tuple[Policy, str]]:
    """Yield each policy that speaks about a node, the nearest first, with where it stands, in words."""
    yield node.policy, "on the node"
    if connection is not None:
        yield connection.policy, f"on the connection {connection.name}"
    if connector is not None:
        yield connector.policy, f"default of the connector {connector.name}"
    if spec is not None:
        yield spec.policy, f"default of the node type {spec.key}"
    yield pipeline.policy, "on the pipeline"
    yield DEFAULT_POLICY, "Saltern's default"


def decide(stack: list[tuple[Policy, str]], field: str) -> tuple[Any, str]:
    """Return the value of one field of a policy and where it came from."""
    for policy, where in stack:
        value = getattr(policy, field)
        if value is not None:
            return value, f"@{field} {where}" if where.startswith("on ") else where
    return None, "nothing sets it"
