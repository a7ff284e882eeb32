"""How templates are set: expressions with one space around, lines indented by what is around the template."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Final

from saltern_compiler.frontend.language.template import Piece, TemplateEscapeError, cut, pieces
from saltern_compiler.layout import Doc, Raw

INDENT: Final = 2
"""Columns of a step to the right."""


def set_template(token: str, inline: Callable[[str], str | None]) -> Doc:
    """Print a template with its backquotes."""
    text = _with_expressions(token, inline)
    if "\n" not in text:
        return text
    lines = text[1:-1].replace("\r\n", "\n").split("\n")
    parts = cut(text, 0)
    in_expression = any(part.is_expression and "\n" in part.text for part in parts)
    if lines[0].strip() or lines[-1].strip() or in_expression:
        return Raw(tuple(text.split("\n")))
    inner = _dedented(lines[1:-1])
    indented = [" " * INDENT + line if line else "" for line in inner]
    if not _same(text, "\n".join(["`", *indented, "`"])):
        return Raw(tuple(text.split("\n")))
    return Raw(("`", *indented, "`"), indented=True)


def _with_expressions(token: str, inline: Callable[[str], str | None]) -> str:
    texts: list[str] = []
    for part in cut(token, 0):
        if not part.is_expression:
            texts.append(part.text)
            continue
        shown = None if "#" in part.text or not part.text.strip() else inline(part.text)
        texts.append("{{" + part.text + "}}" if shown is None else "{{ " + shown + " }}")
    return "`" + "".join(texts) + "`"


def _dedented(lines: Sequence[str]) -> list[str]:
    indents = [line[: len(line) - len(line.lstrip(" \t"))] for line in lines if line.strip(" \t")]
    common = len(os.path.commonprefix(indents))  # noqa: RUF071 - character by character is what is meant: these are no paths
    return [line[common:] if line.strip(" \t") else "" for line in lines]


def _same(text: str, other: str) -> bool:
    """Whether two templates mean the same; one that cannot be read, of which its place says so, is left as it is."""
    try:
        return _meaning(text) == _meaning(other)
    except TemplateEscapeError:
        return False


def _meaning(token: str) -> list[tuple[str, bool]]:
    parts: Sequence[Piece] = pieces(token, 0)
    return [(part.text, part.is_expression) for part in parts if part.text]
