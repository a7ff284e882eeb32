"""Writes a pipeline as a Mermaid flowchart, which GitHub and many editors draw."""

from __future__ import annotations

from collections.abc import Iterator

from saltern_compiler.characters import is_printable
from saltern_compiler.drawing.model import Arrow, Box, Graph

_SHAPES = {"input": ("([", "])"), "branch": ("{{", "}}"), "result": ("([", "])"), "node": ("[", "]")}
_LINES = {"data": "-->", "control": "-.->", "after": "-.->"}


def draw_mermaid(graph: Graph) -> str:
    """Write a flowchart: the same graph gives the same text."""
    numbers: dict[str, str] = {}
    lines = ["flowchart LR", *_graph(graph, numbers, "  ")]
    lines += [f"  style {numbers[name]} stroke:#cf222e,stroke-width:3px" for name in _critical(graph)]
    return "\n".join(lines) + "\n"


def _critical(graph: Graph) -> Iterator[str]:
    for box in graph.boxes:
        if box.critical:
            yield box.id
        if box.inner is not None:
            yield from _critical(box.inner)


def _graph(graph: Graph, numbers: dict[str, str], indent: str) -> Iterator[str]:
    for box in graph.boxes:
        numbers[box.id] = f"n{len(numbers)}"
        yield from _box(box, numbers, indent)
    for arrow in graph.arrows:
        yield indent + _arrow(arrow, numbers)


def _box(box: Box, numbers: dict[str, str], indent: str) -> Iterator[str]:
    number = numbers[box.id]
    if box.inner is not None:
        yield f'{indent}subgraph {number}["{_text(box.title)}: {_text(box.detail or box.type)}"]'
        yield f"{indent}  direction LR"
        yield from _graph(box.inner, numbers, indent + "  ")
        yield f"{indent}end"
        return
    opening, closing = _SHAPES[box.kind]
    lines = "<br>".join(_text(part) for part in (box.title, box.type) if part)
    yield f'{indent}{number}{opening}"{lines}"{closing}'


def _arrow(arrow: Arrow, numbers: dict[str, str]) -> str:
    label = f'|"{_text(arrow.label)}"|' if arrow.label else ""
    return f"{numbers[arrow.source]} {_LINES[arrow.kind]}{label} {numbers[arrow.target]}"


def _text(text: str) -> str:
    """Write every character that Mermaid, Markdown or HTML could take for its own as an entity."""
    return "".join(
        char if (char.isalnum() and is_printable(char)) or char in " _.,:-/" else f"#{ord(char)};"
        for char in " ".join(text.split())
    )
