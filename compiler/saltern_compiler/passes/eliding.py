"""What may be taken out of a pipeline, and where that is still seen: the ground that optimizations stand on."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Final, TypeAlias

from saltern_compiler.expr.ast import Const, Expr, Ident, Index, Macro, Select, bound
from saltern_compiler.expr.kinds import kind
from saltern_compiler.expr.rewrite import with_parts
from saltern_compiler.expr.typed import Typed
from saltern_compiler.ir.attempts import WHOLES, is_part
from saltern_compiler.ir.graph import own_reads
from saltern_compiler.ir.pipeline import CHECK, ERROR_TYPE, RESULT_TYPES, STOP, ControlEdge, Node, Pipeline, Region
from saltern_compiler.ir.values import (
    Expression,
    ListValue,
    Literal,
    ObjectValue,
    Template,
    Value,
    expressions,
    make_expression,
    make_list,
    make_object,
    make_template,
)
from saltern_compiler.passes.analyses.shape import SHAPE, Shape
from saltern_compiler.passes.analyses.types import TYPES, Types
from saltern_compiler.passes.base import Context
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import Effect, Emit, Type, UnionType
from saltern_runtime.spec.names import COMPENSATE

Gate: TypeAlias = tuple[tuple[ControlEdge, ...], str]
_LONG: Final = 60
_WORDS: Final = frozenset({*RESULT_TYPES, *WHOLES, STOP, ERROR_TYPE, COMPENSATE})
"""Types that are words of the language: what they are there for is more than their value."""
_SMALL: Final = frozenset({"bool", "int", "timestamp", "duration", "null"})
"""Kinds of values that are kept whatever they are; a double may be none that JSON has."""


@dataclass(frozen=True, slots=True)
class Known:
    """A pipeline with what is known of it."""

    pipeline: Pipeline
    shape: Shape
    types: Types

    @classmethod
    def of(cls, pipeline: Pipeline, context: Context) -> Known:
        """Ask for what is known of a pipeline."""
        return cls(pipeline, context.get(SHAPE, pipeline), context.get(TYPES, pipeline))

    def is_pure(self, node: Node) -> bool:
        """Whether a node does nothing but give a value, of what it reads alone, when it runs."""
        return self._is_plain(node) and self.types.effects.get(node.id) is Effect.PURE

    def is_read(self, node: Node) -> bool:
        """Whether a node does nothing but give what something outside keeps, when it runs."""
        return self._is_plain(node) and self.types.effects.get(node.id) is Effect.READ

    def _is_plain(self, node: Node) -> bool:
        spec = self.shape.spec(node.id)
        plain = spec is not None and node.body is None and not spec.suspends and not spec.responds and not spec.detached
        return plain and node.type not in _WORDS and not is_part(node)

    def cannot_fail(self, node: Node) -> bool:
        """Whether a node that is pure gives a value whatever it reads, and one that is no larger than what it reads."""
        spec = self.shape.specs[node.id]
        if spec.emit not in (Emit.VALUE, Emit.IF, Emit.SWITCH) or any(param.place for param in spec.params):
            return False
        if spec.emit is not Emit.VALUE:
            return all(_never_fails(value) for _, value in self.types.nodes[node.id].params)
        return all(_is_kept(value, whole=True) for _, value in self.types.nodes[node.id].params)

    def is_small(self, node: Node) -> bool:
        """Whether a node's value is small whatever it is."""
        return kind(self.types.of[node.id]) in _SMALL

    def names(self) -> frozenset[str]:
        """Return all names that mean something somewhere, those that macros and regions bind among them."""
        nodes = self.shape.nodes.values()
        variables = (name for node in nodes if node.body is not None for name in node.body.variables)
        parts = (part.expr for node in nodes for _, value in node.params for part in expressions(value))
        return frozenset({*self.shape.nodes, *variables, *(name for part in parts for name in bound(part))})

    def needed(self) -> frozenset[str]:
        """Return the nodes that others read, hang on or come after."""
        shape = self.shape
        read = (name for names in (*shape.before.values(), *shape.reads.values()) for name in names)
        return frozenset(read) | {name for node in shape.nodes.values() for name in node.after}

    def always_reads(self, node: Node) -> bool:
        """Whether a node has a value wherever it is activated: nothing that it reads may have been skipped."""
        return node.id not in self.types.skippable and node.id not in self.shape.outcomes

    def host(self, node: Node, gone: Collection[str]) -> str:
        """Return a node that runs exactly where another one does, so that what it comes to tells of both; empty where there is none.

        What the other one reads comes first, then what stands beside it, in the order of data flow; `gone` is no longer there. One
        that cannot fail comes before others; in a body, where items are counted, no other will do.
        """
        shape = self.shape
        beside = shape.flows[shape.owner.get(node.id, "")]
        read = [name for name in reversed(beside) if name in shape.reads[node.id]]
        found = ""
        for name in (*read, *beside):
            other = shape.nodes[name]
            if name == node.id or name in gone or gate(other) != gate(node) or not self._tells(other):
                continue
            if self._is_sure(other):
                return name
            found = found or name
        return "" if node.id in shape.owner else found

    def _tells(self, node: Node) -> bool:
        conditions = self.types.conditions
        passes_on = conditions.has_value[node.id] == conditions.runs[node.id]  # no failure of it is passed over
        return passes_on and self.always_reads(node) and node.type not in {CHECK, COMPENSATE}

    def _is_sure(self, node: Node) -> bool:
        """Whether a node has its value as soon as it has run, and cannot fail, but for a value that is too large."""
        spec = self.shape.specs[node.id]
        plain = node.body is None and not spec.suspends and spec.emit in (Emit.VALUE, Emit.IF, Emit.SWITCH)
        return plain and all(_never_fails(value) for _, value in self.types.nodes[node.id].params)


def keeps_types(before: Pipeline, after: Pipeline, context: Context) -> bool:
    """Whether each node has the type that it had, or a part of it: inside of a list another type would be another list to type checkers.

    What a graph gives shows in the type of what owns it, or of the output.
    """
    old = context.get(TYPES, before).of  # asked first: an analysis keeps what it knows of one pipeline
    new = context.get(TYPES, after)
    if new.broken - context.broken:
        return False
    nodes = (node for node in after.body.walk() if node.type not in RESULT_TYPES and node.id in old)
    return all(_is_part_of(new.of[node.id], old[node.id]) for node in nodes)


def _is_part_of(of: Type, whole: Type) -> bool:
    members = whole.members if isinstance(whole, UnionType) else (whole,)
    parts = of.members if isinstance(of, UnionType) else (of,)
    return of == whole or all(part in members for part in parts)


def gate(node: Node) -> Gate:
    """Return what a node hangs on."""
    return tuple(sorted(node.control, key=lambda edge: (edge.source, edge.handle))), node.join


def without_nodes(region: Region, gone: Mapping[str, object]) -> Region:
    """Take nodes out that nothing reads."""
    return replace(
        region,
        nodes=tuple(
            node if node.body is None else replace(node, body=without_nodes(node.body, gone))
            for node in region.nodes
            if node.id not in gone
        ),
    )


def map_values(value: Value, change: Callable[[Expr], Expr]) -> Value:
    """Put another expression in place of each one; what comes out is in normal form, and the value itself where nothing changed."""
    match value:
        case Expression(expr=expr, origin=origin):
            changed = change(expr)
            return value if changed is expr else make_expression(changed, origin)
        case Template(parts=parts, origin=origin):
            new = [part if isinstance(part, str) else _part(part, change) for part in parts]
            return value if _same(new, parts) else make_template(new, origin)
        case ListValue(items=items, origin=origin):
            listed = [map_values(item, change) for item in items]
            return value if _same(listed, items) else make_list(listed, origin)
        case ObjectValue(fields=fields, origin=origin):
            named = {name: map_values(part, change) for name, part in fields}
            return value if _same(list(named.values()), [part for _, part in fields]) else make_object(named, origin)
    return value


def _part(part: Expression, change: Callable[[Expr], Expr]) -> str | Expression:
    changed = change(part.expr)
    if isinstance(changed, Const) and isinstance(changed.value, bool | int | float | str) and not changed.uint:
        from saltern_runtime.expr import text  # noqa: PLC0415 - what has no constants loads no helpers

        return text(changed.value)
    return part if changed is part.expr else Expression(changed, part.origin)


def _same(new: list[Value] | list[str | Expression], old: object) -> bool:
    return isinstance(old, tuple | list) and all(one is other for one, other in zip(new, old, strict=True))


def _never_fails(value: Value) -> bool:
    return all(part.typed is not None and not part.typed.fails for part in expressions(value))


def _is_kept(value: Value, *, whole: bool = False) -> bool:
    """Whether a value can be computed and kept for certain: literals, small values, and what is handed on as a whole."""
    match value:
        case Literal():
            return True
        case Expression(typed=Typed() as typed):
            return not typed.fails and (kind(typed.type) in _SMALL or (whole and _is_path(typed.expr)))
        case Template(parts=parts):
            trees = [part.typed for part in parts if isinstance(part, Expression)]
            return all(tree is not None and not tree.fails and kind(tree.type) in _SMALL for tree in trees)
        case ListValue(items=items):
            return all(_is_kept(item) for item in items)
        case ObjectValue(fields=fields):
            return all(_is_kept(part) for _, part in fields)
    return False


def _is_path(expr: Expr) -> bool:
    while isinstance(expr, Select | Index):
        expr = expr.base
    return isinstance(expr, Ident)


def literal_text(literal: Literal) -> str:
    """Write a literal for a sentence; a long one is cut."""
    text = json.dumps(literal.value, ensure_ascii=False)
    return text if len(text) <= _LONG else f"{text[: _LONG - 1]}…"


def renamed(node: Node, same: Mapping[str, str]) -> Node:
    """Let a node read and hang on what stands for others; what is in its body does not change."""
    if any(read.name in same for read in own_reads(node)):
        params = tuple((name, map_values(value, lambda expr: _renamed_in(expr, same))) for name, value in node.params)
        node = replace(node, params=params)
    if any(edge.source in same for edge in node.control):
        edges = {replace(edge, source=same.get(edge.source, edge.source)) for edge in node.control}
        node = replace(node, control=tuple(sorted(edges, key=lambda edge: (edge.source, edge.handle))))
    return node


def _renamed_in(expr: Expr, same: Mapping[str, str]) -> Expr:
    if isinstance(expr, Ident):
        return replace(expr, name=same[expr.name]) if expr.name in same else expr
    if isinstance(expr, Macro):
        same = {name: kept for name, kept in same.items() if name not in expr.variables}
    renamed = with_parts(expr, lambda part: _renamed_in(part, same))
    return expr if renamed == expr else renamed
