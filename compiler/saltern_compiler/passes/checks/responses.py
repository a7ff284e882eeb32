"""Answers to the request that started a run: one on any way through, where a request waits for it."""

from __future__ import annotations

from saltern_compiler.diagnostics.model import Diagnostic, Related
from saltern_compiler.ir.pipeline import Node, Pipeline
from saltern_compiler.passes.analyses.conditions import TRUE
from saltern_compiler.passes.analyses.shape import SHAPE
from saltern_compiler.passes.analyses.types import TYPES
from saltern_compiler.passes.base import Check, Context
from saltern_runtime.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Responses(Check):
    """`misplaced-respond`, `second-respond`, `unheard-respond` (a warning)."""

    name: str = "responses"

    def check(self, pipeline: Pipeline, context: Context) -> None:
        """Report answers that could be given twice, and those that nobody hears."""
        shape = context.get(SHAPE, pipeline)
        found = [shape.nodes[node_id] for node_id, spec in shape.specs.items() if spec.responds]
        found = sorted((node for node in found if not node.disabled), key=lambda node: context.written(node.origin))
        outer: list[Node] = []
        for node in found:
            owner = shape.owner.get(node.id)
            if owner is None:
                outer.append(node)
                continue
            notes = ("A request is answered once: put it beside the region, and let the region give what it says.",)
            message = f"`{node.id}` responds inside of `{owner.partition('/')[0]}`"
            context.report(Diagnostic("misplaced-respond", message, node.place("type"), notes=notes), node.id)
        _check_twice(outer, pipeline, context)
        waits = any(trigger.setting("respond") is not None for trigger in pipeline.triggers)
        if found and not waits and not context.incomplete:
            notes = ('Say how long a webhook waits for it: `on webhook "/orders" { respond: 10s }`.',)
            message = f"no request waits for what `{found[0].id}` responds"
            context.report(Diagnostic("unheard-respond", message, found[0].place("type"), notes=notes))


def _check_twice(found: list[Node], pipeline: Pipeline, context: Context) -> None:
    conditions = context.get(TYPES, pipeline).conditions
    for place, node in enumerate(found):
        for other in found[:place]:
            runs = (conditions.runs.get(each.id, TRUE) for each in (other, node))
            if not conditions.excludes(*runs):
                related = (Related(other.place("type"), "it may have been answered here"),)
                notes = ("A request is answered once: put each into a branch of its own.",)
                message = f"`{node.id}` may respond a second time"
                context.report(
                    Diagnostic("second-respond", message, node.place("type"), notes=notes, related=related), node.id
                )
                break
