"""Node types and versions."""

from __future__ import annotations

from saltern_compiler.diagnostics.model import Diagnostic
from saltern_compiler.diagnostics.suggest import did_you_mean, replace_by, there_are
from saltern_compiler.ir.pipeline import CALL, START, Node, Pipeline, called_by
from saltern_compiler.passes.base import Check, Context
from saltern_runtime.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class NodeTypes(Check):
    """`unknown-node-type`, `unknown-node-version`, `unknown-use`."""

    name: str = "node_types"

    def check(self, pipeline: Pipeline, context: Context) -> None:
        """Report each node whose type is not to be had."""
        for node in pipeline.body.walk():
            if called_by(node) or node.type in (CALL, START):
                _check_call(node, pipeline, context)
            else:
                _check(node, context)


def _check_call(node: Node, pipeline: Pipeline, context: Context) -> None:
    name, place = called_by(node), node.place("type")
    family = node.type.partition(".")[0]
    if not name:
        notes: tuple[str, ...] = (f"The type ends in the name of what it {family}s: `{family}.score`.",)
        context.report(Diagnostic("unknown-use", f"`{node.id}` {family}s nothing", place, notes=notes), node.id)
    elif pipeline.use(name) is None:
        near = context.nearest(name, [use.name for use in pipeline.uses])
        notes = did_you_mean(near) or (f'Say where it lies: `use {name} = "./{name}.saltern"`.',)
        message = f"`{node.id}` {family}s the unknown pipeline `{name}`"
        fixes = replace_by([f"{family}{'.' if place.pointer is not None else ' '}{each}" for each in near], place)
        context.report(Diagnostic("unknown-use", message, place, notes=notes, fixes=fixes), node.id)
    elif context.registry.node(node.type) is None:
        context.broken.add(node.id)  # what it uses leads nowhere, which is told where it is used
    else:
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
