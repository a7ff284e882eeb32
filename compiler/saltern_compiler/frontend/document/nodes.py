"""Nodes of an editor document, and the regions that `parentId` makes of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import field, replace

from saltern_compiler.diagnostics.model import Origin, Related
from saltern_compiler.frontend.document.jsontext import shorten
from saltern_compiler.frontend.document.policy import read_policy
from saltern_compiler.frontend.document.report import Report
from saltern_compiler.frontend.document.shape import (
    ALLOW,
    DRAWN_TYPES,
    GROUP_TYPES,
    INPUT_TYPE,
    NODE,
    NODE_DATA,
)
from saltern_compiler.frontend.document.values import read_value
from saltern_compiler.ir.attempts import CATCH, PARALLEL, TRY, WHOLES, expand, part_id, spread
from saltern_compiler.ir.pipeline import MAX_REGIONS, Node, Region, asks, region_of
from saltern_compiler.ir.values import Literal, Value
from saltern_compiler.registry import Registry
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import Binding, Json, Policy
from saltern_runtime.spec.names import COMPENSATE


@dataclass(slots=True)
class Drawing:
    """What stands on the canvas."""

    nodes: list[Node] = field(default_factory=list)
    parents: dict[str, str] = field(default_factory=dict)
    """Node or group id → `parentId`."""
    drawn_only: dict[str, str] = field(default_factory=dict)
    """Id → type of what means nothing by itself: notes, groups, the input."""
    places: dict[str, Origin] = field(default_factory=dict)
    parts: dict[str, str] = field(default_factory=dict)
    """Node id → `data.region`: which part of a `try` it stands in."""
    node_ids: set[str] = field(default_factory=set)
    """Ids of what is more than drawn."""
    too_deep: bool = False
    """Whether a node that stands in too many regions was told."""


def read_nodes(values: Sequence[Json], origin: Origin, report: Report, registry: Registry) -> Drawing:
    """Read all nodes; edges are not in them yet."""
    drawing = Drawing()
    for index, value in enumerate(values):
        place = origin.child(index)
        members = report.members(value, NODE, place, "a node")
        node_id, kind = members.get("id"), members.get("type")
        if not isinstance(node_id, str):
            continue
        parent = members.get("parentId")
        if parent is not None:
            drawing.parents[node_id] = parent
        drawing.places.setdefault(node_id, place)
        if kind in DRAWN_TYPES:
            _check_drawn(node_id, kind, place, report)
            drawing.drawn_only[node_id] = kind
        elif isinstance(kind, str):
            drawing.nodes.append(_node(members, place, report, registry))
            part = members["data"].get("region") if isinstance(members.get("data"), dict) else None
            if isinstance(part, str):
                drawing.parts[node_id] = part
            drawing.node_ids.add(node_id)
    return drawing


def _check_drawn(node_id: str, kind: str, place: Origin, report: Report) -> None:
    if kind == INPUT_TYPE and node_id != INPUT_TYPE:
        note = "It stands for what the run starts with, which expressions know as `input`."
        report.add(
            "reserved-id",
            f"the id of a node of type `input` is `input`, not `{shorten(node_id)}`",
            place.child("id"),
            note,
        )


def _node(members: Mapping[str, Json], place: Origin, report: Report, registry: Registry) -> Node:
    data_place = place.child("data")
    data = report.members(members["data"], NODE_DATA, data_place, "`data`") if "data" in members else {}
    node_id, kind = str(members["id"]), str(members["type"])
    origins = {"id": place.child("id"), "type": place.child("type")}
    params_place = data_place.child("params")
    params = dict(data.get("params", {}))
    if "params" in data:
        origins["params"] = params_place
    origins |= {f"param:{name}": params_place.child(name).name() for name in params}
    if data.get("connection") is not None:
        origins["connection"] = data_place.child("connection")
    if "typeVersion" in members or "typeVersion" in data:
        origins["version"] = (place if "typeVersion" in members else data_place).child("typeVersion")
    mapping = _mapping(data.get("with", {}), data_place.child("with"), report)
    if mapping:
        origins["with"] = data_place.child("with")
        origins |= {f"with:{name}": data_place.child("with", name) for name, _ in mapping}
    for number, given in enumerate(data.get("allow", [])):
        report.members(given, ALLOW, data_place.child("allow", number), "a suppression")
    policy_place = data_place.child("policy")
    if isinstance(data.get("policy"), dict):
        origins |= {f"policy:{key}": policy_place.child(key) for key in data["policy"]}
    read = {name: read_value(value, params_place.child(name), report) for name, value in params.items()}
    version = _version(members, data, data_place, report)
    spec = registry.node(kind, version)
    for param in spec.params if spec is not None else ():
        if param.unordered and param.name in read:
            read[param.name] = _sorted(read[param.name])
    return Node(
        id=node_id,
        type=kind,
        version=version,
        params=tuple(sorted(read.items(), key=lambda pair: pair[0])),
        connection=data.get("connection"),
        mapping=mapping,
        join=data.get("join", "all"),
        policy=read_policy(data["policy"], policy_place, report) if "policy" in data else Policy(),
        disabled=data.get("disabled", False),
        label=data.get("label", ""),
        origin=place,
        origins=tuple(origins.items()),
    )


def _mapping(value: Mapping[str, Json], place: Origin, report: Report) -> tuple[tuple[str, str], ...]:
    """Read which connections stand in for those of a pipeline that is called."""
    named = sorted(value.items())
    return tuple(
        (name, given)
        for name, given in named
        if report.is_kind(given, "string", place.child(name), "the name of a connection")
    )


def _sorted(value: Value) -> Value:
    """Put a list in order whose order says nothing, such as the cases of a switch."""
    if not isinstance(value, Literal) or not isinstance(value.value, list):
        return value
    return replace(value, value=sorted(value.value, key=_sort_key))


def _sort_key(item: Json) -> str:
    return item if isinstance(item, str) else json.dumps(item, sort_keys=True)


def _version(members: Mapping[str, Json], data: Mapping[str, Json], data_place: Origin, report: Report) -> int:
    """Read the version from either place that canvases keep it in."""
    if "typeVersion" in members and "typeVersion" in data and members["typeVersion"] != data["typeVersion"]:
        note = "The node says one version, its `data` another."
        report.add("duplicate-key", "`typeVersion` is given twice", data_place.child("typeVersion").name(), note)
    return int(members.get("typeVersion", data.get("typeVersion", 1)))


def build_region(drawing: Drawing, nodes: Sequence[Node], report: Report, registry: Registry) -> Region:
    """Put each node into the body of the region that it is drawn in; groups are only drawn."""
    parents = frozenset(drawing.parents.values())
    owners = {node.id: node for node in nodes if _owns_body(node, parents, registry)}
    inside: dict[str | None, list[Node]] = {}
    for node in nodes:
        inside.setdefault(_owner(node.id, drawing, owners, report), []).append(node)
    return _region(None, (), _Bodies(owners.keys(), inside, drawing.parts, registry))


def _owns_body(node: Node, parents: Set[str], registry: Registry) -> bool:
    """Whether a node is a region: its type says so; of an unknown type, where others are drawn inside of it."""
    spec = registry.node(node.type, node.version)
    return node.id in parents if spec is None else spec.region is not None or node.type in WHOLES


def binding_of(node: Node, registry: Registry) -> str:
    """Return what the name that a region binds is called among its parameters."""
    spec = registry.node(node.type, node.version)
    region = spec.region if spec is not None else None
    return (region.binds if region is not None and region.binds is not None else Binding()).param


def condition_of(node: Node, registry: Registry) -> str | None:
    """Return the parameter of a loop that is asked in its body, and stands there in a pipeline."""
    spec = registry.node(node.type, node.version)
    carries = spec.region.carries if spec is not None and spec.region is not None else None
    return None if carries is None else carries.condition.name


@dataclass(frozen=True, slots=True)
class _Bodies:
    owners: Set[str]
    inside: dict[str | None, list[Node]]
    parts: Mapping[str, str]
    registry: Registry


def _region(owner: str | None, variables: tuple[str, ...], bodies: _Bodies) -> Region:
    nodes = _expanded(bodies.inside.get(owner, ()), bodies)
    if owner is None:
        return Region(tuple(sorted(nodes, key=lambda node: node.id)))
    return region_of(owner, nodes, variables)


def _expanded(nodes: Iterable[Node], bodies: _Bodies) -> list[Node]:
    """Give each region its body, and each `try` its parts."""
    expanded: list[Node] = []
    for node in nodes:
        if node.id not in bodies.owners:
            expanded.append(node)
        elif node.type == TRY:
            expanded += _tried(node, bodies)
        elif node.type == PARALLEL:
            expanded += _spread(node, bodies)
        else:
            expanded.append(_with_body(node, bodies))
    return expanded


def _spread(node: Node, bodies: _Bodies) -> tuple[Node, ...]:
    arms: dict[str, list[Node]] = {}
    for inner in bodies.inside.get(node.id, ()):
        arms.setdefault(bodies.parts.get(inner.id, ""), []).append(inner)
    return spread(node, {name: _expanded(nodes, bodies) for name, nodes in arms.items()})


def _tried(node: Node, bodies: _Bodies) -> tuple[Node, ...]:
    name = node.param(Binding().param)
    names = (name.value,) if isinstance(name, Literal) and isinstance(name.value, str) else ()
    inside = bodies.inside.get(node.id, ())
    body, handler = (
        [each for each in inside if (bodies.parts.get(each.id) == CATCH) is caught] for caught in (False, True)
    )
    return expand(node, _expanded(body, bodies), _expanded(handler, bodies), names)


def _with_body(node: Node, bodies: _Bodies) -> Node:
    """Give a region its body with what it asks there, and the name that it binds; these are no parameters any more then."""
    binding = binding_of(node, bodies.registry)
    asked = condition_of(node, bodies.registry)
    name, condition = node.param(binding), None if asked is None else node.param(asked)
    inside = [*bodies.inside.get(node.id, ())]
    taken = {asked} if condition is not None else set()
    if asked is not None and condition is not None:
        place = node.place(f"param:{asked}")
        bodies.inside[node.id] = [*inside, asks(node.id, condition, place)]
    variables: tuple[str, ...] = ()
    if isinstance(name, Literal) and isinstance(name.value, str):
        variables, taken = (name.value,), {*taken, binding}
    params = tuple(pair for pair in node.params if pair[0] not in taken)
    body = _region(node.id, variables, bodies)
    return replace(node, id=_named_after(node), params=params, body=body)


def _named_after(node: Node) -> str:
    """Return the id of a node: what compensates another one is named after it, however it is drawn."""
    sources = [edge.source for edge in node.control if edge.handle == COMPENSATE]
    return part_id(sources[0], COMPENSATE) if node.type == COMPENSATE and len(sources) == 1 else node.id


def _owner(node_id: str, drawing: Drawing, owners: Mapping[str, Node], report: Report) -> str | None:
    """Find the nearest region around a node; what is wrong with the way there is reported, and the node is on top."""
    start = drawing.places[node_id].child("parentId")
    nearest: str | None = None
    for steps, parent in enumerate(_parents(node_id, drawing)):
        if parent == node_id:
            report.add("unknown-parent", f"the node `{shorten(node_id)}` stands inside of itself", start)
            return None
        if steps >= MAX_REGIONS:
            note = f"Regions and groups may stand in each other up to {MAX_REGIONS} levels deep."
            if not drawing.too_deep:
                report.add("nesting-too-deep", f"the node `{shorten(node_id)}` stands in too many regions", start, note)
            drawing.too_deep = True
            return None
        if parent in owners:
            nearest = nearest or parent
        elif drawing.drawn_only.get(parent) not in GROUP_TYPES:
            if nearest is None:
                _no_region(parent, drawing, owners, start, report)
            break
    return nearest


def _no_region(parent: str, drawing: Drawing, owners: Mapping[str, Node], start: Origin, report: Report) -> None:
    place = drawing.places.get(parent)
    if place is None:
        names = owners.keys() | drawing.drawn_only.keys()
        report.misspelt("unknown-parent", f"there is no node `{shorten(parent)}` to stand in", start, parent, names)
        return
    related = (Related(place, "this node holds no others"),)
    note = "Nodes stand in a foreach, while, try or parallel, or in a group."
    report.add("unknown-parent", f"`{shorten(parent)}` is no region", start, note, related=related)


def _parents(node_id: str, drawing: Drawing) -> Iterator[str]:
    while node_id in drawing.parents:
        node_id = drawing.parents[node_id]
        yield node_id
