"""The Saltern language: text to pipeline and back, and its one look."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from saltern_compiler.diagnostics.model import Diagnostic
from saltern_compiler.frontend.moves import Move, Replaced
from saltern_compiler.frontend.notation import Aside, Directives, Notation, Reading, by_offsets
from saltern_compiler.frontend.remarks import DIRECTIVE, Remarks, written
from saltern_compiler.ir.pipeline import Pipeline
from saltern_compiler.registry import Registry

_LINE: Final = re.compile(r"^\s*(pipeline\s|#|@)", re.MULTILINE)


def _read(text: str, registry: Registry) -> Reading:  # noqa: ARG001 - the language says by itself what owns a body
    from saltern_compiler.frontend.language.reader import read  # noqa: PLC0415 - a document needs no grammar

    return read(text)


def _aside(text: str, registry: Registry) -> Aside:  # noqa: ARG001 - comments stand where they stand
    from saltern_compiler.frontend.language.comments import read_remarks  # noqa: PLC0415 - a document needs no grammar

    return Aside(*read_remarks(text.removeprefix("\ufeff").replace("\r\n", "\n")))


def _directives(text: str, registry: Registry) -> Directives | None:  # noqa: ARG001 - comments stand where they stand
    if DIRECTIVE not in text:
        return None
    from saltern_compiler.frontend.language.comments import read_directives  # noqa: PLC0415 - a document needs no grammar

    return read_directives(" " + text[1:] if text.startswith("\ufeff") else text)


def _print(pipeline: Pipeline, aside: Aside, registry: Registry) -> str:
    from saltern_compiler.frontend.language.printer import print_language  # noqa: PLC0415 - a document needs no grammar

    remarks = Remarks.of([replace(remark, text=written(remark.text)) for remark in aside.remarks])
    return print_language(pipeline, remarks, aside.orders, registry)


def _format(text: str) -> tuple[str | None, list[Diagnostic]]:
    from saltern_compiler.frontend.language.format import format_text  # noqa: PLC0415 - a document needs no grammar

    return format_text(text)


def _move(text: str, moves: Sequence[Move]) -> Sequence[Replaced]:
    from saltern_compiler.frontend.language.moving import move_nodes  # noqa: PLC0415 - few texts have old nodes

    return move_nodes(text, moves)


LANGUAGE: Final = Notation(
    name="language",
    suffixes=(".saltern",),
    sniff=lambda text: _LINE.search(text) is not None,
    read=_read,
    locate=by_offsets,
    aside=_aside,
    directives=_directives,
    print=_print,
    format=_format,
    move=_move,
)
