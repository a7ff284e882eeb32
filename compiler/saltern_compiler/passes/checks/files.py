"""Types of what comes from outside as JSON: there are no files in it."""

from __future__ import annotations

from typing import Final

from saltern_compiler.diagnostics.model import Diagnostic
from saltern_compiler.expr.kinds import holds
from saltern_compiler.ir.pipeline import Pipeline
from saltern_compiler.ir.values import TypeValue
from saltern_compiler.passes.analyses.shape import SHAPE
from saltern_compiler.passes.base import Check, Context
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import FILE

_NOTES: Final = (
    "Its values come as JSON, in which there are no bytes; a text or a URL in its place may lead to a file.",
    'Files come in with a request or a webhook, and out of `http.request { as: "file" }` or own code.',
)


@dataclass(frozen=True, slots=True)
class Files(Check):
    """`misplaced-file`."""

    name: str = "files"

    def check(self, pipeline: Pipeline, context: Context) -> None:
        """Report files in types of answers: of a model, a database, a person."""
        shape = context.get(SHAPE, pipeline)
        for node in context.each(self.name, shape.nodes.values(), shape.specs):
            spec = shape.spec(node.id)
            for param in () if spec is None or spec.region is not None else spec.params:
                value = node.param(param.name)
                if param.is_type and isinstance(value, TypeValue) and holds(value.type, FILE):
                    message = f"`{param.name}` of `{node.id}` has a file in its type, and gives none"
                    context.report(Diagnostic("misplaced-file", message, value.origin, notes=_NOTES))
