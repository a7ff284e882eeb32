"""Labelled values on their way to where they may not go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from saltern_compiler.diagnostics.model import Diagnostic, Related
from saltern_compiler.ir.pipeline import Pipeline
from saltern_compiler.passes.analyses.flow import FLOW, Arrival, Declassified
from saltern_compiler.passes.analyses.labels import Way
from saltern_compiler.passes.analyses.sinks import WHAT
from saltern_compiler.passes.base import Check, Context
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import Label

_CODES: Final[Mapping[Label, str]] = {"personal": "personal-leak", "secret": "secret-leak"}
_SAID: Final = 12
"""Other sources that a finding names, at most."""
_LONG: Final = 40
"""Steps of a way that a finding shows, at most: its first and last ones."""


@dataclass(frozen=True, slots=True)
class Flow(Check):
    """`personal-leak`, `secret-leak`, `unused-declassify`."""

    name: str = "flow"

    def check(self, pipeline: Pipeline, context: Context) -> None:
        """Report each parameter through which something leaves that may not, with the way that it came; and vain declassifications."""
        flow, had_errors = context.get(FLOW, pipeline), context.incomplete or context.has_errors
        for arrival in flow.arrivals:
            if arrival.is_refused:
                context.report(_leak(arrival))
        for each in flow.declassified:
            if not (each.ways or had_errors or each.is_annotated):
                context.report(_vain(each))


def _leak(of: Arrival) -> Diagnostic:
    first, *others = of.ways
    what = WHAT[of.label]
    subject = first.steps[-1].text if first.steps else f"`{of.param}` of `{of.node}`"
    message = f"{subject} {of.sink.offence.format(what)}"
    notes = [f"The way: {_way(first)}."]
    if others:
        named = ", ".join(f"`{way.source.name}`" for way in others[:_SAID])
        more = f" and {len(others) - _SAID} more" if len(others) > _SAID else ""
        notes.append(f"So does what comes from {named}{more}.")
    if of.sink.remedy:
        notes.append(of.sink.remedy.replace("{}", of.label))
    notes.append('Where it is none any more: `declassify(…, "why")`.')
    return Diagnostic(_CODES[of.label], message, of.origin, tuple(notes), _steps(first), is_way=True)


def _way(way: Way) -> str:
    texts = [f"`{way.source.name}`", *(step.text for step in way.steps)]
    if len(texts) > _LONG:
        texts[_LONG // 2 : -_LONG // 2] = [f"… {len(texts) - _LONG:,} steps …"]
    return " → ".join(texts)


def _steps(way: Way) -> tuple[Related, ...]:
    """Return the places of a way, the last one, where the finding stands, left out."""
    source = Related(way.source.origin, f"`{way.source.name}` is {way.source.label}")
    steps = [Related(step.origin, f"it goes into {step.text}") for step in way.steps[:-1]]
    if len(steps) > _LONG:
        del steps[_LONG // 2 : -_LONG // 2]
    return (source, *steps)


def _vain(of: Declassified) -> Diagnostic:
    notes = (
        "Nothing in it is `@personal` or `@secret`, nor given by a connection as that.",
        "Leave it out, or mark what it is about where that comes in.",
    )
    message = f"`declassify` in `{of.param}` of `{of.node}` takes nothing away"
    return Diagnostic("unused-declassify", message, of.origin, notes)
