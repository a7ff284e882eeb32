"""A pipeline as if its disabled nodes had been skipped, written out: no reference to them is left."""

from __future__ import annotations

from saltern_compiler.ir.pipeline import Pipeline
from saltern_compiler.passes.base import Context, Pass
from saltern_compiler.passes.skipped import without
from saltern_runtime.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class WithoutDisabled(Pass):
    """Take disabled nodes out. The checks have made sure that all reads of them are guarded."""

    name: str = "without_disabled"

    def apply(self, pipeline: Pipeline, context: Context) -> Pipeline:
        """Return the pipeline without them."""
        return without(pipeline, {node.id for node in pipeline.body.walk() if node.disabled}, context.registry)
