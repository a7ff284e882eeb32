"""What each expression may read, and what each parameter may take."""

from __future__ import annotations

from saltern_compiler.ir.pipeline import Pipeline
from saltern_compiler.passes.analyses.types import TYPES
from saltern_compiler.passes.base import Check, Context
from saltern_runtime.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Types(Check):
    """`unknown-name`, `may-be-skipped`, `type-mismatch`, all that expressions report, and what node types check themselves."""

    name: str = "types"

    def check(self, pipeline: Pipeline, context: Context) -> None:
        """Report what typing has found."""
        for diagnostic, node_id in context.get(TYPES, pipeline).findings:
            context.report(diagnostic, node_id)
