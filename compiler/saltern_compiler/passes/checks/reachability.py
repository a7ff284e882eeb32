"""Nodes that no run can reach."""

from __future__ import annotations

from saltern_compiler.diagnostics.model import Diagnostic, Related
from saltern_compiler.diagnostics.suggest import join
from saltern_compiler.ir.pipeline import Pipeline
from saltern_compiler.passes.analyses.conditions import FALSE
from saltern_compiler.passes.analyses.shape import SHAPE
from saltern_compiler.passes.analyses.types import TYPES
from saltern_compiler.passes.base import Check, Context
from saltern_runtime.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Reachability(Check):
    """`unreachable-node`: once for each cause, whatever hangs behind it."""

    name: str = "reachability"

    def check(self, pipeline: Pipeline, context: Context) -> None:
        """Report contradictions, and disabled nodes that others hang on."""
        shape = context.get(SHAPE, pipeline)
        runs = context.get(TYPES, pipeline).conditions.runs
        behind: dict[str, list[str]] = {}
        for node_id in shape.order:
            if runs.get(node_id) != FALSE:
                continue
            sources = sorted({edge.source for edge in shape.control[node_id]})
            disabled = [source for source in sources if shape.nodes[source].disabled and runs.get(source) != FALSE]
            if disabled:
                behind.setdefault(disabled[0], []).append(node_id)
            elif not any(runs.get(source) == FALSE for source in sources):
                edges = shape.control[node_id]
                wants = join((f"{edge.source}.{edge.handle}" for edge in edges), "and")
                notes: tuple[str, ...] = (
                    f"It hangs on {wants}, which no run takes together.",
                    "`any` lets one of them suffice.",
                )
                related = tuple(Related(edge.origin, f"`{edge.handle}` of `{edge.source}`") for edge in edges)
                place = shape.nodes[node_id].place("id")
                message = f"`{node_id}` can never run"
                context.report(Diagnostic("unreachable-node", message, place, notes=notes, related=related))
        for source, ids in behind.items():
            notes = (f"They hang on `{source}`, which is disabled. Disable them too, or hang them elsewhere.",)
            message = f"{join(ids)} can never run"
            place = shape.nodes[source].place("id")
            related = tuple(
                Related(shape.nodes[node_id].place("id"), f"`{node_id}` hangs on `{source}`") for node_id in ids[:10]
            )
            context.report(Diagnostic("unreachable-node", message, place, notes=notes, related=related))
