"""Edges of an editor document: data edges become bindings, control edges hang nodes on handles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field, replace
from typing import Final

from saltern_compiler.diagnostics.model import Origin, Related
from saltern_compiler.expr.ast import NO_SPAN, Call, Expr, Ident, Select
from saltern_compiler.frontend.document.jsontext import shorten
from saltern_compiler.frontend.document.nodes import Drawing
from saltern_compiler.frontend.document.report import Report
from saltern_compiler.frontend.document.shape import EDGE, EDGE_DATA, NOTE_TYPES
from saltern_compiler.frontend.document.values import unreadable
from saltern_compiler.ir.pipeline import ControlEdge, Node
from saltern_compiler.ir.values import Expression, Value, make_list
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import Json
from saltern_runtime.spec.names import AMBIENT, CASE, COMPENSATE, ELSE, OUTCOMES, THEN

OUT: Final = "out"
IN: Final = "in"
DONE: Final = "done"


@dataclass(slots=True)
class _Edge:
    """An edge whose ends exist."""

    source: str
    target: str
    source_handle: str | None
    target_handle: str | None
    kind: str
    order: float | None
    place: Origin
    is_broken: bool = False
    """Its beginning has been reported: whatever it ends at has a value all the same, of which no more is known."""

    def place_of(self, key: str) -> Origin:
        """Return the place of a handle, or of the edge where it has none."""
        given = self.source_handle if key == "sourceHandle" else self.target_handle
        return self.place if given is None else self.place.child(key)


@dataclass(slots=True)
class _Binding:
    """A data edge on its way into a parameter."""

    edge: _Edge
    fields: tuple[str, ...]
    target_place: Origin

    def expr(self, *, spans: bool) -> Expr:
        """Write `out.<field>` as `source.field`; its spans count inside of the handle."""
        end = len(OUT)
        path: Expr = Ident(self.edge.source, (0, end) if spans else NO_SPAN)
        for name in self.fields:
            end += 1 + len(name)
            path = Select(path, name, span=(0, end) if spans else NO_SPAN)
        return path

    def expression(self) -> Expression:
        """Return the edge as a value, with its place."""
        return Expression(self.expr(spans=True), self.edge.place_of("sourceHandle"))


@dataclass(slots=True)
class Wiring:
    """What the edges say about each node."""

    bindings: dict[str, dict[str, list[_Binding]]] = field(default_factory=dict)
    """Node id → parameter → edges into it."""
    control: dict[str, list[ControlEdge]] = field(default_factory=dict)
    after: dict[str, dict[str, Origin]] = field(default_factory=dict)


def read_edges(values: Sequence[Json], drawing: Drawing, origin: Origin, report: Report) -> Wiring:
    """Read all edges."""
    wiring = Wiring()
    for index, value in enumerate(values):
        edge = _edge(value, drawing, origin.child(index), report)
        if edge is None:
            continue
        if edge.kind in {"resource", "tool"}:
            note = "Edges carry values or branches. What a model or an agent is given stands in its parameters."
            report.add(
                "unsupported-edge",
                f"a {edge.kind} edge carries nothing here",
                edge.place.child("data", "kind"),
                note,
            )
        elif edge.kind == "control":
            _control(edge, wiring, report)
        else:
            _data(edge, wiring, report)
    return wiring


def _edge(value: Json, drawing: Drawing, place: Origin, report: Report) -> _Edge | None:
    members = report.members(value, EDGE, place, "an edge")
    data = report.members(members["data"], EDGE_DATA, place.child("data"), "`data`") if "data" in members else {}
    if "source" not in members or "target" not in members:
        return None
    ends = (members["source"], members["target"])
    if any(drawing.drawn_only.get(end) in NOTE_TYPES for end in ends):
        return None
    has_source, has_target = [_exists(key, members[key], drawing, place, report) for key in ("source", "target")]
    if not has_target:
        return None
    handle = members.get("sourceHandle")
    kind = data.get("kind") or ("control" if handle is not None and _is_control(handle) else "data")
    return _Edge(*ends, handle, members.get("targetHandle"), kind, data.get("order"), place, not has_source)


def _exists(key: str, node_id: str, drawing: Drawing, place: Origin, report: Report) -> bool:
    if node_id in drawing.node_ids or (key == "source" and node_id in AMBIENT):
        return True
    verb = "begins" if key == "source" else "ends"
    if node_id in drawing.drawn_only:
        note = "Notes, groups and the input are only drawn; edges run between nodes, and from the input."
        report.add(
            "edge-to-missing-node",
            f"the edge {verb} at `{shorten(node_id)}`, which is only drawn",
            place.child(key),
            note,
        )
        return False
    message = f"the edge {verb} at `{shorten(node_id)}`, which is no node"
    report.misspelt("edge-to-missing-node", message, place.child(key), node_id, drawing.node_ids)
    return False


def _is_control(handle: str) -> bool:
    return handle in {THEN, ELSE, DONE, COMPENSATE, *OUTCOMES} or handle.startswith(CASE)


def _control(edge: _Edge, wiring: Wiring, report: Report) -> None:
    if edge.is_broken:
        return
    if edge.target_handle not in {None, IN}:
        note = "A control edge ends at the node itself: its `targetHandle` is null or `in`."
        message = f"`{shorten(edge.target_handle or '')}` takes no control edge"
        report.add("edge-to-missing-port", message, edge.place_of("targetHandle"), note)
        return
    handle = edge.source_handle
    if edge.source in AMBIENT or handle is None or not _is_control(handle):
        note = "Control edges begin at `then`, `else`, `case.<key>`, `success`, `error`, `compensate`, or at `done` for: after this node."
        shown = "no handle" if handle is None else f"`{shorten(handle)}`"
        message = f"the control edge begins at {shown} of `{shorten(edge.source)}`"
        report.add("edge-to-missing-port", message, edge.place_of("sourceHandle"), note)
    elif handle == DONE:
        wiring.after.setdefault(edge.target, {}).setdefault(edge.source, edge.place)
    else:
        wiring.control.setdefault(edge.target, []).append(
            ControlEdge(edge.source, handle, edge.place_of("sourceHandle"))
        )


def _data(edge: _Edge, wiring: Wiring, report: Report) -> None:
    handle = OUT if edge.source_handle is None else edge.source_handle
    first, *fields = handle.split(".")
    if not edge.is_broken and (first != OUT or not all(fields)):
        note = "A data edge begins at `out`, or at `out.<field>` for a part of the value."
        message = f"`{shorten(handle)}` is no part of the value of `{shorten(edge.source)}`"
        report.add("edge-to-missing-port", message, edge.place_of("sourceHandle"), note)
        edge.is_broken = True
    if edge.target_handle:
        binding = _Binding(edge, tuple(fields), edge.place_of("targetHandle"))
        wiring.bindings.setdefault(edge.target, {}).setdefault(edge.target_handle, []).append(binding)
        return
    note = "The `targetHandle` of a data edge names a parameter."
    report.add("edge-to-missing-port", f"the edge names no parameter of `{shorten(edge.target)}`", edge.place, note)


def wire(node: Node, wiring: Wiring, report: Report) -> Node:
    """Put what the edges say into a node."""
    params, origins = dict(node.params), dict(node.origins)
    for name, bindings in wiring.bindings.get(node.id, {}).items():
        if name in params:
            related = (Related(node.place(f"param:{name}"), "its value stands here"),)
            message = f"`{shorten(name)}` of `{node.id}` has both a value and an edge"
            for binding in bindings:
                report.add(
                    "parameter-bound-twice",
                    message,
                    binding.target_place,
                    "A parameter has one binding.",
                    related=related,
                )
            continue
        params[name] = _join(node, name, bindings, report)
        origins[f"param:{name}"] = bindings[0].target_place
    after = wiring.after.get(node.id, {})
    origins |= {f"after:{source}": place for source, place in after.items()}
    control = {(edge.source, edge.handle): edge for edge in reversed(wiring.control.get(node.id, []))}
    return replace(
        node,
        params=tuple(sorted(params.items(), key=lambda pair: pair[0])),
        control=tuple(control[key] for key in sorted(control)),
        after=tuple(sorted(after)),
        origins=tuple(origins.items()),
    )


def _join(node: Node, name: str, bindings: Sequence[_Binding], report: Report) -> Value:
    """Make one value of all edges into a parameter: `merge` of several in `data.order`; what a merge node merges is a list."""
    if any(binding.edge.is_broken for binding in bindings):
        return unreadable(bindings[0].target_place)
    in_order = sorted(bindings, key=lambda binding: (binding.edge.order is None, binding.edge.order or 0))
    orders = [binding.edge.order for binding in in_order]
    if len(orders) > 1 and (None in orders or len(set(orders)) < len(orders)):
        related = tuple(Related(binding.edge.place, "another edge into it") for binding in bindings[1:9])
        note = "The first in `data.order` that was not skipped gives the value, so each edge needs a number of its own."
        message = f"it is open which edge into `{shorten(name)}` of `{node.id}` comes first"
        report.add("ambiguous-edge-order", message, bindings[0].edge.place, note, related=related)
    if node.type == "merge" and name == "values":
        return make_list([binding.expression() for binding in in_order], bindings[0].target_place)
    if len(in_order) == 1:
        return in_order[0].expression()
    merged = Call("merge", tuple(binding.expr(spans=False) for binding in in_order))
    return Expression(merged, bindings[0].target_place)
