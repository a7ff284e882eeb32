"""A pipeline as if some of its nodes had been skipped, written out: no reference to them is left."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from saltern_compiler.expr.ast import Call, Const, Expr, Ident, Index, Macro, Select, references
from saltern_compiler.expr.rewrite import with_parts
from saltern_compiler.ir.pipeline import Node, Pipeline, Region
from saltern_compiler.ir.values import (
    Expression,
    ListValue,
    ObjectValue,
    Template,
    Value,
    make_expression,
    make_list,
    make_object,
    make_template,
)
from saltern_compiler.registry import Registry


def without(pipeline: Pipeline, gone: Collection[str], registry: Registry) -> Pipeline:
    """Take nodes out, whose ids are `gone`, with their bodies. The checks have made sure that all reads of them are guarded."""
    names = frozenset(gone)
    return replace(pipeline, body=_region(pipeline.body, names, registry)) if names else pipeline


def _region(region: Region, gone: frozenset[str], registry: Registry) -> Region:
    return replace(region, nodes=tuple(_node(node, gone, registry) for node in region.nodes if node.id not in gone))


def _node(node: Node, gone: frozenset[str], registry: Registry) -> Node:
    spec = registry.node(node.type, node.version)
    keeps = {param.name for param in spec.params if param.keep_skipped} if spec is not None else set()
    return replace(
        node,
        params=tuple((name, _value(value, gone, keep=name in keeps)) for name, value in node.params),
        control=tuple(edge for edge in node.control if edge.source not in gone),
        after=tuple(name for name in node.after if name not in gone),
        body=None if node.body is None else _region(node.body, gone, registry),
    )


def _value(value: Value, gone: frozenset[str], *, keep: bool = False) -> Value:
    match value:
        case Expression(expr=expr, origin=origin):
            return make_expression(_rewrite(expr, gone), origin) if _reads(expr, gone) else value
        case Template(parts=parts, origin=origin):
            return make_template([_part(part, gone) for part in parts], origin)
        case ListValue(items=items, origin=origin):
            left = [item for item in items if not (keep and isinstance(item, Expression) and _reads(item.expr, gone))]
            return make_list([_value(item, gone) for item in left], origin)
        case ObjectValue(fields=fields, origin=origin):
            return make_object({name: _value(part, gone) for name, part in fields}, origin)
    return value


def _part(part: str | Expression, gone: frozenset[str]) -> str | Expression:
    if isinstance(part, str) or not _reads(part.expr, gone):
        return part
    return replace(part, expr=_rewrite(part.expr, gone))


def _reads(expr: Expr, gone: frozenset[str]) -> bool:
    return any(reference.name in gone for reference in references(expr))


def _root(expr: Expr) -> str | None:
    while isinstance(expr, Select | Index):
        expr = expr.base
    return expr.name if isinstance(expr, Ident) else None


def _rewrite(expr: Expr, gone: frozenset[str]) -> Expr:
    """Put in place of each guarded read what it gives for a skipped node: nothing, null or false."""
    if _root(expr) in gone:
        return Const(None, span=expr.span)
    match expr:
        case Macro(kind="has", target=target) if _root(target) in gone:
            return Const(value=False, span=expr.span)
        case Macro(target=target, variables=variables, steps=steps):
            inside = gone.difference(variables)
            return replace(expr, target=_rewrite(target, gone), steps=tuple(_rewrite(step, inside) for step in steps))
        case Call(function="_?_:_", args=(condition, yes, no)):
            tested = _rewrite(condition, gone)
            if isinstance(tested, Const) and isinstance(tested.value, bool):
                return _rewrite(yes if tested.value else no, gone)
            return with_parts(expr, lambda part: _rewrite(part, gone))
        case Call(function="merge", target=None, args=args):
            left = tuple(_rewrite(arg, gone) for arg in args if not _needs(arg, gone))
            return replace(expr, args=left) if left else Const(None, span=expr.span)
    return with_parts(expr, lambda part: _rewrite(part, gone))


def _needs(expr: Expr, gone: frozenset[str]) -> bool:
    return any(reference.name in gone and not reference.guarded for reference in references(expr))
