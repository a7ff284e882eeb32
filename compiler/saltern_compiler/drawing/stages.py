"""A picture with a frame around the nodes of each stage; a node without one is a stage of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from saltern_compiler.drawing.model import Arrow, Box, Graph, LineKind
from saltern_compiler.ir.plan import Plan


def staged(graph: Graph, plan: Plan) -> Graph:
    """Put the boxes of each stage of several nodes into a box of their own; lines to what is outside of it begin and end there."""
    frames = {node: stage.name for stage in plan.stages if len(stage.nodes) > 1 for node in stage.nodes}
    return _framed(graph, frames)


def _framed(graph: Graph, frames: Mapping[str, str]) -> Graph:
    boxes = [box if box.inner is None else replace(box, inner=_framed(box.inner, frames)) for box in graph.boxes]
    within: dict[str, list[Box]] = {}
    for box in boxes:
        if box.id in frames:
            within.setdefault(frames[box.id], []).append(box)
    home = {box.id: f"stage {frames[box.id]}" if box.id in frames else box.id for box in boxes}
    drawn: dict[str, Box] = {}
    for box in boxes:
        inner = within.get(frames.get(box.id, ""), [])
        drawn[home[box.id]] = _frame(home[box.id], inner, graph.arrows) if box.id in frames else box
    outside = (arrow for arrow in graph.arrows if home[arrow.source] != home[arrow.target])
    return Graph(tuple(drawn.values()), tuple(_joined(outside, home)))


def _frame(name: str, boxes: list[Box], arrows: Iterable[Arrow]) -> Box:
    ids = {box.id for box in boxes}
    inner = tuple(arrow for arrow in arrows if {arrow.source, arrow.target} <= ids)
    return Box(name, name, "stage", f"{len(boxes)} nodes", inner=Graph(tuple(boxes), inner))


def _joined(arrows: Iterable[Arrow], home: Mapping[str, str]) -> list[Arrow]:
    """Make one line of all that lead from one box to another in the same way; it says of which nodes of a frame it tells."""
    lines: dict[tuple[str, str, LineKind], dict[str, None]] = {}
    for arrow in arrows:
        source, target = home[arrow.source], home[arrow.target]
        said = arrow.label
        if source != arrow.source:
            said = f"{arrow.source}: {arrow.label}" if arrow.kind == "control" else arrow.source
        labels = lines.setdefault((source, target, arrow.kind), {})
        if said:
            labels[said] = None
    return [Arrow(source, target, kind, ", ".join(labels)) for (source, target, kind), labels in lines.items()]
