"""Texts glued together where a template would say which part is whose."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from saltern_compiler.diagnostics.model import Diagnostic, Edit, Fix
from saltern_compiler.expr.ast import Call, Const, Expr
from saltern_compiler.ir.pipeline import Pipeline
from saltern_compiler.ir.values import Expression, Template, make_template
from saltern_compiler.passes.analyses.shape import SHAPE
from saltern_compiler.passes.base import Check, Context
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec.param import Place

_WHAT: Final = {
    "url": "What comes into a URL that is glued together is not escaped: `&` and `/` in it change what is asked.",
    "slack": "All of what is glued together is escaped, what is written here as well.",
}
_BY_HAND: Final = {"url": "url.encode", "slack": "slack.escape"}
"""Place of a text → the function that does there what a template does."""


@dataclass(frozen=True, slots=True)
class Gluing(Check):
    """`glued-text`: a warning."""

    name: str = "gluing"

    def check(self, pipeline: Pipeline, context: Context) -> None:
        """Warn of texts that are added up where values are escaped for their place."""
        shape = context.get(SHAPE, pipeline)
        for node in context.each(self.name, shape.nodes.values(), shape.specs):
            spec = shape.spec(node.id)
            for param in () if spec is None else spec.params:
                value = node.param(param.name)
                if not param.place or not isinstance(value, Expression):
                    continue
                glued = next(filter(None, (_glued(way, param.place) for way in _ways(value.expr))), None)
                if glued is None:
                    continue
                place = dict(node.origins).get(f"value:{param.name}")
                fixes: tuple[Fix, ...] = ()
                if place is not None and glued == _glued(value.expr, param.place):
                    edit = Edit(place, f": {_template(glued, param.place)}")
                    fixes = (Fix("Put a template in its place", (edit,)),)
                notes = (_WHAT[param.place], "In a template, each `{{ value }}` is escaped and nothing else.")
                message = f"`{param.name}` of `{node.id}` is glued together with `+`"
                context.report(Diagnostic("glued-text", message, value.origin, notes=notes, fixes=fixes))


def _ways(expr: Expr) -> Iterator[Expr]:
    """Yield what an expression may be: itself, or what its conditions choose from."""
    if isinstance(expr, Call) and expr.function == "_?_:_":
        for arg in expr.args[1:]:
            yield from _ways(arg)
    else:
        yield expr


def _glued(expr: Expr, place: Place) -> tuple[Expr, ...] | None:
    """Return what is added up, where a text that is written out is among it and a template would escape it in another way."""
    parts = tuple(_parts(expr))
    written = [_is_text(part) for part in parts]
    if len(parts) < 2 or not any(written):
        return None
    if place == "url" and all(is_text or _by_hand(part, place) for part, is_text in zip(parts, written, strict=True)):
        return None
    return parts


def _parts(expr: Expr) -> Iterator[Expr]:
    if isinstance(expr, Call) and expr.function == "_+_":
        for arg in expr.args:
            yield from _parts(arg)
    elif expr != Const(""):
        yield expr


def _is_text(part: Expr) -> bool:
    return isinstance(part, Const) and isinstance(part.value, str)


def _by_hand(part: Expr, place: Place) -> Expr | None:
    """Return what a part escapes for its place, if that is what it does."""
    match part:
        case Call(function=name, target=None, args=(inner,)) if name == _BY_HAND[place]:
            return inner
    return None


def _template(parts: Sequence[Expr], place: Place) -> str:
    """Write a template, in which nothing is escaped by hand; but a URL may begin with what is."""
    from saltern_compiler.frontend.language.print_values import template  # noqa: PLC0415 - few checks write anything

    first = 1 if place == "url" else 0
    inside = [part if number < first else _by_hand(part, place) or part for number, part in enumerate(parts)]
    pieces = [
        part.value if isinstance(part, Const) and isinstance(part.value, str) else Expression(part) for part in inside
    ]
    value = make_template(pieces)
    return template(
        value.parts if isinstance(value, Template) else [piece for piece in pieces if isinstance(piece, str)]
    )
