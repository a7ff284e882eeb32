"""What regions bind and give, and where results may stand."""

from __future__ import annotations

from dataclasses import dataclass

from saltern_compiler.diagnostics.model import Diagnostic, Related
from saltern_compiler.ir.pipeline import RETURN, YIELD, Node, Pipeline, Region
from saltern_compiler.passes.analyses.shape import SHAPE
from saltern_compiler.passes.base import Check, Context
from saltern_runtime.spec import NodeType, RegionSpec


@dataclass(frozen=True, slots=True)
class Regions(Check):
    """`region-without-yield`, `misplaced-result`, `misplaced-body`, `duplicate-id` (of yields), `missing-parameter` (`as`)."""

    name: str = "regions"

    def check(self, pipeline: Pipeline, context: Context) -> None:
        """Report bodies that give nothing, or more than one thing, and results and bodies that are nobody's."""
        shape = context.get(SHAPE, pipeline)
        _check_results(pipeline.body, None, context)
        for node in shape.nodes.values():
            spec = shape.spec(node.id)
            if spec is None:
                continue
            if spec.region is not None:
                _check_region(node, node.body or Region(), spec.region, context)
            elif node.body is not None:
                _misplaced_body(node, spec, context)


def _check_results(region: Region, owner: Node | None, context: Context) -> None:
    for node in region.nodes:
        if node.type == YIELD and owner is None:
            notes: tuple[str, ...] = ("`yield` gives the result of one item: it stands in the body of a `foreach`.",)
            message = "`yield` stands outside of any loop"
            context.report(Diagnostic("misplaced-result", message, node.place("type"), notes=notes), node.id)
        elif node.type == RETURN and owner is not None:
            notes = (
                f"`return` gives the output of the pipeline, once. What `{owner.id}` gives for an item is its `yield`.",
            )
            message = f"`return` stands inside of `{owner.id}`"
            context.report(Diagnostic("misplaced-result", message, node.place("type"), notes=notes), node.id)
        if node.body is not None:
            _check_results(node.body, node, context)


def _misplaced_body(node: Node, spec: NodeType, context: Context) -> None:
    notes = ("Only regions own a body, such as `foreach`. Put the nodes beside this one.",)
    message = f"`{spec.name}` owns no body"
    context.report(Diagnostic("misplaced-body", message, node.place("type"), notes=notes), node.id)


def _check_region(node: Node, body: Region, spec: RegionSpec, context: Context) -> None:
    _check_names(node, body, spec, context)
    yields = [inner for inner in body.nodes if inner.type == YIELD]
    if all(inner.disabled for inner in yields):
        reason = "its `yield` is disabled" if yields else "it has no `yield`"
        notes: tuple[str, ...] = (spec.doc, "`yield null` will do.")
        message = f"the body of `{node.id}` gives nothing: {reason}"
        context.report(Diagnostic("region-without-yield", message, node.place("type"), notes=notes), node.id)
    for extra in yields[1:]:
        related = (Related(yields[0].place("id"), "the first one stands here"),)
        notes = ("Yield once, after the branches, and `merge` what they give.",)
        message = f"the body of `{node.id}` yields twice"
        context.report(Diagnostic("duplicate-id", message, extra.place("type"), notes=notes, related=related))


def _check_names(node: Node, body: Region, spec: RegionSpec, context: Context) -> None:
    """Hold the names that an author gives against what the region binds: one, or none."""
    if spec.binds is None:
        for name in body.variables:
            message = f"`{node.id}` binds no name, so `{name}` has no value"
            notes = (f"The body of `{node.type}` sees what stands around it, and nothing of its round.",)
            context.report(Diagnostic("unknown-parameter", message, node.place("params"), notes=notes), node.id)
        return
    if not body.variables:
        notes = (f"`{spec.binds.param}` is {spec.binds.doc}.",)
        message = f"`{node.id}` lacks the parameter `{spec.binds.param}`"
        context.report(Diagnostic("missing-parameter", message, node.place("params"), notes=notes), node.id)
    if len(body.variables) > 1:
        message = f"`{node.id}` binds one name, not {len(body.variables)}"
        notes = (f"It is {spec.binds.doc}.",)
        context.report(Diagnostic("unknown-parameter", message, node.place("params"), notes=notes), node.id)
