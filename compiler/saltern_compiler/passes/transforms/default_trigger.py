"""A pipeline without a trigger is started over the API."""

from __future__ import annotations

from dataclasses import replace

from saltern_compiler.ir.pipeline import Pipeline, Trigger
from saltern_compiler.passes.base import Context, Pass
from saltern_runtime.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class DefaultTrigger(Pass):
    """Write the trigger `api` where there is none, so that both ways of saying it have one digest."""

    name: str = "default_trigger"

    def apply(self, pipeline: Pipeline, context: Context) -> Pipeline:  # noqa: ARG002 - every pass takes the context
        """Return the pipeline with a trigger."""
        if pipeline.triggers:
            return pipeline
        return replace(pipeline, triggers=(Trigger("api", origin=pipeline.origin),))
