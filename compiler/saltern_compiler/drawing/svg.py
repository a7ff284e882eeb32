"""Draws a pipeline as SVG: one file, no fonts, no scripts, legible on light and on dark."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import field
from typing import Final
from xml.sax.saxutils import escape

from saltern_compiler.characters import is_printable
from saltern_compiler.drawing.layered import Line, Link, Point, Size, place
from saltern_compiler.drawing.model import Arrow, Box, Graph
from saltern_compiler.drawing.text import fit, width
from saltern_runtime.dataclass import dataclass

_TITLE: Final = 14.0
_SMALL: Final = 11.5
_ROOM: Final = 205.0
"""Text in a box is cut to this."""
_LABEL: Final = 170.0
_PAD: Final = 14.0
_PORT: Final = 19.0
"""Between two lines that end at one box: a label fits between them."""
_HEAD: Final = 48.0
_MARGIN: Final = 28.0
_GAP: Final = 56.0

_FIT: Final = 'lengthAdjust="spacingAndGlyphs"'
"""Whatever font a reader has, text is as wide as it was measured."""

_STYLE: Final = """
  svg { --page: #ffffff; --ink: #1f2328; --soft: #59636e; --line: #6e7781; --box: #f6f8fa; --edge: #8c959f;
        --branch: #fff4d6; --branch-edge: #9a6700; --result: #dafbe1; --result-edge: #1a7f37;
        --input: #ddf4ff; --input-edge: #0969da; --region: #f5f0ff; --region-edge: #8250df; --control: #9a6700; }
  @media (prefers-color-scheme: dark) {
    svg { --page: #0d1117; --ink: #f0f6fc; --soft: #a7b1bc; --line: #8b949e; --box: #161b22; --edge: #6e7681;
          --branch: #2e2407; --branch-edge: #d29922; --result: #0f2a17; --result-edge: #3fb950;
          --input: #0c2340; --input-edge: #4493f8; --region: #1b1530; --region-edge: #ab7df8; --control: #d29922; }
  }
  .page { fill: var(--page) }
  text { font-family: Helvetica, Arial, "Liberation Sans", sans-serif; fill: var(--ink) }
  .title { font-size: 14px; font-weight: bold }
  .small { font-size: 11.5px; fill: var(--soft) }
  .label { font-size: 11.5px; stroke: var(--page); stroke-width: 4px; paint-order: stroke; stroke-linejoin: round }
  .in-region .label { stroke: var(--region) }
  .box { fill: var(--box); stroke: var(--edge); stroke-width: 1.25 }
  .branch .box { fill: var(--branch); stroke: var(--branch-edge) }
  .result .box { fill: var(--result); stroke: var(--result-edge) }
  .input .box { fill: var(--input); stroke: var(--input-edge) }
  .region .box { fill: var(--region); stroke: var(--region-edge) }
  .faded { opacity: 0.55 }
  .arrow { fill: none; stroke: var(--line); stroke-width: 1.5 }
  .control { stroke: var(--control); stroke-dasharray: 6 4 }
  .after { stroke-dasharray: 2 4 }
  .head { fill: var(--line) }
  .control-head, .control-label { fill: var(--control) }
"""


_CRITICAL: Final = """\
  .critical > .box { stroke: #cf222e; stroke-width: 2.5 }
  .arrow.critical { stroke: #cf222e; stroke-width: 2.5 }
  .critical-head { fill: #cf222e }
"""

_STAGES: Final = """  .stage .box { fill: none; stroke: var(--soft); stroke-dasharray: 2 3 }
  .stage + .in-region .label { stroke: var(--page) }
"""
"""What a picture with stages in it has as well."""


def draw_svg(graph: Graph, name: str) -> str:
    """Draw a graph under its name: the same graph gives the same bytes."""
    picture = _Picture(graph)
    across, down = picture.size
    is_marked = any(box.critical for box in graph.boxes)
    full = (max(across, width(name, 18, bold=True)) + 2 * _MARGIN, down + 2 * _MARGIN + 34)
    size = f'width="{_n(full[0])}" height="{_n(full[1])}" viewBox="0 0 {_n(full[0])} {_n(full[1])}"'
    said = f'xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{_attribute(f"The pipeline {name}")}"'
    parts = [
        f"<svg {size} {said}>",
        f"<title>{_text(name)}</title>",
        f"<style>{_STYLE}{_CRITICAL if is_marked else ''}{_STAGES if _has_stages(graph) else ''}</style>",
        "<defs>",
        *(_marker(kind) for kind in ("head", "control-head", *(("critical-head",) if is_marked else ()))),
        "</defs>",
        f'<rect class="page" width="{_n(full[0])}" height="{_n(full[1])}" rx="8"/>',
        f'<text x="{_n(_MARGIN)}" y="{_n(_MARGIN + 6)}" style="font-size: 18px; font-weight: bold">{_text(name)}</text>',
        *picture.draw((_MARGIN, _MARGIN + 34)),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _has_stages(graph: Graph) -> bool:
    return any(box.kind == "stage" or (box.inner is not None and _has_stages(box.inner)) for box in graph.boxes)


@dataclass
class _Picture:
    """A graph with sizes and places."""

    graph: Graph
    inner: dict[str, _Picture] = field(default_factory=dict)
    sizes: dict[str, Size] = field(default_factory=dict)

    def __post_init__(self) -> None:
        arrows = self.graph.arrows
        for box in self.graph.boxes:
            if box.inner is not None:
                self.inner[box.id] = _Picture(box.inner)
            ends = max(
                sum(arrow.target == box.id for arrow in arrows), sum(arrow.source == box.id for arrow in arrows) / 2
            )
            self.sizes[box.id] = self._size(box, ends)
        links = [Link(arrow.source, arrow.target, _room(arrow)) for arrow in arrows]
        self.placed = place(self.sizes, links, gap=_GAP)
        self.size = self.placed.size

    def _size(self, box: Box, ends: float) -> Size:
        texts = [(box.title, _TITLE, True), (box.type, _SMALL, False), (box.detail, _SMALL, False)]
        across = max(min(width(text, size, bold=bold), _ROOM) for text, size, bold in texts) + 2 * _PAD
        down = max(_HEAD + (17 if box.detail else 0), ends * _PORT + 10)
        if box.id in self.inner:
            inside = self.inner[box.id].size
            return max(across, inside[0] + 2 * _PAD + 20), inside[1] + 66 + 2 * _PAD
        return max(across, 92.0), down

    def draw(self, at: Point) -> Iterator[str]:
        """Draw lines first, so that they pass below boxes, and labels last, so that nothing hides them."""
        boxes = {name: (x + at[0], y + at[1]) for name, (x, y) in self.placed.boxes.items()}
        lines = self._lines(boxes, [line.moved(at) for line in self.placed.lines])
        yield from (line[0] for line in lines)
        for box in self.graph.boxes:
            yield from self._box(box, boxes[box.id])
        yield from (line[1] for line in lines if line[1])

    def _box(self, box: Box, at: Point) -> Iterator[str]:
        across, down = self.sizes[box.id]
        classes = box.kind + (" faded" if box.faded else "") + (" critical" if box.critical else "")
        said = "\n".join(part for part in (box.title, box.type, box.detail) if part)
        yield f'<g class="{classes}"><title>{_text(said)}</title>'
        yield f'<rect class="box" x="{_n(at[0])}" y="{_n(at[1])}" width="{_n(across)}" height="{_n(down)}" rx="8"/>'
        lines = [("title", box.title, _TITLE), ("small", box.type, _SMALL), ("small", box.detail, _SMALL)]
        lines = [line for line in lines if line[1]]
        is_region = box.id in self.inner
        y = at[1] + (22 if is_region else (down - 17 * (len(lines) - 1)) / 2 + 4.5)
        for style, text, size in lines:
            shown = fit(text, size, across - 2 * _PAD + 1, bold=style == "title")
            long = _n(width(shown, size, bold=style == "title"))
            at_x = _n(at[0] + _PAD)
            yield f'<text class="{style}" x="{at_x}" y="{_n(y)}" textLength="{long}" {_FIT}>{_text(shown)}</text>'
            y += 17
        yield "</g>"
        if is_region:
            yield '<g class="in-region">'
            yield from self.inner[box.id].draw((at[0] + _PAD + 10, at[1] + 66))
            yield "</g>"

    def _lines(self, boxes: dict[str, Point], ways: Sequence[Line]) -> list[tuple[str, str]]:
        starts = self._ports(boxes, ways, outgoing=True)
        ends = self._ports(boxes, ways, outgoing=False)
        drawn: list[tuple[str, str]] = []
        for number, arrow in enumerate(self.graph.arrows):
            path = _path(starts[number], ways[number], ends[number])
            head = "critical-head" if arrow.critical else "control-head" if arrow.kind == "control" else "head"
            marked = " critical" if arrow.critical else ""
            line = f'<path class="arrow {arrow.kind}{marked}" d="{path}" marker-end="url(#{head})"/>'
            drawn.append((line, _label(arrow, ends[number])))
        return drawn

    def _ports(self, boxes: dict[str, Point], ways: Sequence[Line], *, outgoing: bool) -> list[Point]:
        """Spread the ends of lines over the side of a box, in the order in which they come and go."""
        ends: dict[str, list[tuple[float, int]]] = {}
        for number, arrow in enumerate(self.graph.arrows):
            box, other = (arrow.source, arrow.target) if outgoing else (arrow.target, arrow.source)
            through = ways[number].through
            y = through[0 if outgoing else -1][0][1] if through else boxes[other][1] + self.sizes[other][1] / 2
            ends.setdefault(box, []).append((y, number))
        ports: list[Point] = [(0, 0)] * len(self.graph.arrows)
        for box, lines in ends.items():
            (x, y), (across, down) = boxes[box], self.sizes[box]
            step = min(_PORT, (down - 12) / len(lines))
            for place_of, (_, number) in enumerate(sorted(lines)):
                at = y + down / 2 + (place_of - (len(lines) - 1) / 2) * step
                ports[number] = (x + across if outgoing else x, at)
        return ports


def _room(arrow: Arrow) -> float:
    return width(fit(arrow.label, _SMALL, _LABEL), _SMALL) + 12 if arrow.label else 0


def _path(start: Point, way: Line, end: Point) -> str:
    """Draw a line that bends between layers alone."""
    at = (max(way.leave, start[0]), start[1])
    commands = [f"M {_n(start[0])} {_n(start[1])}", f"H {_n(at[0])}"]
    for arrive, leave in [*way.through, ((way.arrive, end[1]), (end[0] - 1, end[1]))]:
        reach = (arrive[0] - at[0]) / 2
        commands.append(
            f"C {_n(at[0] + reach)} {_n(at[1])} {_n(arrive[0] - reach)} {_n(arrive[1])} {_n(arrive[0])} {_n(arrive[1])}"
        )
        commands.append(f"H {_n(leave[0])}")
        at = leave
    return " ".join(commands)


def _label(arrow: Arrow, end: Point) -> str:
    if not arrow.label:
        return ""
    shown = fit(arrow.label, _SMALL, _LABEL)
    classes = "label control-label" if arrow.kind == "control" else "label"
    long = width(shown, _SMALL)
    at = f'x="{_n(end[0] - 12 - long)}" y="{_n(end[1] - 4)}" textLength="{_n(long)}" {_FIT}'
    return f'<text class="{classes}" {at}>{_text(shown)}<title>{_text(arrow.label)}</title></text>'


def _marker(kind: str) -> str:
    size = 'markerWidth="8" markerHeight="8" refX="7" refY="4" orient="auto" markerUnits="userSpaceOnUse"'
    return f'<marker id="{kind}" {size}><path class="{kind}" d="M 0 0 L 8 4 L 0 8 z"/></marker>'


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _text(text: str) -> str:
    """Escape text; what XML has no way to say becomes a replacement character."""
    allowed = (char if is_printable(char) or char in "\n\t" else "\N{REPLACEMENT CHARACTER}" for char in text)
    return escape("".join(allowed))


def _attribute(text: str) -> str:
    return escape(_text(text).replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">"), {'"': "&quot;"})
