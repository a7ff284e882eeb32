"""Results that are larger than what is kept, whatever comes in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from saltern_compiler.diagnostics.model import Diagnostic
from saltern_compiler.expr.ast import Ident
from saltern_compiler.ir.pipeline import RESULT_TYPES, Node, Pipeline
from saltern_compiler.ir.values import Expression, ListValue, Literal, ObjectValue, Template, Value
from saltern_compiler.passes.analyses.shape import SHAPE, Shape
from saltern_compiler.passes.base import Check, Context
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import Emit
from saltern_runtime.spec.limits import MAX_PAYLOAD

_LEAST: Final = 1
"""Bytes of any value."""


@dataclass(frozen=True, slots=True)
class Payloads(Check):
    """`payload-too-large`: a warning."""

    name: str = "payloads"
    limit: int = MAX_PAYLOAD

    def check(self, pipeline: Pipeline, context: Context) -> None:
        """Warn of what a pipeline, a round or an item gives where what is written out of it is over the limit already."""
        if context.has_errors or context.incomplete:
            return
        shape = context.get(SHAPE, pipeline)
        sizes: dict[str, int] = {}
        for node_id in shape.order:
            node = shape.nodes[node_id]
            size = sizes[node_id] = _size_of(node, shape, sizes)
            if node.type in RESULT_TYPES and size > self.limit:
                message = f"what is given here has {size:,} bytes at least, over the limit of {self.limit:,}"
                notes = (
                    "It fails wherever an operator has not raised `SALTERN_MAX_PAYLOAD`.",
                    "Give a file, or a part of it.",
                )
                place = node.place("param:value")
                context.report(Diagnostic("payload-too-large", message, place, notes=notes))


def _size_of(node: Node, shape: Shape, sizes: Mapping[str, int]) -> int:
    """Return how many bytes the value of a node has at least; of one that is not written out, what any value has."""
    spec = shape.spec(node.id)
    if spec is None or spec.emit is not Emit.VALUE or spec.sleeps or node.disabled or len(node.params) != 1:
        return _LEAST
    return _least(node.params[0][1], node, shape, sizes)


def _least(value: Value, node: Node, shape: Shape, sizes: Mapping[str, int]) -> int:
    match value:
        case Literal(value=known):
            return len(json.dumps(known, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass"))
        case Template(parts=parts):
            return 2 + sum(len(part.encode("utf-8", "surrogatepass")) for part in parts if isinstance(part, str))
        case ListValue(items=items):
            return 1 + sum(1 + _least(item, node, shape, sizes) for item in items)
        case ObjectValue(fields=fields):
            return 1 + sum(len(name) + 4 + _least(part, node, shape, sizes) for name, part in fields)
        case Expression(expr=Ident(name=name)) if name not in shape.items(node.id) and shape.sees(node.id, name):
            return sizes.get(name, _LEAST)
        case _:
            return _LEAST
