"""Calls that are made again although nobody can tell whether the first one acted, and whose other side cannot tell either."""

from __future__ import annotations

from saltern_compiler.diagnostics.model import Diagnostic
from saltern_compiler.ir.pipeline import Pipeline
from saltern_compiler.passes.analyses.shape import SHAPE
from saltern_compiler.passes.base import Check, Context
from saltern_compiler.passes.layers import decide, layers
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import Retry


@dataclass(frozen=True, slots=True)
class Repeats(Check):
    """`retry-without-key`: in strict mode alone."""

    name: str = "repeats"

    def check(self, pipeline: Pipeline, context: Context) -> None:
        """Warn of retries of what acts twice when it is called twice, where nobody has said that this is meant."""
        shape = context.get(SHAPE, pipeline)
        for node in shape.nodes.values():
            spec = shape.spec(node.id)
            if spec is None or not spec.repeats or node.disabled:
                continue
            connection = shape.connections.get(node.connection or "")
            connector = context.registry.connector(connection.connector) if connection is not None else None
            stack = list(layers(node, spec, connection, connector, pipeline))
            retry, _ = decide(stack, "retry")
            ambiguous, why = decide(stack, "on_ambiguous")
            if not isinstance(retry, Retry) or retry.attempts < 2 or ambiguous != "retry" or why.startswith("@"):
                continue
            place = dict(node.origins).get("policy:retry", node.place("id"))
            message = f"`{node.id}` may act twice: its call carries no idempotency key"
            notes = (
                f"Where nobody can tell whether a call has acted, such as after a time-out, up to {retry.attempts} are made.",
                "Say what is meant then: `@on_ambiguous(fail)`, or `@on_ambiguous(retry)` where twice does no harm.",
            )
            context.report(Diagnostic("retry-without-key", message, place, notes=notes))
