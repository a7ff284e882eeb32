"""Texts in quotes that were meant as expressions or templates: what they name is there."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from saltern_compiler.diagnostics.model import Diagnostic, Edit, Fix, Origin
from saltern_compiler.expr.ast import Expr, Reference, Select, references
from saltern_compiler.expr.parse import parse
from saltern_compiler.ir.pipeline import Node, Pipeline
from saltern_compiler.ir.values import Expression, ListValue, Literal, ObjectValue, Value
from saltern_compiler.passes.analyses.shape import SHAPE, Shape
from saltern_compiler.passes.analyses.types import TYPES, Types
from saltern_compiler.passes.base import Check, Context
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import ObjectType, Type
from saltern_runtime.spec.names import INPUT, RUN, RUN_TYPE
from saltern_runtime.spec.types import without_null

_LONGEST: Final = 4_000
"""Characters of a text that is looked at, at most."""
_HOLE: Final = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_PATH: Final = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+")

Known = Callable[[Reference], bool]


@dataclass(frozen=True, slots=True)
class Quoting(Check):
    """`quoted-expression`: a warning."""

    name: str = "quoting"

    def check(self, pipeline: Pipeline, context: Context) -> None:
        """Warn of texts that would read what is there, if they stood in backticks or without their quotes."""
        shape, types = context.get(SHAPE, pipeline), context.get(TYPES, pipeline)
        for node in shape.nodes.values():
            for text in _texts(node, shape):
                found = _meant(text, partial(_is_there, node, pipeline, shape, types))
                if found is not None:
                    message, fix = found
                    notes = ("A text in quotes is what it says: nothing in it is read.",)
                    context.report(Diagnostic("quoted-expression", message, text.origin, notes=notes, fixes=(fix,)))


def _texts(node: Node, shape: Shape) -> Iterator[Literal]:
    """Yield the texts that a node binds where a value or a template could stand."""
    spec = shape.spec(node.id)
    for param in () if spec is None else spec.params:
        value = node.param(param.name)
        if value is not None and param.template and not param.static and not param.is_type:
            yield from _texts_in(value)


def _texts_in(value: Value) -> Iterator[Literal]:
    match value:
        case Literal(value=str()):
            yield value
        case Literal(parts=parts):
            for inner in parts.values():
                yield from _texts_in(inner)
        case ListValue(items=items):
            for item in items:
                yield from _texts_in(item)
        case ObjectValue(fields=fields):
            for _, part in fields:
                yield from _texts_in(part)


def _meant(text: Literal, known: Known) -> tuple[str, Fix] | None:
    """Return what is to be said of a text that was meant otherwise, and what mends it."""
    if len(text.value) > _LONGEST:
        return None
    if _PATH.fullmatch(text.value):
        expr = _read(text.value)
        if isinstance(expr, Select) and all(map(known, references(expr))):
            return f"`{text.value}` stands in quotes, and is there to be read", _unquote(text)
        return None
    holes = [_read(match[1].strip()) for match in _HOLE.finditer(text.value)]
    reads = [reference for hole in holes if hole is not None for reference in references(hole)]
    if not holes or None in holes or not reads or not all(map(known, reads)):
        return None
    return "a template stands in quotes", _template(text)


def _read(text: str) -> Expr | None:
    expr, findings = parse(text, Origin(None, 0, len(text)))
    return None if findings else expr


def _is_there(node: Node, pipeline: Pipeline, shape: Shape, types: Types, reference: Reference) -> bool:
    """Whether a node could read what a reference names, down to its last field."""
    of = _type_of(reference.name, node, pipeline, shape, types)
    if of is None or (not reference.path and reference.name in (INPUT, RUN)):
        return False
    for step in reference.path:
        inner = without_null(of)
        found = inner.field(step) if isinstance(inner, ObjectType) else None
        if found is None:
            return False
        of = found.type
    return True


def _type_of(name: str, node: Node, pipeline: Pipeline, shape: Shape, types: Types) -> Type | None:
    if name == INPUT:
        return pipeline.input
    if name == RUN:
        return RUN_TYPE
    items = shape.items(node.id)
    if name in items:
        return types.items.get(items[name])
    return types.of.get(name) if shape.sees(node.id, name) and name != node.id else None


def _unquote(text: Literal) -> Fix:
    written = text.value if text.origin.pointer is None else json.dumps({"$expr": text.value})
    return Fix("Put it there without quotes", (Edit(text.origin, written),))


def _template(text: Literal) -> Fix:
    if text.origin.pointer is not None:
        written = json.dumps({"$template": text.value}, ensure_ascii=False)
        return Fix("Put a template in its place", (Edit(text.origin, written),))
    from saltern_compiler.frontend.language.print_values import template  # noqa: PLC0415 - few checks write anything

    parts: list[str | Expression] = []
    at = 0
    for match in _HOLE.finditer(text.value):
        expr = _read(match[1].strip())
        assert expr is not None, "each of them was read before"
        parts += [text.value[at : match.start()], Expression(expr)]
        at = match.end()
    parts.append(text.value[at:])
    return Fix("Put a template in its place", (Edit(text.origin, template([part for part in parts if part != ""])),))
