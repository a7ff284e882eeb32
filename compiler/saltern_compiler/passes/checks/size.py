"""How many nodes a pipeline may have."""

from __future__ import annotations

from saltern_compiler.diagnostics.model import Diagnostic
from saltern_compiler.ir.pipeline import Pipeline
from saltern_compiler.passes.base import Check, Context
from saltern_runtime.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Size(Check):
    """`too-many-nodes`."""

    name: str = "size"
    limit: int = 10_000

    def check(self, pipeline: Pipeline, context: Context) -> None:
        """Report a pipeline that no run could keep in its store."""
        count = sum(1 for _ in pipeline.body.walk())
        if count <= self.limit:
            return
        notes = (f"A pipeline has at most {self.limit} nodes: the state of a run holds a record for each.",)
        message = f"the pipeline has {count} nodes, {count - self.limit} too many"
        context.report(Diagnostic("too-many-nodes", message, pipeline.place("name"), notes=notes))
