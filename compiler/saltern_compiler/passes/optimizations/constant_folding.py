"""What is the same in every run is computed once, here, by the functions that generated code would call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from functools import partial
from typing import Final

from saltern_compiler.expr.ast import Const, Expr, Ident, Macro, Select, bound
from saltern_compiler.expr.evaluate import LARGEST, fold
from saltern_compiler.expr.rewrite import with_parts
from saltern_compiler.expr.show import show
from saltern_compiler.ir.pipeline import NEXT, STOP, Node, Pipeline, map_nodes
from saltern_compiler.ir.plan import Change
from saltern_compiler.ir.values import Literal, Value
from saltern_compiler.passes.analyses.shape import SHAPE, Shape
from saltern_compiler.passes.analyses.types import TYPES
from saltern_compiler.passes.base import Context, Pass
from saltern_compiler.passes.eliding import map_values
from saltern_compiler.passes.transforms.coerce_literals import CoerceLiterals
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import Emit, Json, NodeType

_TYPED_ELSEWHERE: Final = frozenset({NEXT, STOP})
"""Types whose literals take their type from somewhere else than their parameters."""


@dataclass(frozen=True, slots=True)
class ConstantFolding(Pass):
    """Fold expressions of constants, and put the value of a node that is one where it is read.

    Nothing that would fail is folded, no text grows beyond a bound, and no node stops waiting for another that does anything.
    """

    name: str = "constant_folding"

    def apply(self, pipeline: Pipeline, context: Context) -> Pipeline:
        """Return the pipeline with literals in their place."""
        shape = context.get(SHAPE, pipeline)
        left: frozenset[str] = frozenset()
        while True:
            work = _Work(shape, self.name, left)
            folded = {node_id: work.node(shape.nodes[node_id]) for node_id in shape.order}
            if not work.changes:
                return pipeline
            body = map_nodes(pipeline.body, partial(_with, folded))
            result = CoerceLiterals().apply(replace(pipeline, body=body), context)
            wrong = context.get(TYPES, result).broken - context.broken
            if not wrong:
                context.changes.extend(work.changes)
                return result
            if wrong <= left:
                return pipeline
            left |= wrong  # what can be seen to fail now would be a finding: it stays as it is written


def _with(folded: Mapping[str, Node], node: Node) -> Node:
    params = folded.get(node.id, node).params
    return node if params == node.params else replace(node, params=params)


@dataclass(slots=True)
class _Work:
    shape: Shape
    name: str
    left: frozenset[str]
    """Ids of nodes that stay as they are."""
    known: dict[str, Json] = field(default_factory=dict)
    """Id of a node that is a constant → its value."""
    changes: list[Change] = field(default_factory=list)

    def node(self, node: Node) -> Node:
        spec = self.shape.spec(node.id)
        if spec is None or node.disabled or node.id in self.left:
            return node
        params = tuple((name, self._param(node, spec, name, value)) for name, value in node.params)
        if any(new is not old for (_, new), (_, old) in zip(params, node.params, strict=True)):
            node = replace(node, params=params)
        value = _constant(node, spec)
        if value is not None and node.id not in self.shape.outcomes:
            self.known[node.id] = value.value
        return node

    def _param(self, node: Node, spec: NodeType, name: str, value: Value) -> Value:
        param = spec.param(name)
        fixed = param is None or param.static or param.is_type or param.place or param.keep_skipped or param.typed_by
        if fixed or node.type in _TYPED_ELSEWHERE or isinstance(value, Literal):
            return value
        told: list[str] = []

        def change(expr: Expr) -> Expr:
            new = fold(self._filled(expr))
            if new is not expr:
                told.append(f"{show(expr)} is {show(new)}")
            return new

        folded = map_values(value, change)
        if told:
            self.changes.append(Change(node.id, self.name, f"`{name}`: {', '.join(told)}"))
        return folded

    def _filled(self, expr: Expr) -> Expr:
        """Put the values of constant nodes where they are read; names that a macro binds are other things."""
        if not self.known:
            return expr
        constant = self._constant_at(expr)
        if constant is not None:
            return constant
        if isinstance(expr, Macro) and any(name in self.known for name in bound(expr)):
            return expr
        filled = with_parts(expr, self._filled)
        return expr if filled == expr else filled

    def _constant_at(self, expr: Expr) -> Const | None:
        fields: list[str] = []
        root = expr
        while isinstance(root, Select) and not root.optional:
            fields.append(root.field)
            root = root.base
        if not isinstance(root, Ident) or root.name not in self.known:
            return None
        value = self.known[root.name]
        for name in reversed(fields):
            if not isinstance(value, dict) or name not in value:
                return None
            value = value[name]
        plain = isinstance(value, bool | int | float) or (isinstance(value, str) and len(value) <= LARGEST)
        return Const(value, span=expr.span) if plain else None


def _constant(node: Node, spec: NodeType) -> Literal | None:
    """Return the literal that a node is, where it waits for nothing and hangs on nothing."""
    if (
        spec.emit is not Emit.VALUE
        or spec.suspends
        or spec.responds
        or node.control
        or node.after
        or node.body is not None
    ):
        return None
    values = [value for name, value in node.params if (param := spec.param(name)) is not None and param.passed]
    return values[0] if len(values) == 1 and isinstance(values[0], Literal) else None
