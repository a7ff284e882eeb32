"""Versions of node types that a later one has taken the place of."""

from __future__ import annotations

import json

from saltern_compiler.diagnostics.model import Diagnostic, Edit, Fix
from saltern_compiler.ir.pipeline import Node, Pipeline
from saltern_compiler.passes.base import Check, Context
from saltern_compiler.passes.upgrades import Gap, Move, Stuck, apart, route
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import NodeType


@dataclass(frozen=True, slots=True)
class Versions(Check):
    """`deprecated-version`: a warning."""

    name: str = "versions"

    def check(self, pipeline: Pipeline, context: Context) -> None:
        """Warn of nodes whose version is deprecated; the fix is the step to a later one, where there is one or none is needed."""
        for node in pipeline.body.walk():
            spec = context.registry.node(node.type, node.version)
            if spec is not None and spec.deprecated:
                _report(node, spec, context)


def _report(node: Node, spec: NodeType, context: Context) -> None:
    notes = [spec.deprecated]
    fixes: tuple[Fix, ...] = ()
    match route(node, context.registry):
        case Move(to=to, changes=(), outward=(), summary=summary):
            notes.append(summary or f"`{node.type}@{to}` takes what stands here.")
            fixes = _upgrade(node, to)
        case Move(to=to, summary=summary):
            notes += [summary, f"`saltern upgrade` makes it one of `{node.type}@{to}`."]
        case Stuck(to=to, reasons=reasons):
            notes += [f"To make it one of `{node.type}@{to}`: {reason.what}" for reason in reasons]
        case Gap(of=of):
            notes.append(f"No step leads from `{node.type}@{of}` to `{node.type}@{of + 1}`.")
        case None:
            newest = context.registry.node(node.type, context.registry.versions(node.type)[-1])
            assert newest is not None, "the registry has what it lists"
            notes += apart(node, newest) if newest.version > node.version and not newest.deprecated else []
    message = f"`{node.id}` is of a deprecated version: `{spec.key}`"
    context.report(
        Diagnostic("deprecated-version", message, node.place("type"), notes=tuple(notes), fixes=fixes), node.id
    )


def _upgrade(node: Node, to: int) -> tuple[Fix, ...]:
    """Return the fix where only the version changes; a document that does not say one has no place for it here."""
    place = node.place("type")
    key = f"{node.type}@{to}"
    if place.pointer is None:
        edit = Edit(place, key)
    elif "version" in dict(node.origins):
        edit = Edit(node.place("version"), json.dumps(to))
    else:
        return ()
    return (Fix(f"Replace by `{key}`", (edit,)),)
