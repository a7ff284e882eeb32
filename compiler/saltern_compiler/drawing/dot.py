"""Writes a pipeline in DOT, the language of Graphviz."""

from __future__ import annotations

from collections.abc import Iterator

from saltern_compiler.characters import is_printable
from saltern_compiler.drawing.model import Arrow, Box, Graph

_SHAPES = {"input": "oval", "branch": "hexagon", "result": "oval", "node": "box", "region": "box", "stage": "box"}
_STYLES = {"data": "solid", "control": "dashed", "after": "dotted"}


def draw_dot(graph: Graph, name: str) -> str:
    """Write a directed graph: the same graph gives the same text."""
    lines = [
        f"digraph {_text(name)} {{",
        "  rankdir=LR; compound=true;",
        '  node [fontname="Helvetica", style="rounded"]; edge [fontname="Helvetica", fontsize=10];',
        *_graph(graph, "  "),
        "}",
    ]
    return "\n".join(lines) + "\n"


def _graph(graph: Graph, indent: str) -> Iterator[str]:
    regions = {box.id for box in graph.boxes if box.inner is not None}
    for box in graph.boxes:
        yield from _box(box, indent)
    for arrow in graph.arrows:
        yield indent + _arrow(arrow, regions)


def _box(box: Box, indent: str) -> Iterator[str]:
    label = _text("\n".join(part for part in (box.title, box.type) if part))
    marked = ', color="#cf222e", penwidth=2.5' if box.critical else ""
    if box.inner is None:
        yield f"{indent}{_text(box.id)} [label={label}, shape={_SHAPES[box.kind]}{marked}];"
        return
    yield f"{indent}subgraph {_text('cluster ' + box.id)} {{"
    yield f"{indent}  label={_text(f'{box.title}: {box.detail or box.type}')};"
    if box.critical:
        yield f'{indent}  color="#cf222e"; penwidth=2.5;'
    yield f'{indent}  {_text(box.id)} [label="", shape=point];'
    yield from _graph(box.inner, indent + "  ")
    yield f"{indent}}}"


def _arrow(arrow: Arrow, regions: set[str]) -> str:
    ends = {"ltail": arrow.source, "lhead": arrow.target}
    clusters = [f"{key}={_text('cluster ' + end)}" for key, end in ends.items() if end in regions]
    clusters += ['color="#cf222e"', "penwidth=2.5"] if arrow.critical else []
    said = ", ".join([f"label={_text(arrow.label)}", f"style={_STYLES[arrow.kind]}", *clusters])
    return f"{_text(arrow.source)} -> {_text(arrow.target)} [{said}];"


def _text(text: str) -> str:
    """Quote text; what cannot be printed becomes a replacement character, and a line end an escape."""
    shown = "".join(char if is_printable(char) or char == "\n" else "\N{REPLACEMENT CHARACTER}" for char in text)
    return '"' + shown.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
