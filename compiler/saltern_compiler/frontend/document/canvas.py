"""What a canvas knows beyond the meaning: positions, sizes, notes, groups. It lies beside a text as `NAME.layout.json`."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from dataclasses import field
from itertools import groupby
from typing import Final

from saltern_compiler.frontend.document.shape import (
    CONNECTION,
    DOCUMENT,
    EDGE,
    EDGE_DATA,
    GROUP_TYPES,
    INPUT_TYPE,
    NODE,
    NOTE_TYPES,
    TRIGGER,
)
from saltern_compiler.frontend.document.texts import read_text
from saltern_compiler.frontend.notation import Aside, LayoutError
from saltern_compiler.frontend.remarks import BEFORE, START, Allow, Orders, Remark, Remarks, Where, write_allow
from saltern_compiler.frontend.remarks import NODE as NODE_ANCHOR
from saltern_compiler.ir.attempts import is_part
from saltern_compiler.ir.pipeline import Pipeline
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import Json

VERSION: Final = 1
_SIZE: Final = (240.0, 80.0)
_KEPT: Final = frozenset({"$schema"})


@dataclass(slots=True)
class Canvas:
    """A drawing without its meaning. Keys of `nodes` are ids, of `edges` what they join."""

    document: dict[str, Json] = field(default_factory=dict)
    nodes: dict[str, Json] = field(default_factory=dict)
    edges: dict[str, Json] = field(default_factory=dict)
    connections: dict[str, Json] = field(default_factory=dict)
    triggers: dict[str, Json] = field(default_factory=dict)
    drawn: list[Json] = field(default_factory=list)
    """Groups and the input, whole."""
    notes: list[Json] = field(default_factory=list)
    """Notes without their texts: those are comments."""

    def text(self) -> str:
        """Write the file."""
        parts = {name: getattr(self, name) for name in self.__slots__}
        kept = {name: value for name, value in parts.items() if value}
        return json.dumps({"layoutVersion": VERSION, **kept}, indent=2, ensure_ascii=False) + "\n"


def read_layout(text: str) -> Canvas:
    """Read a layout file; raises `LayoutError`."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise LayoutError(f"not JSON: {error}") from None
    if not isinstance(value, dict) or value.get("layoutVersion") != VERSION:
        raise LayoutError(f"not a layout of version {VERSION}")
    canvas = Canvas()
    for name in canvas.__slots__:
        kind = type(getattr(canvas, name))
        given = value.get(name, kind())
        members = given.values() if isinstance(given, dict) and name != "document" else given
        is_sound = isinstance(given, kind) and (
            name == "document" or all(isinstance(member, dict) for member in members)
        )
        if not is_sound:
            raise LayoutError(f"`{name}` is not as layouts have it")
        setattr(canvas, name, given)
    return canvas


def edge_key(source: str, handle: str, target: str, target_handle: str) -> str:
    """Name an edge by what it joins."""
    return f"{source}.{handle}-{target}" + ("" if target_handle == "in" else f".{target_handle}")


def canvas_of(document: Mapping[str, Json], remarks: list[Remark], ids: Mapping[str, str]) -> Canvas:
    """Take what a document only draws; the texts of its notes join `remarks`. `ids` are ids of nodes in the IR."""
    canvas = Canvas(
        {key: value for key, value in document.items() if key in _KEPT or (key in DOCUMENT and DOCUMENT[key].ignored)}
    )
    nodes = [node for node in document.get("nodes", []) if isinstance(node, dict) and isinstance(node.get("id"), str)]
    by_id = {node["id"]: node for node in nodes}
    groups = {node["id"] for node in nodes if node.get("type") in GROUP_TYPES}
    for node in nodes:
        kind = node.get("type")
        if kind in NOTE_TYPES:
            remark = remark_of(node, by_id, ids)
            remarks.append(remark)
            canvas.notes.append(_without_text(node, remark))
        elif kind in GROUP_TYPES or kind == INPUT_TYPE:
            canvas.drawn.append(copy.deepcopy(node))
        else:
            remarks += _allowing(node, NODE_ANCHOR + ids.get(node["id"], node["id"]))
            canvas.nodes[ids.get(node["id"], node["id"])] = _node(node, groups)
    for edge in document.get("edges", []):
        key = edge_key(
            edge.get("source", ""),
            edge.get("sourceHandle") or "out",
            edge.get("target", ""),
            edge.get("targetHandle") or "in",
        )
        kept = {name: value for name, value in edge.items() if name in EDGE and EDGE[name].ignored}
        kept |= {"id": edge["id"]} if edge.get("id", key) != key else {}
        data = edge.get("data") or {}
        kept |= {"data": {"ui": data["ui"]}} if "ui" in data and EDGE_DATA["ui"].ignored else {}
        if any(by_id.get(edge.get(end), {}).get("type") in NOTE_TYPES for end in ("source", "target")):
            canvas.drawn.append(copy.deepcopy(edge))
        elif kept:
            canvas.edges.setdefault(key, kept)
    canvas.connections = _ui(document.get("connections", {}).items(), CONNECTION)
    canvas.triggers = _ui(
        ((str(number), trigger) for number, trigger in enumerate(document.get("triggers", []))), TRIGGER
    )
    return canvas


def _allowing(node: Mapping[str, Json], anchor: str) -> Iterator[Remark]:
    """Yield what a node allows as comments say it: one for each part in a row."""
    given = [each for each in (node.get("data") or {}).get("allow", []) if isinstance(each, dict)]
    for part, entries in groupby(given, key=lambda each: each.get("part", "")):
        lines = [write_allow(Allow(each.get("code", ""), each.get("because", ""))) for each in entries]
        yield Remark(anchor, "\n".join(lines), part)


def aside_of(text: str, pipeline: Pipeline, *, yaml: bool) -> Aside:
    """Return what a document says beside the meaning of its pipeline."""
    document, _ = read_text(text, yaml=yaml)
    assert isinstance(document, dict), "a pipeline was read from it"
    remarks: list[Remark] = []
    canvas = canvas_of(document, remarks, ids_of(pipeline, document))
    return Aside(remarks, _orders(document), canvas)


def ids_of(pipeline: Pipeline, document: Mapping[str, Json]) -> dict[str, str]:
    """Map ids of a document to those of the IR."""
    nodes = document.get("nodes", [])
    ids: dict[str, str] = {}
    for node in pipeline.body.walk():
        number = (node.origin.pointer or "").rpartition("/")[2]
        if number.isdigit() and not is_part(node):
            ids[nodes[int(number)]["id"]] = node.id
    return ids


def _orders(document: Json) -> Orders:
    orders: Orders = {}
    for members in _objects(document):
        if len(members) > 1:
            orders.setdefault(frozenset(members), tuple(members))
    return orders


def _objects(document: Json) -> Iterator[dict[str, Json]]:
    waiting = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            yield value
            waiting.extend(reversed(value.values()))
        elif isinstance(value, list):
            waiting.extend(reversed(value))


def _ui(members: Iterator[tuple[str, Json]] | Json, table: Mapping[str, Json]) -> dict[str, Json]:
    return {name: {"ui": member["ui"]} for name, member in members if "ui" in member and "ui" in table}


def _node(node: Mapping[str, Json], groups: set[str]) -> dict[str, Json]:
    kept = {name: value for name, value in node.items() if name in NODE and NODE[name].ignored}
    if node.get("parentId") in groups:
        kept["parentId"] = node["parentId"]
    data = node.get("data") or {}
    return {**kept, **({"data": {"ui": data["ui"]}} if "ui" in data else {})}


# notes


def remark_of(node: Mapping[str, Json], by_id: Mapping[str, Json], ids: Mapping[str, str]) -> Remark:
    given = node.get("data")
    data = given if isinstance(given, dict) else {}
    text = data.get("text", data.get("label", ""))
    part = data.get("part", "")
    where: Where = data.get("where", BEFORE) if data.get("where") in {"beside", "inside"} else BEFORE
    if data.get("attached") in ids:
        anchor = NODE_ANCHOR + ids[data["attached"]]
    elif isinstance(data.get("section"), str):
        anchor = data["section"]
    else:
        nearest = _nearest(node, by_id, ids)
        anchor, part, where = START if nearest is None else NODE_ANCHOR + ids[nearest], "", BEFORE
    return Remark(anchor, text if isinstance(text, str) else "", part if isinstance(part, str) else "", where)


def _nearest(note: Mapping[str, Json], by_id: Mapping[str, Json], ids: Mapping[str, str]) -> str | None:
    """Return the node that a note was probably put beside: the one with the smallest distance between the two boxes."""
    own = _box(note, by_id)
    if own is None:
        return None
    distances: list[tuple[float, str]] = []
    for node_id in ids:
        box = _box(by_id[node_id], by_id) if node_id in by_id else None
        if box is None:
            continue
        across = max(box[0] - own[0] - own[2], own[0] - box[0] - box[2], 0)
        down = max(box[1] - own[1] - own[3], own[1] - box[1] - box[3], 0)
        distances.append((across * across + down * down, node_id))
    return min(distances)[1] if distances else None


def _box(node: Mapping[str, Json], by_id: Mapping[str, Json]) -> tuple[float, float, float, float] | None:
    """Return left, top, width and height of a node on the whole canvas."""
    x = y = 0.0
    width, height = _SIZE
    measured = node.get("measured")
    if isinstance(measured, dict):
        width, height = _number(measured.get("width"), width), _number(measured.get("height"), height)
    seen: set[str] = set()
    box: Mapping[str, Json] | None = node
    while box is not None and box.get("id") not in seen:
        position = box.get("position")
        if not isinstance(position, dict):
            return None
        x += _number(position.get("x"), 0)
        y += _number(position.get("y"), 0)
        seen.add(str(box.get("id")))
        box = by_id.get(str(box.get("parentId")))
    return x, y, width, height


def _number(value: Json, default: float) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else default


def _without_text(node: Mapping[str, Json], remark: Remark) -> Json:
    copied = copy.deepcopy(dict(node))
    given = copied.get("data")
    data = {key: value for key, value in given.items() if key not in _OWN} if isinstance(given, dict) else {}
    copied["data"] = {**data, **at(remark)}
    return copied


_OWN: Final = frozenset({"text", "attached", "section", "part", "where"})


def at(remark: Remark) -> dict[str, Json]:
    """Return what a note says about its place."""
    is_node = remark.anchor.startswith(NODE_ANCHOR)
    place: dict[str, Json] = (
        {"attached": remark.anchor.removeprefix(NODE_ANCHOR)} if is_node else {"section": remark.anchor}
    )
    place |= {"part": remark.part} if remark.part else {}
    return place | ({"where": remark.where} if remark.where != BEFORE else {})


def place_of_note(note: Mapping[str, Json]) -> tuple[str, str, str]:
    """Return the place that a note of a layout file is about."""
    data = note.get("data")
    data = data if isinstance(data, dict) else {}
    anchor = NODE_ANCHOR + str(data["attached"]) if "attached" in data else str(data.get("section", START))
    return anchor, str(data.get("part", "")), str(data.get("where", BEFORE))


__all__ = ["Canvas", "LayoutError", "Remarks", "at", "canvas_of", "edge_key", "place_of_note", "read_layout"]
