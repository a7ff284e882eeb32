"""The policy of each node, every field from the nearest one that sets it, with where that stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Final, TypeAlias

from saltern_compiler.ir.pipeline import Pipeline
from saltern_compiler.passes.analyses.shape import SHAPE
from saltern_compiler.passes.analyses.types import TYPES
from saltern_compiler.passes.base import Analysis, Context
from saltern_compiler.passes.layers import decide, layers
from saltern_runtime.spec import Effect, NodeType, Policy

Chosen: TypeAlias = Mapping[str, tuple[Any, str]]
"""Field of a policy → its value, and where it comes from."""


def policies_of(pipeline: Pipeline, context: Context) -> Mapping[str, Chosen]:
    """Return node id → what was chosen; nodes of unknown types are left out."""
    shape, types = context.get(SHAPE, pipeline), context.get(TYPES, pipeline)
    found: dict[str, Chosen] = {}
    for node_id, spec in shape.specs.items():
        node = shape.nodes[node_id]
        connection = shape.connections.get(node.connection or "")
        connector = context.registry.connector(connection.connector) if connection is not None else None
        stack = list(layers(node, spec, connection, connector, pipeline))
        chosen = {field.name: decide(stack, field.name) for field in fields(Policy)}
        if node_id in shape.outcomes:
            chosen["on_error"] = ("continue", "others hang on whether it fails")
        if chosen["cache"][0] is not None and node.policy.cache is None and not _is_asked(spec, types.effects[node_id]):
            chosen["cache"] = (None, f"{chosen['cache'][1]}, which holds for nodes alone that read or are idempotent")
        found[node_id] = chosen
    return found


def _is_asked(spec: NodeType, effect: Effect) -> bool:
    """Whether a node asks something outside, so that a cache that others say is meant for it: to compute costs less than to look."""
    return effect in {Effect.READ, Effect.IDEMPOTENT} and not spec.suspends


POLICIES: Final = Analysis("policies", policies_of)
