"""Plain paths, such as `input.name`: most of what stands in templates, and read without a parser."""

from __future__ import annotations

import re
from typing import Final

from saltern_compiler.expr.ast import Expr, Ident, Select, Span

_PATH: Final = re.compile(r"[ \t\r\n]*([_a-zA-Z][_a-zA-Z0-9]*(?:\.[_a-zA-Z][_a-zA-Z0-9]*){0,9})[ \t\r\n]*")
_WORDS: Final = frozenset({"true", "false", "null", "in", "type", "if", "switch", "return", "yield", "next"})
"""Words that a grammar may read as something else than a name."""


def path_of(text: str, span: Span) -> Expr | None:
    """Return what a part of a text says, if it is a plain path: just what a parser makes of it."""
    match = _PATH.fullmatch(text, *span)
    if match is None:
        return None
    names = match[1].split(".")
    if not _WORDS.isdisjoint(names):
        return None
    start = match.start(1)
    end = start + len(names[0])
    expr: Expr = Ident(names[0], span=(start, end))
    for name in names[1:]:
        end += 1 + len(name)
        expr = Select(expr, name, span=(start, end))
    return expr
