"""Waits one after the other that a run cannot outlast, whatever else is quick."""

from __future__ import annotations

from typing import Final

from saltern_compiler.diagnostics.model import Diagnostic, Related
from saltern_compiler.frontend.durations import show_duration
from saltern_compiler.ir.pipeline import Pipeline
from saltern_compiler.passes.analyses.deadline import DEADLINES
from saltern_compiler.passes.analyses.shape import SHAPE
from saltern_compiler.passes.analyses.waits import WAITS, Waits
from saltern_compiler.passes.base import Check, Context
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec.names import COMPENSATE

_MOST: Final = 200
"""Waits of one region that are looked at: whoever has more of them has other troubles."""


@dataclass(frozen=True, slots=True)
class Deadlines(Check):
    """`deadline-too-short`: a warning."""

    name: str = "deadlines"

    def check(self, pipeline: Pipeline, context: Context) -> None:
        """Warn of waits that come one after the other and are together longer than a run may last."""
        if context.has_errors or context.incomplete:
            return
        waits, shape = context.get(WAITS, pipeline), context.get(SHAPE, pipeline)
        if not waits.lengths:
            return
        settings = dict(pipeline.settings)
        deadline = context.get(DEADLINES, pipeline).seconds
        reserve = float(settings.get("reserve", 0.0)) if _compensates(pipeline) else 0.0
        for owner, flow in shape.flows.items():
            if owner and shape.nodes[owner].type == COMPENSATE:
                continue  # its time is what is reserved
            _check(flow, deadline, reserve, waits, context)


def _compensates(pipeline: Pipeline) -> bool:
    return any(node.type == COMPENSATE for node in pipeline.body.nodes)


def _check(flow: tuple[str, ...], deadline: float, reserve: float, waits: Waits, context: Context) -> None:
    shape = waits.shape
    lengths = {name: float(waits.lengths[name]) for name in flow if name in waits.lengths}
    if not 0 < len(lengths) <= _MOST or (len(lengths) < 2 and not reserve):
        return
    for last in lengths:
        chain = waits.row(last, waits.lengths)
        total = sum(lengths[name] for name in chain)
        if total < deadline - reserve or any(lengths[name] >= deadline for name in chain):
            continue
        has = show_duration(deadline)
        kept = f", {show_duration(reserve)} of them reserved" if reserve else ""
        message = f"a run waits {show_duration(total)} until `{last}` is over, and ends after {has}{kept}"
        related = tuple(
            Related(shape.nodes[name].origin, f"it waits {show_duration(lengths[name])} here") for name in chain[:-1]
        )
        notes = ("Let runs last longer: `settings { deadline: … }`, at most 30 days.",)
        place = shape.nodes[last].origin
        context.report(Diagnostic("deadline-too-short", message, place, notes=notes, related=related))
        return
