"""What `@cache` stands before: a node that gives the same for the same, and does nothing else."""

from __future__ import annotations

from saltern_compiler.diagnostics.model import Diagnostic
from saltern_compiler.ir.pipeline import Pipeline
from saltern_compiler.passes.analyses.shape import SHAPE
from saltern_compiler.passes.analyses.types import TYPES
from saltern_compiler.passes.base import Check, Context
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import Effect


@dataclass(frozen=True, slots=True)
class Caching(Check):
    """`uncacheable-node`."""

    name: str = "caching"

    def check(self, pipeline: Pipeline, context: Context) -> None:
        """Report a cache on a node that acts, or whose value is made of a region or of time that passed."""
        shape, effects = context.get(SHAPE, pipeline), context.get(TYPES, pipeline).effects
        for node in pipeline.body.walk():
            spec = shape.spec(node.id)
            if node.policy.cache is None or spec is None:
                continue
            if spec.suspends:
                what = "a region" if spec.region is not None else "a run" if spec.calls else "a wait"
                message = f"`{node.id}` is {what}, which cannot be cached"
                note = "What it is there for happens in time: cache the nodes whose values cost something."
            elif effects.get(node.id) is Effect.EXTERNAL:
                message = f"`{node.id}` acts on something outside, so it cannot be cached"
                note = "A value that was kept would stand for a call that was not made. Nodes whose effect is pure, read or idempotent may be cached."
            else:
                continue
            context.report(Diagnostic("uncacheable-node", message, node.place("policy:cache"), notes=(note,)))
