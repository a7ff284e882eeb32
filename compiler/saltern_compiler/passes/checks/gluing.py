"""Texts glued together where a template would say which part is whose."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from saltern_compiler.diagnostics.model import Diagnostic
from saltern_compiler.diagnostics.suggest import replace_by
from saltern_compiler.expr.ast import Call, Const, Expr
from saltern_compiler.expr.show import show
from saltern_compiler.ir.pipeline import Pipeline
from saltern_compiler.ir.values import Expression
from saltern_compiler.passes.analyses.shape import SHAPE
from saltern_compiler.passes.base import Check, Context

_WHAT: Final = {
    "url": "What comes into a URL that is glued together is not escaped: `&` and `/` in it change what is asked.",
    "slack": "All of what is glued together is escaped, what is written here as well.",
}
_PLAIN: Final = re.compile(r"[^`\\\n{}]*")
"""What a template has as it stands."""


@dataclass(frozen=True, slots=True)
class Gluing(Check):
    """`glued-text`: a warning."""

    name: str = "gluing"

    def check(self, pipeline: Pipeline, context: Context) -> None:
        """Warn of texts that are added up where values are escaped for their place."""
        shape = context.get(SHAPE, pipeline)
        for node in shape.nodes.values():
            spec = shape.spec(node.id)
            for param in () if spec is None else spec.params:
                value = node.param(param.name)
                if not param.place or not isinstance(value, Expression):
                    continue
                glued = next(filter(None, map(_glued, _ways(value.expr))), None)
                if glued is None:
                    continue
                place = node.place(f"param:{param.name}")
                template = _template(glued) if glued == _glued(value.expr) and value.origin.pointer is None else None
                fixes = () if template is None else replace_by([template], place)
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


def _glued(expr: Expr) -> tuple[Expr, ...] | None:
    """Return what is added up, where a text that is written out is among it."""
    parts = tuple(_parts(expr))
    texts = (isinstance(part, Const) and isinstance(part.value, str) for part in parts)
    return parts if len(parts) > 1 and any(texts) else None


def _parts(expr: Expr) -> Iterator[Expr]:
    if isinstance(expr, Call) and expr.function == "_+_":
        for arg in expr.args:
            yield from _parts(arg)
    else:
        yield expr


def _template(parts: Sequence[Expr]) -> str | None:
    """Write a template; None where a text would need escapes, which are the writer's own to choose."""
    written = ""
    for part in parts:
        if isinstance(part, Const) and isinstance(part.value, str):
            if not _PLAIN.fullmatch(part.value):
                return None
            written += part.value
        else:
            written += f"{{{{ {show(part)} }}}}"
    return f"`{written}`"
