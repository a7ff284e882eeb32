"""Nodes that wait for each other."""

from __future__ import annotations

from saltern_compiler.diagnostics.model import Diagnostic, Related
from saltern_compiler.ir.pipeline import Pipeline
from saltern_compiler.passes.analyses.shape import SHAPE, cycles
from saltern_compiler.passes.base import Check, Context
from saltern_runtime.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Cycle(Check):
    """`cycle`."""

    name: str = "cycle"

    def check(self, pipeline: Pipeline, context: Context) -> None:
        """Report one path for each knot."""
        shape = context.get(SHAPE, pipeline)
        for ids in cycles(shape):
            shown = ids if len(ids) <= 12 else (*ids[:6], "…", *ids[-5:])
            message = f"{' → '.join(shown)} → {ids[0]} runs in circles"
            related = tuple(
                Related(shape.nodes[waiting].place("id"), f"`{waiting}` waits for `{feeds}`")
                for feeds, waiting in zip((ids[-1], *ids[:-1]), ids, strict=True)
            )
            notes = (
                "Each of these waits for the one before it, so none can run. A loop over items is written with `foreach`.",
            )
            place = shape.nodes[ids[0]].place("id")
            context.report(Diagnostic("cycle", message, place, notes=notes, related=related[:20]))
