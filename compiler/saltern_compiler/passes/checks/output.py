"""The declared output and the node that gives it."""

from __future__ import annotations

from saltern_compiler.diagnostics.model import Diagnostic
from saltern_compiler.ir.pipeline import RETURN, STOP, Pipeline
from saltern_compiler.ir.values import Literal
from saltern_compiler.passes.analyses.conditions import FALSE, TRUE
from saltern_compiler.passes.analyses.types import TYPES
from saltern_compiler.passes.base import Check, Context
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import show


@dataclass(frozen=True, slots=True)
class Output(Check):
    """`output-never-produced` (as a whole; single fields are found with the types), `output-may-be-skipped`."""

    name: str = "output"

    def check(self, pipeline: Pipeline, context: Context) -> None:
        """Report a declared output that no node returns, or not always."""
        if pipeline.output is None or not any(field.required for field in pipeline.output.fields):
            return
        place = pipeline.place("output")
        node = next((node for node in pipeline.body.nodes if node.type == RETURN), None)
        _check_stops(pipeline, context)
        declared = f"The pipeline declares the output {show(pipeline.output)}."
        if node is None or node.disabled:
            reason = "no node returns it" if node is None else "the return node is disabled"
            message = f"the output is never produced: {reason}"
            context.report(Diagnostic("output-never-produced", message, place, notes=(declared,)))
            return
        value = context.get(TYPES, pipeline).conditions.has_value.get(node.id, TRUE)
        if value in (TRUE, FALSE):
            return
        notes = (declared, "Return once, after the branches, and `merge` what they give.")
        message = "the output may be skipped: `return` does not always run"
        context.report(Diagnostic("output-may-be-skipped", message, node.place("type"), notes=notes))


def _check_stops(pipeline: Pipeline, context: Context) -> None:
    """Report each `stop` with which a run succeeds without its declared output."""
    assert pipeline.output is not None, "asked where one is declared"
    for node in pipeline.body.walk():
        state = node.param("state")
        is_success = isinstance(state, Literal) and state.value == "succeeded"
        if node.type == STOP and is_success and node.param("output") is None:
            message = f"`{node.id}` ends the run without its output"
            notes = (f"The pipeline declares the output {show(pipeline.output)}: `output: {{ … }}`.",)
            context.report(Diagnostic("output-never-produced", message, node.place("params"), notes=notes), node.id)
