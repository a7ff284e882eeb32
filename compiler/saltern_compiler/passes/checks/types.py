"""The types of all values, in the order of data flow; what each expression may read; what each parameter may take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from saltern_compiler.diagnostics.model import Diagnostic
from saltern_compiler.ir.pipeline import FOREACH, YIELD, Node, Pipeline
from saltern_compiler.ir.values import ListValue, Literal
from saltern_compiler.passes.base import Check, Context
from saltern_compiler.passes.layers import decide, layers
from saltern_compiler.passes.shape import Shape, case_key
from saltern_compiler.passes.typing import type_param
from saltern_runtime.spec import (
    ANY,
    BOOL,
    NULL,
    STRING,
    Bound,
    Effect,
    Emit,
    Field,
    ListType,
    LiteralType,
    NodeType,
    Type,
    UnionType,
    obj,
)
from saltern_runtime.spec.types import without_null

ITEM_ERROR: Final = Field("error", obj({"code": STRING, "kind": STRING, "message": STRING}), required=False)
"""What `on error collect` gives of an item that failed."""


@dataclass(frozen=True, slots=True)
class Types(Check):
    """`unknown-name`, `may-be-skipped`, `type-mismatch`, all that expressions report, and what node types check themselves."""

    name: str = "types"

    def check(self, pipeline: Pipeline, context: Context) -> None:
        """Type every node; those on and behind a cycle come last, and give `any`."""
        shape = context.shape(pipeline)
        flowing = set(shape.order)
        for node_id in (*shape.order, *(each for each in shape.nodes if each not in flowing)):
            node = shape.nodes[node_id]
            if node_id in flowing:
                _add_condition(node, pipeline, context)
            spec = shape.spec(node_id)
            given = {
                name: type_param(node, name, value, spec, pipeline=pipeline, context=context)
                for name, value in node.params
            }
            _finish(node, spec, given, context)
            if node.type == FOREACH:
                context.items[node_id] = _item(given.get("items", ANY))
            elif node.type == YIELD and node_id in shape.owner:
                owner = shape.nodes[shape.owner[node_id]]
                context.types[owner.id] = _results(owner, context.types[node_id])
            if node_id in flowing:
                context.conditions.branch(node_id, _branches(node, given, shape))


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


def _item(items: Type) -> Type:
    listed = without_null(items)
    return listed.item if isinstance(listed, ListType) else ANY


def _results(owner: Node, given: Type) -> Type:
    """Return the type of a foreach, given that of what its body yields."""
    on_error = owner.param("on_error")
    if isinstance(on_error, Literal) and on_error.value == "collect":
        return ListType(obj({"value": Field("value", given, required=False), "error": ITEM_ERROR}))
    return ListType(given)


def _branches(node: Node, given: dict[str, Type], shape: Shape) -> tuple[str, ...]:
    """Return the handles of which always one is taken: no `else` where the cases cover all values of the type."""
    handles = shape.handles(node.id) or ()
    value = given.get("value", ANY)
    if not handles or shape.specs[node.id].emit is not Emit.SWITCH:
        return handles
    members: list[Type] = []
    for member in value.members if isinstance(value, UnionType) else (value,):
        members.extend((LiteralType(True), LiteralType(False)) if member == BOOL else (member,))
    cases = node.param("cases")
    listed = {LiteralType(case) for case in cases.value if case is not None} if isinstance(cases, Literal) else set()
    has_null = isinstance(cases, Literal) and None in cases.value
    if not all(member in listed or (member == NULL and has_null) for member in members):
        return handles
    keys = [member.value if isinstance(member, LiteralType) else None for member in members]
    return tuple(f"case.{case_key(key)}" for key in keys)


def _finish(node: Node, spec: NodeType | None, given: dict[str, Type], context: Context) -> None:
    """Let the node type check what is bound, and keep the type and effect that follow from it."""
    if spec is None:
        context.types[node.id] = ANY
        return
    bound = _bound(node, given, context.files)
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


def _bound(node: Node, given: Mapping[str, Type], files: Mapping[str, str]) -> Bound:
    literals = {name: value.value for name, value in node.params if isinstance(value, Literal)}
    lengths = {name: len(value) for name, value in literals.items() if isinstance(value, list)}
    lengths |= {name: len(value.items) for name, value in node.params if isinstance(value, ListValue)}
    return Bound(literals, dict(given), files, lengths)
