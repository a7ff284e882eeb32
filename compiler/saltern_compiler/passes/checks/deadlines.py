"""Waits one after the other that a run cannot outlast, whatever else is quick."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from saltern_compiler.diagnostics.model import Diagnostic, Related
from saltern_compiler.expr.ast import Call, Const
from saltern_compiler.frontend.durations import seconds, show_duration
from saltern_compiler.ir.attempts import is_race
from saltern_compiler.ir.pipeline import Node, Pipeline
from saltern_compiler.ir.values import Expression
from saltern_compiler.passes.analyses.shape import SHAPE, Shape
from saltern_compiler.passes.analyses.types import TYPES, Types
from saltern_compiler.passes.base import Check, Context
from saltern_runtime.spec import DURATION
from saltern_runtime.spec.limits import DEADLINE
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
        shape, types = context.get(SHAPE, pipeline), context.get(TYPES, pipeline)
        settings = dict(pipeline.settings)
        deadline = float(settings.get("deadline", DEADLINE))
        reserve = float(settings.get("reserve", 0.0)) if _compensates(pipeline) else 0.0
        for owner, flow in shape.flows.items():
            if owner and shape.nodes[owner].type == COMPENSATE:
                continue  # its time is what is reserved
            _check(flow, deadline, reserve, shape, types, context)


def _compensates(pipeline: Pipeline) -> bool:
    return any(node.type == COMPENSATE for node in pipeline.body.nodes)


def _check(  # noqa: PLR0917 - what a run has, and where to look
    flow: tuple[str, ...], deadline: float, reserve: float, shape: Shape, types: Types, context: Context
) -> None:
    lengths = {name: length for name in flow if (length := _length(shape.nodes[name], shape)) is not None}
    if not 0 < len(lengths) <= _MOST or (len(lengths) < 2 and not reserve):
        return
    for last in lengths:
        chain = _longest(last, lengths, shape, types)
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


def _longest(last: str, lengths: dict[str, float], shape: Shape, types: Types) -> list[str]:
    """Return the longest row of waits up to one of them, of which each runs for sure where the last one does; the last one last."""
    conditions = types.conditions
    sure = {
        name
        for name in lengths
        if conditions.implies(conditions.runs[last], conditions.runs[name]) and not shape.nodes[name].disabled
    }
    best: dict[str, tuple[float, tuple[str, ...]]] = {}
    waiting = [last]
    while waiting:
        name = waiting[-1]
        needs = _needs(shape.nodes[name], shape)
        open_ = [need for need in needs if need not in best]
        if open_:
            waiting += open_
            continue
        waiting.pop()
        total, row = max((best[need] for need in needs), key=lambda each: each[0], default=(0.0, ()))
        best[name] = (total + lengths[name], (*row, name)) if name in sure else (total, row)
    return list(best[last][1])


def _needs(node: Node, shape: Shape) -> tuple[str, ...]:
    """Return what a node surely comes after: of a race, or of edges of which one is enough, none."""
    if is_race(node):
        return ()
    early = {edge.source for edge in node.control} if node.join == "any" else set()
    return tuple(name for name in shape.before[node.id] if name not in early)


def _length(node: Node, shape: Shape) -> float | None:
    """Return how long a node waits at least, in seconds: what is written out."""
    spec = shape.spec(node.id)
    if spec is None or not spec.sleeps or node.disabled:
        return None
    for param in spec.params:
        match node.param(param.name):
            case Expression(expr=Call(function="duration", target=None, args=(Const(value=str(text)),))):
                return seconds(text) if param.type == DURATION else None
    return None
