"""Writes a pipeline as an editor document, placed from left to right where its canvas has not said otherwise."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import field
from typing import Final

from saltern_compiler.drawing.layered import Link, place
from saltern_compiler.frontend.document.canvas import Canvas, at, edge_key, place_of_note
from saltern_compiler.frontend.document.edges import DONE, IN
from saltern_compiler.frontend.document.nodes import binding_of, condition_of
from saltern_compiler.frontend.document.print_values import edges_of, editor_value, ordered
from saltern_compiler.frontend.document.shape import IDENTIFIER, SCHEMA_VERSION
from saltern_compiler.frontend.durations import show_duration
from saltern_compiler.frontend.remarks import INSIDE, NODE, Orders, Remark, allowed, in_order
from saltern_compiler.frontend.statements import Nesting, Statement
from saltern_compiler.ir.attempts import ATTEMPT, CATCH, TRY, VALUES, WHOLES, is_part, parts, whole_of
from saltern_compiler.ir.budget import TIME, is_wait
from saltern_compiler.ir.concurrency import MEMBERS
from saltern_compiler.ir.graph import dependencies
from saltern_compiler.ir.pipeline import CHECK, Node, Pipeline, Region
from saltern_compiler.ir.values import Value
from saltern_compiler.registry import Registry
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import Binding, Json, Policy, Retry, to_schema
from saltern_runtime.spec.names import AMBIENT, INPUT

_NODE: Final = (240.0, 80.0)
_NOTE: Final = (260.0, 90.0)
BODY: Final = "body"
"""What `data.region` says of what a `try` attempts."""
_PADDING: Final = (32.0, 56.0)
"""Between a region's border and what is in it: at the sides, and on top."""

Size = tuple[float, float]


def print_document(
    pipeline: Pipeline, remarks: Sequence[Remark], orders: Orders, canvas: Canvas, registry: Registry
) -> str:
    """Write a document: a pure function, so that the same pipeline and canvas give the same bytes."""
    return (
        json.dumps(_Drawer(pipeline, orders, canvas, registry).document(remarks), indent=2, ensure_ascii=False) + "\n"
    )


@dataclass(slots=True)
class _Drawer:
    pipeline: Pipeline
    orders: Orders
    canvas: Canvas
    registry: Registry
    ids: dict[str, str] = field(default_factory=dict)
    """IR id → id on the canvas."""
    caught: dict[str, str] = field(default_factory=dict)
    """Id of a `try` → the name that its `catch` knows the failure by."""
    allow: dict[str, list[Json]] = field(default_factory=dict)
    """IR id → what is allowed of it."""
    edges: list[Json] = field(default_factory=list)
    nodes: list[Json] = field(default_factory=list)
    edge_ids: set[str] = field(default_factory=set)

    def document(self, remarks: Sequence[Remark]) -> dict[str, Json]:
        of = self.pipeline
        self._name_nodes()
        remarks = [remark for remark in remarks if not self._allows(remark)]
        self._region(of.body, None)
        self._positions(of.body, None)
        known = {
            "schemaVersion": SCHEMA_VERSION,
            "name": of.name,
            "description": of.description,
            "inputs": ordered(to_schema(of.input), self.orders),
            "outputs": None if of.output is None else ordered(to_schema(of.output), self.orders),
            "uses": {use.name: use.path for use in of.uses},
            "secrets": {secret.name: secret.reference for secret in of.secrets},
            "connections": {connection.name: self._connection(connection.name) for connection in of.connections},
            "triggers": [self._trigger(number) for number in range(len(of.triggers))],
            "settings": {name: _setting(value, self.orders) for name, value in of.settings},
            "budget": {name: _limit(name, value) for name, value in of.budget},
            "policy": _policy(of.policy),
        }
        kept = dict(self.canvas.document)
        schema = {"$schema": kept.pop("$schema")} if "$schema" in kept else {}
        drawing = {**schema, **{key: value for key, value in known.items() if value not in (None, "", {}, [])}}
        drawn, strays = self._drawn()
        drawing["nodes"] = [*drawn, *self.nodes, *self._notes(remarks)]
        drawing["edges"] = [*self.edges, *strays]
        return {**drawing, **kept}

    def _allows(self, remark: Remark) -> bool:
        """Whether a remark does nothing but allow findings about a node: it stands in the node then."""
        node_id = remark.anchor.removeprefix(NODE)
        entries = allowed(remark.text)
        if not entries or remark.where == INSIDE or not remark.anchor.startswith(NODE) or node_id not in self.ids:
            return False
        part = {"part": remark.part} if remark.part else {}
        written = [{"code": each.code, "because": each.because, **part} for each in entries]
        self.allow.setdefault(node_id, []).extend(written)
        return True

    def _connection(self, name: str) -> Json:
        of = self.pipeline.connection(name)
        assert of is not None
        connection: dict[str, Json] = {"connector": of.connector, **self._settings(of.settings)}
        connection |= {"policy": _policy(of.policy)} if _policy(of.policy) else {}
        return {**connection, **self.canvas.connections.get(name, {})}

    def _trigger(self, number: int) -> Json:
        of = self.pipeline.triggers[number]
        return {"type": of.type, **self._settings(of.settings), **self.canvas.triggers.get(str(number), {})}

    def _settings(self, settings: Sequence[tuple[str, Value]]) -> dict[str, Json]:
        members = dict(settings)
        values = {name: editor_value(members[name], self.orders) for name in in_order(list(members), self.orders)}
        return {"settings": values} if values else {}

    # nodes and edges

    def _name_nodes(self) -> None:
        for node in self.pipeline.body.walk():
            if node.type == CATCH and is_part(node) and node.body is not None and node.body.variables:
                self.caught[node.id.removesuffix(f"/{CATCH}")] = node.body.variables[0]
        taken = {node.id for node in self.pipeline.body.walk()} | {*AMBIENT}
        for node in self.pipeline.body.walk():
            base = name = node.id.replace("/", "_")
            count = 1
            while name != node.id and name in taken:
                count += 1
                name = f"{base}_{count}"
            self.ids[node.id] = name
            taken.add(name)

    def _region(self, region: Region, parent: str | None, part: str = "") -> None:
        for node in self._drawn_of(region):
            self._node(node, parent, part)
            for inner, name in self._bodies(node, region):
                self._region(inner, node.id, name)

    def _drawn_of(self, region: Region) -> list[Node]:
        """Return the nodes of a region that are drawn as such, in order: no condition of a loop, no part of a `try`."""
        nodes = _in_order(Nesting(region, self.registry).statements)
        return [node for node in nodes if node.type != CHECK and not is_part(node)]

    def _bodies(self, node: Node, region: Region) -> list[tuple[Region, str]]:
        """Return what is drawn inside of a node, each with what `data.region` says of it."""
        if node.type in WHOLES:
            found = parts(node, region)
            assert found is not None, "both notations make the parts alike"
            named = ((part, part.id.rpartition("/")[2]) for part in found)
            return [(part.body, BODY if name == ATTEMPT else name) for part, name in named if part.body is not None]
        return [] if node.body is None else [(node.body, "")]

    def _node(self, node: Node, parent: str | None, part: str) -> None:
        kept = copy.deepcopy(self.canvas.nodes.get(node.id, {}))
        drawn: dict[str, Json] = {"id": self.ids[node.id], "type": node.type, "typeVersion": node.version}
        drawn["position"] = kept.pop("position", None)
        if parent is not None:
            drawn["parentId"] = self.ids[parent]
        data: dict[str, Json] = {"label": node.label} if node.label else {}
        data |= {"connection": node.connection} if node.connection else {}
        data |= {"with": dict(node.mapping)} if node.mapping else {}
        data |= {"policy": _policy(node.policy)} if _policy(node.policy) else {}
        data |= {"disabled": True} if node.disabled else {}
        data |= {"join": node.join} if node.join != "all" else {}
        data |= {"region": part} if part else {}
        data |= {"allow": self.allow[node.id]} if node.id in self.allow else {}
        params = self._params(node)
        data |= {"params": params} if params else {}
        data |= kept.pop("data", {})
        drawn["data"] = data
        self.nodes.append({**drawn, **kept})
        for edge in node.control:
            self._edge((edge.source, edge.handle), (node.id, IN), "control")
        for source in node.after:
            self._edge((source, DONE), (node.id, IN), "control")

    def _params(self, node: Node) -> dict[str, Json]:
        params = {name: value for name, value in node.params if node.type not in WHOLES or name != VALUES}
        written: dict[str, Json] = {}
        for name in in_order(list(params), self.orders):
            edges = edges_of(node.type, name, params[name])
            if edges is None or any(edge.source not in self.ids and edge.source != INPUT for edge in edges):
                written[name] = editor_value(params[name], self.orders)
                continue
            for number, edge in enumerate(edges):
                order = number if len(edges) > 1 else None
                self._edge((edge.source, edge.handle), (node.id, name), "data", order)
        if node.type == TRY:
            return {Binding().param: self.caught[node.id]} if node.id in self.caught else {}
        variables = node.body.variables if node.body is not None else ()
        written |= dict(zip([binding_of(node, self.registry)], variables, strict=False))
        asked = None if node.body is None else node.body.node(f"{node.id}/{CHECK}")
        condition = condition_of(node, self.registry)
        if asked is not None and condition is not None and (value := asked.param("value")) is not None:
            written[condition] = editor_value(value, self.orders)
        return written

    def _edge(self, start: tuple[str, str], end: tuple[str, str], kind: str, order: int | None = None) -> None:
        """Draw an edge from a handle of a node to a port of another."""
        source, target = self.ids.get(start[0], start[0]), self.ids.get(end[0], end[0])
        key = edge_key(source, start[1], target, end[1])
        kept = copy.deepcopy(self.canvas.edges.get(key, {}))
        data = {"kind": kind, **({} if order is None else {"order": order}), **kept.pop("data", {})}
        own = kept.pop("id", key)
        while own in self.edge_ids:
            own += "+"
        self.edge_ids.add(own)
        ends = {"source": source, "sourceHandle": start[1], "target": target, "targetHandle": end[1]}
        self.edges.append({"id": own, **ends, "data": data, **kept})

    def _drawn(self) -> tuple[list[Json], list[Json]]:
        """Return what is only drawn: nodes and edges; the input where edges begin at it."""
        nodes = [copy.deepcopy(shape) for shape in self.canvas.drawn if "source" not in shape]
        edges = [copy.deepcopy(shape) for shape in self.canvas.drawn if "source" in shape]
        has_input = any(node.get("type") == INPUT for node in nodes)
        if not has_input and any(edge["source"] == INPUT for edge in self.edges):
            y = min((node["position"]["y"] for node in self.nodes if "parentId" not in node), default=0)
            x = min((node["position"]["x"] for node in self.nodes if "parentId" not in node), default=0)
            nodes.insert(0, {"id": INPUT, "type": INPUT, "data": {}, "position": {"x": x - 320, "y": y}})
        return nodes, edges

    # where everything is

    def _size(self, node: Node, region: Region) -> Size:
        """Place what stands inside of a node, one body below the other, and return how large it is."""
        bodies = self._bodies(node, region)
        width, height = _NODE if not bodies else (0.0, 0.0)
        for body, _ in bodies:
            inner = self._positions(body, node.id, height)
            width, height = max(width, inner[0]), height + inner[1]
        return width, height

    def _positions(self, region: Region, parent: str | None, top: float = 0.0) -> Size:
        """Place what the canvas has not placed, relative to its neighbours; return how large the region is."""
        order = self._drawn_of(region)
        sizes: dict[str, Size] = {}
        for node in order:
            sizes[node.id] = self._size(node, region)
        needs = _needs(region)
        links = [Link(need, node.id) for node in order for need in sorted(needs[node.id])]
        placed = place(sizes, links, gap=80, apart=40)
        ids = {self.ids[node.id]: node.id for node in order}
        shift = (_PADDING[0], _PADDING[1] + top) if parent is not None else (0.0, 0.0)
        moved: dict[str, Size] = {}
        for drawn in self.nodes:
            if drawn["id"] not in ids:
                continue
            node_id = ids[drawn["id"]]
            x, y = placed.boxes[node_id]
            if isinstance(drawn["position"], dict):
                given = drawn["position"]
                moved[node_id] = (given.get("x", 0) - x, given.get("y", 0) - y)
                continue
            near = next((moved[need] for need in sorted(needs[node_id]) if need in moved), None)
            dx, dy = near or next(iter(moved.values()), shift)
            moved[node_id] = (dx, dy)
            drawn["position"] = {"x": round(x + dx), "y": round(y + dy)}
            if sizes[node_id] != _NODE:
                drawn.setdefault("style", {"width": round(sizes[node_id][0]), "height": round(sizes[node_id][1])})
        return placed.size[0] + 2 * _PADDING[0], placed.size[1] + _PADDING[0] + _PADDING[1]

    def _notes(self, remarks: Sequence[Remark]) -> list[Json]:
        known: dict[tuple[str, str, str], list[Json]] = {}
        for note in self.canvas.notes:
            known.setdefault(place_of_note(note), []).append(note)
        positions = {node["id"]: node["position"] for node in self.nodes}
        parents = {node["id"]: node.get("parentId") for node in self.nodes}
        taken = {note.get("id") for note in self.canvas.notes} | self.ids.keys() | set(self.ids.values())
        names = (name for name in _numbered("note-") if name not in taken)
        stacked: dict[str, int] = {}
        notes: list[Json] = []
        for remark in remarks:
            kept = known.get(remark.key, [])
            note = copy.deepcopy(kept.pop(0)) if kept else {"id": next(names), "type": "note"}
            about = self.ids.get(remark.anchor.removeprefix(NODE), "") if remark.anchor.startswith(NODE) else ""
            placement = at(remark) | ({"attached": about} if about else {})
            note["data"] = {
                "text": remark.text,
                **{k: v for k, v in (note.get("data") or {}).items() if k not in placement},
                **placement,
            }
            if "position" not in note:
                count = stacked[about] = stacked.get(about, 0) + 1
                spot = positions.get(about) or {"x": 0, "y": min((p["y"] for p in positions.values()), default=0) - 120}
                note["position"] = {"x": spot["x"], "y": spot["y"] - (_NOTE[1] + 30) * count}
                note |= {"parentId": parents[about]} if parents.get(about) else {}
            notes.append(note)
        return notes


def _needs(region: Region) -> Mapping[str, Set[str]]:
    """Map each node that is drawn to those it waits for; what the parts of a `try` wait for, the whole of it does."""
    whole = {node.id: whole_of(node) if is_part(node) else node.id for node in region.nodes}
    needs: dict[str, set[str]] = {}
    for node_id, sources in dependencies(region).items():
        needs.setdefault(whole[node_id], set()).update(whole[source] for source in sources)
    return {node_id: sources - {node_id} for node_id, sources in needs.items()}


def _numbered(prefix: str) -> Iterator[str]:
    number = 0
    while True:
        number += 1
        yield f"{prefix}{number}"


def _in_order(statements: Sequence[Statement]) -> list[Node]:
    """Return the nodes of statements as a text has them."""
    nodes: list[Node] = []
    waiting = list(reversed(statements))
    while waiting:
        statement = waiting.pop()
        nodes.append(statement.node)
        waiting += [inner for block in reversed(statement.blocks.values()) for inner in reversed(block)]
    return nodes


def _setting(value: Json, orders: Orders) -> Json:
    """Write a length of time, or how many runs go on at a time."""
    if not isinstance(value, dict):
        return show_duration(value)
    return {name: value[name] for name in in_order([name for name in MEMBERS if name in value], orders)}


def _limit(name: str, value: Json) -> Json:
    """Write what a budget allows."""
    if isinstance(value, dict):
        return {of: _limit(of, part) for of, part in value.items()}
    return show_duration(value) if isinstance(value, float) and (name == TIME or is_wait(name)) else value


def _policy(policy: Policy) -> dict[str, Json]:
    settings: Mapping[str, Json] = {
        "timeout": None if policy.timeout is None else show_duration(policy.timeout),
        "retry": None if policy.retry is None else _retry(policy.retry),
        "priority": policy.priority,
        "ttl": None if policy.ttl is None else show_duration(policy.ttl),
        "on_error": policy.on_error,
        "on_ambiguous": policy.on_ambiguous,
        "cache": None if policy.cache is None else show_duration(policy.cache),
    }
    return {name: value for name, value in settings.items() if value is not None}


def _retry(retry: Retry) -> Json:
    default = Retry()
    if (retry.base, retry.cap) == (default.base, default.cap):
        return retry.attempts
    return {"attempts": retry.attempts, "base": show_duration(retry.base), "cap": show_duration(retry.cap)}


__all__ = ["IDENTIFIER", "print_document"]
