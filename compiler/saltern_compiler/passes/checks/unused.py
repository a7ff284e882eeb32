"""What stands there for nothing. Waits until there are no errors: a misspelt name would leave two traces."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

from saltern_compiler.diagnostics.model import Diagnostic, Origin
from saltern_compiler.ir.attempts import WHOLES
from saltern_compiler.ir.pipeline import RESULT_TYPES, Node, Pipeline, called_by
from saltern_compiler.ir.values import SecretRef
from saltern_compiler.passes.analyses.shape import SHAPE, all_settings
from saltern_compiler.passes.analyses.types import TYPES
from saltern_compiler.passes.base import Check, Context
from saltern_compiler.passes.uses import connections_of
from saltern_runtime.spec import Effect


@dataclass(frozen=True, slots=True)
class Unused(Check):
    """`unused-node`, `unused-connection`, `unused-secret`, `unused-use`: warnings."""

    name: str = "unused"

    def check(self, pipeline: Pipeline, context: Context) -> None:
        """Warn of nodes, connections, secrets and uses that nothing needs."""
        if context.has_errors or context.incomplete:
            return
        found = (_nodes(pipeline, context), _connections(pipeline, context), _secrets(pipeline), _uses(pipeline))
        for code, message, origin, note in chain(*found):
            context.report(Diagnostic(code, message, origin, notes=(note,)))


def _nodes(pipeline: Pipeline, context: Context) -> Iterator[tuple[str, str, Origin, str]]:
    shape = context.get(SHAPE, pipeline)
    effects = context.get(TYPES, pipeline).effects
    needed = {name for names in shape.before.values() for name in names}
    for node in shape.nodes.values():
        if node.id in needed or node.type in RESULT_TYPES or node.disabled or not _is_pure(node, effects):
            continue
        note = "It has no effect but its value: read it, or take it out."
        yield "unused-node", f"nothing uses `{node.id}`", node.place("id"), note


def _is_pure(node: Node, effects: Mapping[str, Effect]) -> bool:
    """Whether a node does nothing but give a value; a region, where that holds for all of its body."""
    if node.type in WHOLES:
        return False  # its parts do what it is there for
    if node.body is None:
        return effects.get(node.id) is Effect.PURE
    return all(_is_pure(inner, effects) for inner in node.body.nodes)


def _connections(pipeline: Pipeline, context: Context) -> Iterator[tuple[str, str, Origin, str]]:
    used = connections_of(pipeline, context.uses)
    for connection in pipeline.connections:
        if connection.name not in used:
            note = "Its secrets would be asked of whoever runs the service: take it out."
            yield "unused-connection", f"no node uses the connection `{connection.name}`", connection.origin, note


def _uses(pipeline: Pipeline) -> Iterator[tuple[str, str, Origin, str]]:
    used = {called_by(node) for node in pipeline.body.walk()}
    for use in pipeline.uses:
        if use.name not in used:
            yield (
                "unused-use",
                f"nothing calls or starts `{use.name}`",
                use.origin,
                f"Write `call {use.name} {{ … }}` or `start {use.name} {{ … }}`, or take it out.",
            )


def _secrets(pipeline: Pipeline) -> Iterator[tuple[str, str, Origin, str]]:
    used = {value.name for value in all_settings(pipeline) if isinstance(value, SecretRef)}
    for secret in pipeline.secrets:
        if secret.name not in used:
            note = "Name it in a connection or a trigger, or take it out."
            yield "unused-secret", f"nothing uses the secret `{secret.name}`", secret.origin, note
