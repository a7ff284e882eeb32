"""The types of all values, in the order of data flow; what each expression may read; what each parameter may take."""

from __future__ import annotations

from dataclasses import dataclass

from saltern_compiler.diagnostics.model import Diagnostic
from saltern_compiler.ir.bound import bound_by
from saltern_compiler.ir.pipeline import YIELD, Node, Pipeline
from saltern_compiler.passes.base import Check, Context
from saltern_compiler.passes.conditions import TRUE
from saltern_compiler.passes.layers import decide, layers
from saltern_compiler.passes.shape import Shape
from saltern_compiler.passes.typing import type_param
from saltern_runtime.spec import ANY, Bound, Effect, NodeType, Type, chosen, optional


@dataclass(frozen=True, slots=True)
class Types(Check):
    """`unknown-name`, `may-be-skipped`, `type-mismatch`, all that expressions report, and what node types check themselves."""

    name: str = "types"

    def check(self, pipeline: Pipeline, context: Context) -> None:
        """Type every node; those on and behind a cycle come last, and give `any`."""
        shape = context.shape(pipeline)
        flowing = set(shape.order)
        bounds: dict[str, Bound] = {}
        for node_id in (*shape.order, *(each for each in shape.nodes if each not in flowing)):
            node = shape.nodes[node_id]
            if node_id in flowing:
                _add_condition(node, pipeline, context)
            spec = shape.spec(node_id)
            given = {
                name: type_param(node, name, value, spec, pipeline=pipeline, context=context)
                for name, value in node.params
            }
            bounds[node_id] = bound_by(node, given, context.files)
            _finish(node, spec, bounds[node_id], context)
            if spec is not None and spec.region is not None:
                context.items[node_id] = spec.region.item(bounds[node_id])
            elif node.type == YIELD and node_id in shape.owner:
                owner = shape.owner[node_id]
                context.types[owner] = _gathered(owner, node_id, bounds[owner], context, shape)
            if node_id in flowing:
                context.conditions.branch(node_id, _branches(spec, bounds[node_id], shape.handles(node_id)))


def _add_condition(node: Node, pipeline: Pipeline, context: Context) -> None:
    shape = context.shape(pipeline)
    conditions = context.conditions
    connection = shape.connections.get(node.connection or "")
    connector = context.registry.connector(connection.connector) if connection is not None else None
    on_error, _ = decide(list(layers(node, shape.spec(node.id), connection, connector, pipeline)), "on_error")
    conditions.add(
        node.id,
        [(edge.source, edge.handle) for edge in shape.control[node.id]],
        any_of=node.join == "any",
        fallible=on_error == "continue",
        disabled=node.disabled,
    )
    skippable = {
        name
        for name in shape.reads[node.id]
        if name in conditions.has_value
        and not conditions.implies(conditions.runs[shape.beside(node.id, name)], conditions.has_value[name])
    }
    if skippable:
        context.skippable[node.id] = frozenset(skippable)


def _gathered(owner: str, result: str, bound: Bound, context: Context, shape: Shape) -> Type:
    """Return the type of a region, given the node that its body yields with."""
    region = shape.specs[owner].region
    assert region is not None, "only regions own nodes"
    yielded = context.types[result]
    always = context.conditions.has_value.get(result, TRUE) == TRUE
    leaves_null = region.on_skip == "null" and not (always and chosen(region.on_error, bound.literals) == "stop")
    return region.result(optional(yielded) if leaves_null else yielded, bound)


def _branches(spec: NodeType | None, bound: Bound, handles: tuple[str, ...] | None) -> tuple[str, ...]:
    """Return the handles of which always one is taken."""
    if not handles or spec is None or spec.taken is None:
        return handles or ()
    return spec.taken(bound)


def _finish(node: Node, spec: NodeType | None, bound: Bound, context: Context) -> None:
    """Let the node type check what is bound, and keep the type and effect that follow from it."""
    if spec is None:
        context.types[node.id] = ANY
        return
    if node.id not in context.broken:
        for problem in spec.check(bound):
            value = node.param(problem.param)
            place = value.origin if value is not None else node.place("params")
            context.report(Diagnostic(problem.code, problem.message, place, notes=problem.notes), node.id)
    fixed = not callable(spec.result)
    known = fixed or node.id not in context.broken
    context.types[node.id] = (spec.result(bound) if callable(spec.result) else spec.result) if known else ANY
    if callable(spec.effect):
        context.effects[node.id] = spec.effect(bound) if node.id not in context.broken else Effect.EXTERNAL
    else:
        context.effects[node.id] = spec.effect
