"""The document of a visual editor, as JSON or YAML: to pipeline and back, and its JSON Schema."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from typing import Final

from saltern_compiler.frontend.moves import Move, Renewed, Replaced
from saltern_compiler.frontend.notation import Aside, Directives, Layout, Locate, Notation, Reading
from saltern_compiler.frontend.remarks import DIRECTIVE
from saltern_compiler.ir.pipeline import Pipeline
from saltern_compiler.registry import Registry

_YAML: Final = re.compile(r"^[\"']?(schemaVersion|nodes|triggers)[\"']?\s*:", re.MULTILINE)


def _read(text: str, registry: Registry, *, yaml: bool) -> Reading:
    from saltern_compiler.frontend.document.reader import read  # noqa: PLC0415 - the language needs no YAML

    return read(text, yaml, registry)


def _locate(text: str, *, yaml: bool) -> Locate:
    from saltern_compiler.frontend.document.pointers import Pointers  # noqa: PLC0415 - the language needs no YAML

    return Pointers(text, yaml).offsets


def _aside(text: str, registry: Registry, *, yaml: bool) -> Aside:
    from saltern_compiler.frontend.document.canvas import aside_of  # noqa: PLC0415 - the language needs no YAML

    pipeline, _ = _read(text, registry, yaml=yaml)
    return Aside() if pipeline is None else aside_of(text, pipeline, yaml=yaml)


def _directives(text: str, registry: Registry, *, yaml: bool) -> Directives | None:
    if "allow" not in text and DIRECTIVE not in text:
        return None
    from saltern_compiler.frontend.document.allowing import directives_of  # noqa: PLC0415 - the language needs no YAML

    pipeline, _ = _read(text, registry, yaml=yaml)
    return None if pipeline is None else directives_of(text, pipeline, yaml=yaml)


def _print(pipeline: Pipeline, aside: Aside, registry: Registry) -> str:
    from saltern_compiler.frontend.document.canvas import Canvas  # noqa: PLC0415 - the language needs no YAML
    from saltern_compiler.frontend.document.printer import print_document  # noqa: PLC0415 - the language needs no YAML

    canvas = aside.layout if isinstance(aside.layout, Canvas) else Canvas()
    return print_document(pipeline, aside.remarks, aside.orders, canvas, registry)


def _read_layout(text: str) -> Layout:
    from saltern_compiler.frontend.document.canvas import read_layout  # noqa: PLC0415 - the language needs no YAML

    return read_layout(text)


def _move(text: str, moves: Sequence[Move], *, yaml: bool) -> Sequence[Replaced]:
    from saltern_compiler.frontend.document.moving import move_nodes  # noqa: PLC0415 - few documents have old nodes

    return move_nodes(text, moves, yaml=yaml)


def _renew(text: str, to: int | None, *, yaml: bool) -> Renewed | None:
    from saltern_compiler.frontend.document.renewing import renew  # noqa: PLC0415 - the language needs no YAML

    return renew(text, to, yaml=yaml)


DOCUMENT: Final = Notation(
    name="document",
    suffixes=(".json",),
    sniff=lambda text: text.lstrip("\ufeff \t\r\n")[:1] == "{",
    read=partial(_read, yaml=False),
    locate=partial(_locate, yaml=False),
    aside=partial(_aside, yaml=False),
    directives=partial(_directives, yaml=False),
    print=_print,
    read_layout=_read_layout,
    move=partial(_move, yaml=False),
    renew=partial(_renew, yaml=False),
)
YAML: Final = Notation(
    name="document in YAML",
    suffixes=(".yaml", ".yml"),
    sniff=lambda text: _YAML.search(text) is not None,
    read=partial(_read, yaml=True),
    locate=partial(_locate, yaml=True),
    aside=partial(_aside, yaml=True),
    directives=partial(_directives, yaml=True),
    move=partial(_move, yaml=True),
    renew=partial(_renew, yaml=True),
)
