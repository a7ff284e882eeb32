"""What stands there for nothing. Waits until there are no errors: a misspelt name would leave two traces."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import chain

from saltern_compiler.diagnostics.model import Diagnostic, Edit, Fix, Origin
from saltern_compiler.ir.attempts import WHOLES
from saltern_compiler.ir.pipeline import RESULT_TYPES, Node, Pipeline, called_by
from saltern_compiler.ir.values import SecretRef
from saltern_compiler.passes.analyses.shape import SHAPE, all_settings
from saltern_compiler.passes.analyses.types import TYPES
from saltern_compiler.passes.base import Check, Context
from saltern_compiler.passes.uses import connections_of
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import Effect, Emit


@dataclass(frozen=True, slots=True)
class Unused(Check):
    """`unused-node`, `unused-connection`, `unused-secret`, `unused-use`: warnings."""

    name: str = "unused"

    def check(self, pipeline: Pipeline, context: Context) -> None:
        """Warn of nodes, connections, secrets and uses that nothing needs."""
        if context.has_errors or context.incomplete:
            return
        found = (_nodes(pipeline, context), _connections(pipeline, context), _secrets(pipeline), _uses(pipeline))
        for warning in chain(*found):
            context.report(warning)


def _nodes(pipeline: Pipeline, context: Context) -> Iterator[Diagnostic]:
    shape = context.get(SHAPE, pipeline)
    effects = context.get(TYPES, pipeline).effects
    needed = {name for names in shape.before.values() for name in names}
    enabled = [node for node in shape.nodes.values() if not node.disabled]
    hanging = Counter((edge.source, edge.handle) for node in enabled for edge in node.control)
    for node in shape.nodes.values():
        if node.id in needed or node.type in RESULT_TYPES or node.disabled or not _is_pure(node, effects):
            continue
        spec = shape.spec(node.id)
        tells = spec is not None and spec.emit is Emit.ERROR
        if tells and all(hanging[edge.source, edge.handle] == 1 for edge in node.control):
            continue  # that it hangs there is what catches the failure
        note, fixes = "It has no effect but its value: read it, or take it out.", _unnamed(node) if tells else ()
        yield _warning("unused-node", f"nothing uses `{node.id}`", node.place("id"), note, fixes)


def _unnamed(node: Node) -> tuple[Fix, ...]:
    """Offer to leave out the name of a failure, where the notation has it beside what catches."""
    name = dict(node.origins).get("name")
    return () if name is None else (Fix(f"Leave the name `{node.id}` out", (Edit(name, ""),)),)


def _warning(code: str, message: str, origin: Origin, note: str, fixes: tuple[Fix, ...] = ()) -> Diagnostic:
    return Diagnostic(code, message, origin, notes=(note,), fixes=fixes)


def _is_pure(node: Node, effects: Mapping[str, Effect]) -> bool:
    """Whether a node does nothing but give a value; a region, where that holds for all of its body."""
    if node.type in WHOLES:
        return False  # its parts do what it is there for
    if node.body is None:
        return effects.get(node.id) is Effect.PURE
    return all(_is_pure(inner, effects) for inner in node.body.nodes)


def _connections(pipeline: Pipeline, context: Context) -> Iterator[Diagnostic]:
    used = connections_of(pipeline, context.uses)
    for connection in pipeline.connections:
        if connection.name not in used:
            note = "Its secrets would be asked of whoever runs the service: take it out."
            message = f"no node uses the connection `{connection.name}`"
            yield _warning("unused-connection", message, connection.origin, note)


def _uses(pipeline: Pipeline) -> Iterator[Diagnostic]:
    used = {called_by(node) for node in pipeline.body.walk()}
    for use in pipeline.uses:
        if use.name not in used:
            note = f"Write `call {use.name} {{ … }}` or `start {use.name} {{ … }}`, or take it out."
            yield _warning("unused-use", f"nothing calls or starts `{use.name}`", use.origin, note)


def _secrets(pipeline: Pipeline) -> Iterator[Diagnostic]:
    used = {value.name for value in all_settings(pipeline) if isinstance(value, SecretRef)}
    for secret in pipeline.secrets:
        if secret.name not in used:
            note = "Name it in a connection or a trigger, or take it out."
            yield _warning("unused-secret", f"nothing uses the secret `{secret.name}`", secret.origin, note)
