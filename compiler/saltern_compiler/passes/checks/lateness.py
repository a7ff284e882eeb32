"""What comes later than somebody waits for it: answers to webhooks, and the end of a run against its deadline."""

from __future__ import annotations

from collections.abc import Iterator

from saltern_compiler.diagnostics.model import Diagnostic, Related
from saltern_compiler.frontend.durations import show_duration
from saltern_compiler.ir.amounts import Amount, number
from saltern_compiler.ir.costs import show_time
from saltern_compiler.ir.pipeline import Pipeline, Trigger
from saltern_compiler.ir.values import Literal
from saltern_compiler.passes.analyses.assumptions import assumed
from saltern_compiler.passes.analyses.costs import COSTS
from saltern_compiler.passes.analyses.shape import SHAPE
from saltern_compiler.passes.analyses.waits import WAITS
from saltern_compiler.passes.base import Check, Context
from saltern_runtime.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Lateness(Check):
    """`late-respond`: a warning; `under-worst-case`: one in strict mode."""

    name: str = "lateness"

    def check(self, pipeline: Pipeline, context: Context) -> None:
        """Warn of answers that surely come too late, and of lengths of time that the worst case does not fit in."""
        if context.has_errors or context.incomplete:
            return
        waiting = tuple(_waiting(pipeline))
        if waiting:
            _check_surely(waiting, pipeline, context)
        deadline = dict(pipeline.settings).get("deadline")
        if not waiting and not isinstance(deadline, int | float):
            return
        cost = assumed(context.get(COSTS, pipeline), pipeline)
        notes = (
            "Allow more, or make it need less: fewer attempts, shorter time-outs. `saltern bounds` says where it comes from.",
        )
        for trigger, seconds in waiting:
            if cost.answered.least > seconds:
                message = f"an answer may take {_shown(cost.answered)}, and `respond` waits {show_duration(seconds)}"
                context.report(Diagnostic("under-worst-case", message, trigger.origin, notes=notes))
        if isinstance(deadline, int | float) and cost.worst.least > deadline:
            message = f"a run may take {_shown(cost.worst)}, and ends after {show_duration(float(deadline))}"
            context.report(Diagnostic("under-worst-case", message, pipeline.place("settings"), notes=notes))


def _waiting(pipeline: Pipeline) -> Iterator[tuple[Trigger, float]]:
    """Yield each trigger whose request waits for its run, with the seconds that it does."""
    for trigger in pipeline.triggers:
        given = trigger.setting("respond")
        if isinstance(given, Literal) and isinstance(given.value, int | float):
            yield trigger, float(given.value)


def _check_surely(waiting: tuple[tuple[Trigger, float], ...], pipeline: Pipeline, context: Context) -> None:
    """Warn of what comes later than any request waits for it, however quick all else is."""
    waits, shape = context.get(WAITS, pipeline), context.get(SHAPE, pipeline)
    if not waits.lengths:
        return
    trigger, most = max(waiting, key=lambda each: each[1])
    answers = [name for name in shape.flows[""] if shape.specs[name].responds and not shape.nodes[name].disabled]
    related = (Related(trigger.origin, f"it waits {show_duration(most)}"),)
    notes = ("Respond before what takes long, or let the request wait longer: `respond: …`, at most 1m.",)
    for name in answers:
        total = float(sum(waits.lengths[each] for each in waits.row(name, waits.lengths)))
        if total >= most:
            message = f"`{name}` responds after {show_duration(total)}, when no request waits any more"
            at = shape.nodes[name].place("type")
            context.report(Diagnostic("late-respond", message, at, notes=notes, related=related))
    if not answers and waits.best >= most:
        message = f"a run takes {show_time(number(waits.best))}, and a request waits {show_duration(most)} for what it returns"
        context.report(Diagnostic("late-respond", message, trigger.origin, notes=notes))


def _shown(amount: Amount) -> str:
    """Write a length of time, without what hangs on unknown sizes."""
    return show_time(number(amount.least))
