"""What a picture of a pipeline shows: boxes, lines between them, and boxes inside of boxes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final, Literal

from saltern_compiler.expr.show import show as show_expr
from saltern_compiler.ir.attempts import CATCH
from saltern_compiler.ir.graph import reads, topological
from saltern_compiler.ir.pipeline import CHECK, RESULT_TYPES, Node, Pipeline, Region, Trigger, called_by
from saltern_compiler.ir.values import Expression, Template, Value
from saltern_compiler.ir.values import Literal as LiteralValue
from saltern_compiler.registry import Registry
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec.names import CASE, INPUT

_SAID: Final = (
    "condition",
    "value",
    "items",
    "function",
    "sql",
    "url",
    "channel",
    "text",
    "prompt",
    "for",
    "until",
    "join",
)
"""Parameters that tell what a node does, the most telling first."""

Kind = Literal["input", "branch", "region", "result", "node", "stage"]
LineKind = Literal["data", "control", "after"]


@dataclass(frozen=True, slots=True)
class Box:
    """A node: its name, what it is, and a line about what it does; `inner` is what stands in a region."""

    id: str
    title: str
    kind: Kind
    type: str
    detail: str = ""
    faded: bool = False
    inner: Graph | None = None
    critical: bool = False
    """Whether it stands on the longest way through a run."""


@dataclass(frozen=True, slots=True)
class Arrow:
    """A line between two boxes of one graph: `control` where the target hangs on a handle, `after` where it only waits."""

    source: str
    target: str
    kind: LineKind
    label: str = ""
    critical: bool = False
    """Whether it is a step of the longest way through a run."""


@dataclass(frozen=True, slots=True)
class Graph:
    """Boxes in the order of the flow, and lines in that of their ends."""

    boxes: Sequence[Box]
    arrows: Sequence[Arrow]


def graph_of(pipeline: Pipeline, registry: Registry) -> Graph:
    """Return what there is to draw of a pipeline."""
    graph = _graph(pipeline.body, registry)
    starts = ", ".join(_trigger(trigger) for trigger in pipeline.triggers)
    fields = ", ".join(field.name for field in pipeline.input.fields)
    start = Box(INPUT, INPUT, "input", starts or "on api", fields)
    arrows = _arrows(pipeline.body, frozenset({INPUT}))
    return Graph((start, *graph.boxes), arrows)


def with_critical(graph: Graph, ways: Collection[Sequence[str]]) -> Graph:
    """Mark nodes on ways, and the lines from one to the next."""
    nodes = {name for way in ways for name in way}
    steps = {step for way in ways for step in pairwise(way)}
    boxes = tuple(
        replace(
            box,
            critical=box.id in nodes,
            inner=None if box.inner is None else with_critical(box.inner, ways),
        )
        for box in graph.boxes
    )
    arrows = tuple(replace(arrow, critical=(arrow.source, arrow.target) in steps) for arrow in graph.arrows)
    return Graph(boxes, arrows)


def _graph(region: Region, registry: Registry) -> Graph:
    order = topological(region)
    nodes = order if isinstance(order, tuple) else region.nodes
    return Graph(tuple(_box(node, registry) for node in nodes if node.type != CHECK), _arrows(region, frozenset()))


def _box(node: Node, registry: Registry) -> Box:
    called = called_by(node)
    shown = node.type.replace(".", " ", 1) if called else node.type + ("" if node.version == 1 else f"@{node.version}")
    shown += f" · {node.connection}" if node.connection else ""
    shown += " · off" if node.disabled else ""
    title = node.id.rpartition("/")[2]
    inner = None if node.body is None else _graph(node.body, registry)
    return Box(node.id, title, _kind(node, registry), shown, _detail(node), node.disabled, inner)


def _kind(node: Node, registry: Registry) -> Kind:
    if node.body is not None:
        return "region"
    if node.type in RESULT_TYPES:
        return "result"
    spec = registry.node(node.type, node.version)
    return "branch" if spec is not None and spec.handles else "node"


def _detail(node: Node) -> str:
    """Say what a node does: its label, else what a telling parameter says."""
    if node.label:
        return node.label
    telling = next((_said(value) for name in _SAID if (value := node.param(name)) is not None), "")
    asked = None if node.body is None else node.body.node(f"{node.id}/{CHECK}")
    if asked is not None:
        return f"as long as {_said(asked.param('value'))}"
    if node.type == CATCH and node.body is not None:
        return f"failure as {node.body.variables[0]}" if node.body.variables else ""
    if node.body is not None and node.body.variables:
        bound = f"each {', '.join(node.body.variables)}"
        return f"{bound} in {telling}" if telling else bound
    return telling


def _said(value: Value | None) -> str:
    match value:
        case Expression(expr=expr):
            return show_expr(expr)
        case LiteralValue(value=str() as text):
            return text
        case LiteralValue(value=bool() | int() | float() as number):
            return str(number).lower()
        case Template(parts=parts):
            return "".join(part if isinstance(part, str) else f"{{{{ {show_expr(part.expr)} }}}}" for part in parts)
        case _:
            return ""


def _trigger(trigger: Trigger) -> str:
    main = trigger.setting("path") or trigger.setting("cron")
    return f"on {trigger.type} {_said(main)}".rstrip()


def _arrows(region: Region, ambient: frozenset[str]) -> tuple[Arrow, ...]:
    """Join what one node reads of another into one line, and draw one for each handle that it hangs on."""
    known = {node.id for node in region.nodes if node.type != CHECK} | ambient
    arrows: list[Arrow] = []
    for node in region.nodes:
        handles: dict[str, list[str]] = {}
        for edge in node.control:
            handles.setdefault(edge.source, []).append(edge.handle.removeprefix(CASE))
        any_of = "any: " if node.join == "any" and len(node.control) > 1 else ""
        arrows += [Arrow(source, node.id, "control", any_of + ", ".join(names)) for source, names in handles.items()]
        fields: dict[str, list[str]] = {}
        for read in reads(node):
            if read.name in known and read.name != node.id:
                names = fields.setdefault(read.name, [])
                name = ".".join(read.reference.path)
                if name and name not in names:
                    names.append(name)
        arrows += [Arrow(source, node.id, "data", ", ".join(names)) for source, names in fields.items()]
        others = handles.keys() | fields.keys()
        arrows += [Arrow(source, node.id, "after", "after") for source in node.after if source not in others]
    return tuple(arrow for arrow in arrows if arrow.source in known and arrow.target in known)
