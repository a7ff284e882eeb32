"""Versions of node types that a later one has taken the place of."""

from __future__ import annotations

import json
from dataclasses import dataclass

from saltern_compiler.diagnostics.model import Diagnostic, Edit, Fix
from saltern_compiler.diagnostics.suggest import join
from saltern_compiler.ir.pipeline import Node, Pipeline
from saltern_compiler.passes.base import Check, Context
from saltern_runtime.spec import NodeType


@dataclass(frozen=True, slots=True)
class Versions(Check):
    """`deprecated-version`: a warning."""

    name: str = "versions"

    def check(self, pipeline: Pipeline, context: Context) -> None:
        """Warn of nodes whose version is deprecated; where the newest one takes what they bind, it is the fix."""
        for node in pipeline.body.walk():
            spec = context.registry.node(node.type, node.version)
            if spec is not None and spec.deprecated:
                _report(node, spec, context)


def _report(node: Node, spec: NodeType, context: Context) -> None:
    newest = context.registry.node(node.type, context.registry.versions(node.type)[-1])
    assert newest is not None, "the registry has what it lists"
    notes = [spec.deprecated]
    fixes: tuple[Fix, ...] = ()
    if newest.version > node.version and not newest.deprecated:
        apart = _apart(node, newest)
        notes += apart or [f"`{newest.key}` takes what stands here."]
        fixes = () if apart else _upgrade(node, newest)
    message = f"`{node.id}` is of a deprecated version: `{spec.key}`"
    context.report(
        Diagnostic("deprecated-version", message, node.place("type"), notes=tuple(notes), fixes=fixes), node.id
    )


def _apart(node: Node, newest: NodeType) -> list[str]:
    """Say why a node cannot be of another version as it is; nothing where it can."""
    bound = {name for name, _ in node.params}
    known = {param.name for param in newest.params}
    lacks = [param.name for param in newest.params if param.required and param.name not in bound]
    unknown = sorted(bound - known)
    return [
        *([f"`{newest.key}` does not take {join(unknown)}."] if unknown else []),
        *([f"`{newest.key}` needs {join(lacks)}."] if lacks else []),
    ]


def _upgrade(node: Node, newest: NodeType) -> tuple[Fix, ...]:
    """Return the fix; a document that does not say a version has no place for it."""
    place = node.place("type")
    if place.pointer is None:
        edit = Edit(place, newest.key)
    elif "version" in dict(node.origins):
        edit = Edit(node.place("version"), json.dumps(newest.version))
    else:
        return ()
    return (Fix(f"Replace by `{newest.key}`", (edit,)),)
