"""What regions bind and give, and where results may stand."""

from __future__ import annotations

from typing import Final

from saltern_compiler.diagnostics.model import Diagnostic, Related
from saltern_compiler.ir.graph import own_reads
from saltern_compiler.ir.pipeline import CHECK, NEXT, RETURN, YIELD, Node, Pipeline, Region
from saltern_compiler.passes.analyses.shape import SHAPE
from saltern_compiler.passes.base import Check, Context
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import Carries, NodeType, RegionSpec

_RESULTS: Final = {
    YIELD: "`yield` gives the result of one item: it stands in the body of a `foreach`.",
    NEXT: "`next` gives the state for the next round: it stands in the body of a `while`.",
    CHECK: "What a `while` asks before each round is its parameter `condition`.",
}


@dataclass(frozen=True, slots=True)
class Regions(Check):
    """`region-without-yield`, `misplaced-result`, `misplaced-body`, `duplicate-id` (of yields), `missing-parameter` (`as`)."""

    name: str = "regions"

    def check(self, pipeline: Pipeline, context: Context) -> None:
        """Report bodies that give nothing, or more than one thing, and results and bodies that are nobody's."""
        shape = context.get(SHAPE, pipeline)
        _check_results(pipeline.body, None, None, context)
        for node in shape.nodes.values():
            spec = shape.spec(node.id)
            if spec is None:
                continue
            if spec.region is not None:
                _check_region(node, node.body or Region(), spec.region, context)
            elif node.body is not None:
                _misplaced_body(node, spec, context)


def _check_results(region: Region, owner: Node | None, spec: RegionSpec | None, context: Context) -> None:
    given = _given(spec) if owner is not None else ()
    for node in region.nodes:
        if node.type == RETURN and owner is not None:
            notes: tuple[str, ...] = (
                f"`return` gives the output of the pipeline, once. What `{owner.id}` gives for an item is its `yield`.",
            )
            message = f"`return` stands inside of `{owner.id}`"
            context.report(Diagnostic("misplaced-result", message, node.place("type"), notes=notes), node.id)
        elif node.type in _RESULTS and node.type not in given:
            where = "outside of any loop" if owner is None else f"inside of `{owner.id}`, which is a `{owner.type}`"
            message = f"`{node.type}` stands {where}"
            notes = (_RESULTS[node.type],)
            context.report(Diagnostic("misplaced-result", message, node.place("type"), notes=notes), node.id)
        if node.body is not None:
            found = context.registry.node(node.type, node.version)
            _check_results(node.body, node, found.region if found is not None else None, context)


def _given(spec: RegionSpec | None) -> tuple[str, ...]:
    """Return the types of the nodes that a body gives something with, what it gives first; of an unknown region, all of them."""
    if spec is None:
        return tuple(_RESULTS)
    if not spec.yields:
        return ()
    return (YIELD,) if spec.carries is None else (NEXT, CHECK)


def _misplaced_body(node: Node, spec: NodeType, context: Context) -> None:
    notes = ("Only regions own a body, such as `foreach`. Put the nodes beside this one.",)
    message = f"`{spec.name}` owns no body"
    context.report(Diagnostic("misplaced-body", message, node.place("type"), notes=notes), node.id)


def _check_region(node: Node, body: Region, spec: RegionSpec, context: Context) -> None:
    _check_names(node, body, spec, context)
    if not spec.yields:
        return
    word = _given(spec)[0]
    results = [inner for inner in body.nodes if inner.type == word]
    if all(inner.disabled for inner in results):
        reason = f"its `{word}` is disabled" if results else f"it has no `{word}`"
        notes: tuple[str, ...] = (spec.doc, *(("`yield null` will do.",) if word == YIELD else ()))
        message = f"the body of `{node.id}` gives nothing: {reason}"
        context.report(Diagnostic("region-without-yield", message, node.place("type"), notes=notes), node.id)
    for extra in results[1:]:
        related = (Related(results[0].place("id"), "the first one stands here"),)
        notes = (f"Say `{word}` once, after the branches, and `merge` what they give.",)
        message = f"the body of `{node.id}` has a second `{word}`"
        context.report(Diagnostic("duplicate-id", message, extra.place("type"), notes=notes, related=related))
    if spec.carries is not None:
        _check_condition(node, body, spec.carries, context)


def _check_condition(node: Node, body: Region, spec: Carries, context: Context) -> None:
    """Hold what a loop asks before each round against what is known then."""
    asked = next((inner for inner in body.nodes if inner.type == CHECK), None)
    if asked is None:
        message = f"`{node.id}` lacks the parameter `{spec.condition.name}`"
        notes: tuple[str, ...] = (spec.condition.doc,)
        context.report(Diagnostic("missing-parameter", message, node.place("params"), notes=notes), node.id)
        return
    inside = {inner.id for inner in body.nodes}
    for read in own_reads(asked):
        if read.name in inside:
            message = f"the condition of `{node.id}` reads `{read.name}`, which stands inside of the loop"
            notes = ("It is asked before each round: it knows the state, and what stands around the loop.",)
            context.report(Diagnostic("unknown-name", message, read.place, notes=notes), node.id)


def _check_names(node: Node, body: Region, spec: RegionSpec, context: Context) -> None:
    """Hold the names that an author gives against what the region binds: one, or none."""
    if spec.binds is None:
        for name in body.variables:
            message = f"`{node.id}` binds no name, so `{name}` has no value"
            notes = (f"The body of `{node.type}` sees what stands around it, and nothing of its round.",)
            context.report(Diagnostic("unknown-parameter", message, node.place("params"), notes=notes), node.id)
        return
    if not body.variables and spec.binds.required:
        notes = (f"`{spec.binds.param}` is {spec.binds.doc}.",)
        message = f"`{node.id}` lacks the parameter `{spec.binds.param}`"
        context.report(Diagnostic("missing-parameter", message, node.place("params"), notes=notes), node.id)
    if len(body.variables) > 1:
        message = f"`{node.id}` binds one name, not {len(body.variables)}"
        notes = (f"It is {spec.binds.doc}.",)
        context.report(Diagnostic("unknown-parameter", message, node.place("params"), notes=notes), node.id)
