"""Node types and versions."""

from __future__ import annotations

from dataclasses import dataclass

from saltern_compiler.diagnostics.model import Diagnostic
from saltern_compiler.diagnostics.suggest import did_you_mean, replace_by, there_are
from saltern_compiler.ir.pipeline import Node, Pipeline
from saltern_compiler.passes.base import Check, Context


@dataclass(frozen=True, slots=True)
class NodeTypes(Check):
    """`unknown-node-type`, `unknown-node-version`."""

    name: str = "node_types"

    def check(self, pipeline: Pipeline, context: Context) -> None:
        """Report each node whose type is not to be had."""
        for node in pipeline.body.walk():
            _check(node, context)


def _check(node: Node, context: Context) -> None:
    registry = context.registry
    if registry.node(node.type, node.version) is not None:
        return
    place = node.place("type")
    versions = registry.versions(node.type)
    if versions:
        notes: tuple[str, ...] = there_are(f"{node.type}@{version}" for version in versions)
        message = f"the node type `{node.type}` has no version {node.version}"
        context.report(Diagnostic("unknown-node-version", message, place, notes=notes), node.id)
        return
    near = context.nearest(node.type, registry.node_names())
    notes = did_you_mean(near) or ("`saltern nodes` lists what is installed.",)
    message = f"unknown node type `{node.type}`"
    fixes = replace_by(near, place)
    context.report(Diagnostic("unknown-node-type", message, place, notes=notes, fixes=fixes), node.id)
