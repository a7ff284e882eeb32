"""Templates: text in backquotes with `{{ expressions }}`, without its common indentation and its outer line ends."""

from __future__ import annotations

import os
import re
from typing import Final

from saltern_compiler.expr.ast import Span
from saltern_compiler.expr.literals import EscapeError, read_string
from saltern_runtime.dataclass import dataclass

_EXPRESSION: Final = re.compile(
    r"""\{\{((?:"(?:[^"\\\r\n]|\\.)*"|'(?:[^'\\\r\n]|\\.)*'|`[^`\r\n]+`|[^"'`}]|\}(?!\}))*)\}\}""", re.DOTALL
)
_TEXT: Final = re.compile(r"(?:[^\\{]|\\.|\{(?!\{))+", re.DOTALL)
_ESCAPE: Final = re.compile(r"\\(?:[xX][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-3][0-7]{2}|.)", re.DOTALL)
_INDENT: Final = re.compile(r"\n([ \t]*)")


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a template: its text as it is read, or, with `is_expression`, source text; `span` in the source."""

    text: str
    span: Span
    is_expression: bool = False


class TemplateEscapeError(ValueError):
    """An escape sequence of a template stands for nothing."""

    def __init__(self, reason: str, span: Span) -> None:
        super().__init__(reason)
        self.span = span


def pieces(token: str, start: int) -> list[Piece]:
    """Read a template with its backquotes, which begins at `start` in the source; raises `TemplateEscapeError`."""
    raw = cut(token, start)
    return [part if part.is_expression else _finish(part) for part in _dedent(raw)]


def cut(token: str, start: int) -> list[Piece]:
    """Cut a template with its backquotes into texts and expressions, as they are written."""
    parts: list[Piece] = []
    at, end = 1, len(token) - 1
    while at < end:
        match = _EXPRESSION.match(token, at, end)
        if match:
            parts.append(Piece(match.group(1), (start + match.start(1), start + match.end(1)), is_expression=True))
        else:
            match = _TEXT.match(token, at, end)
            assert match is not None, "the lexer lets through only what one of the two patterns matches"
            parts.append(Piece(match.group(), (start + match.start(), start + match.end())))
        at = match.end()
    return parts


def _dedent(parts: list[Piece]) -> list[Piece]:
    """Take off the first and last line end and what all lines begin with; blank lines have no say and become empty."""
    texts = [part.text.replace("\r\n", "\n") if not part.is_expression else None for part in parts]
    if texts and texts[-1] is not None:
        texts[-1] = re.sub(r"\n[ \t]*\Z", "\n", texts[-1])
    common = _common_indent(texts)
    for place, text in enumerate(texts):
        if text is None:
            continue
        is_last = place == len(texts) - 1
        lines = text.split("\n")
        for number in range(1, len(lines)):
            is_blank = not lines[number].strip(" \t") and (number < len(lines) - 1 or is_last)
            lines[number] = "" if is_blank else lines[number][common:]
        texts[place] = "\n".join(lines)
    if texts and texts[0] is not None:
        texts[0] = re.sub(r"\A[ \t]*\n", "", texts[0])
    if texts and texts[-1] is not None:
        texts[-1] = texts[-1].removesuffix("\n")
    return [part if text is None else Piece(text, part.span) for part, text in zip(parts, texts, strict=True)]


def _common_indent(texts: list[str | None]) -> int:
    indents: list[str] = []
    for place, text in enumerate(texts):
        if text is None:
            continue
        for match in _INDENT.finditer(text):
            ends_text = match.end() == len(text)
            if ends_text and place == len(texts) - 1:
                continue
            if not ends_text and text[match.end()] == "\n":
                continue
            indents.append(match.group(1))
    return len(os.path.commonprefix(indents))  # noqa: RUF071 - character by character is what is meant: these are no paths


def _finish(part: Piece) -> Piece:
    """Read the escapes of a text: those of strings, and a brace after a backslash."""

    def read(match: re.Match[str]) -> str:
        text = match.group()
        if text == "\\{":
            return "{"
        try:
            return read_string(f'"{text}"')
        except EscapeError as error:
            raise TemplateEscapeError(str(error), part.span) from None

    return Piece(_ESCAPE.sub(read, part.text), part.span)
