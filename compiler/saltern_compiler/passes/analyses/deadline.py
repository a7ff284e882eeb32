"""When a run is over at the latest: as the pipeline says, else as long as its worst case needs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Final

from saltern_compiler.frontend.durations import show_duration
from saltern_compiler.ir.amounts import Amount
from saltern_compiler.ir.pipeline import Pipeline
from saltern_compiler.passes.analyses.assumptions import assumed
from saltern_compiler.passes.analyses.costs import COSTS
from saltern_compiler.passes.base import Analysis, Context
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import Json
from saltern_runtime.spec.limits import DEADLINE

SPARE: Final = 1800.0
"""Seconds beyond the worst case, for what stands in queues or waits for a turn."""
LONGEST: Final = 30 * 86_400.0
"""Seconds that a run may last at all."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """Seconds from the start of a run to its end, at the latest, and why."""

    seconds: float
    because: str


def deadline_of(pipeline: Pipeline, context: Context) -> Deadline:
    """Decide; where a pipeline has errors, nothing is made of its worst case."""
    given: Mapping[str, Json] = dict(pipeline.settings)
    if isinstance(given.get("deadline"), int | float):
        return Deadline(float(given["deadline"]), "set by the pipeline")
    if context.has_errors or context.incomplete:
        return Deadline(DEADLINE, "Saltern's default")
    worst = assumed(context.get(COSTS, pipeline), pipeline).worst
    reserve = given.get("reserve", 0.0)
    needed = float(worst.least) + SPARE + (float(reserve) if isinstance(reserve, int | float) else 0.0)
    case = f"worst case of {_length(worst.least)}{_beside(worst)}"
    spare = show_duration(SPARE)
    if needed <= DEADLINE:
        return Deadline(DEADLINE, f"Saltern's default, in which the {case} and {spare} for queues fit")
    rounded = 60.0 * math.ceil(needed / 60)
    if rounded > LONGEST:
        return Deadline(LONGEST, f"the {case} is longer than a run may last")
    return Deadline(rounded, f"the {case}, and {spare} for queues")


def _beside(worst: Amount) -> str:
    names = [str(symbol) for symbol in worst.symbols()]
    if not names:
        return ""
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f" (without what hangs on {names[0]}{more})"


def _length(value: Fraction) -> str:
    """Write seconds, rounded up to whole ones."""
    return show_duration(float(math.ceil(value)))


DEADLINES: Final = Analysis("deadline", deadline_of)
