"""Reads editor documents, in JSON or YAML, into pipelines.

A document has the shape of `editor_shape`; a React Flow editor can save `toObject()` straight into it. What is wrong is
reported all at once, and what can be checked further comes back as a pipeline all the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from saltern_compiler.diagnostics.model import Diagnostic, Origin
from saltern_compiler.frontend.document.edges import Wiring, read_edges, wire
from saltern_compiler.frontend.document.gates import inherit_gates
from saltern_compiler.frontend.document.jsontext import Unreadable, shorten
from saltern_compiler.frontend.document.nodes import build_region, read_nodes
from saltern_compiler.frontend.document.policy import read_budget, read_policy, read_settings
from saltern_compiler.frontend.document.report import Report
from saltern_compiler.frontend.document.shape import CONNECTION, DOCUMENT, NODE_DATA, TRIGGER
from saltern_compiler.frontend.document.texts import read_text
from saltern_compiler.frontend.document.values import read_object_type, read_value
from saltern_compiler.frontend.durations import seconds
from saltern_compiler.ir.concurrency import CONCURRENCY, MEMBERS
from saltern_compiler.ir.pipeline import LENGTHS, Connection, Pipeline, Region, Secret, Trigger, Use, trigger_key
from saltern_compiler.ir.values import Literal, Value
from saltern_compiler.registry import Registry
from saltern_runtime.spec import Json, ObjectType, Policy

ROOT: Final = Origin("")
_UNNAMED: Final = "pipeline"
"""Stands in for a name that is missing, which is reported."""
_SHOWN: Final = 6
"""Keys of another editor's document that a finding names, at most."""


def read(text: str, yaml: bool, registry: Registry) -> tuple[Pipeline | None, list[Diagnostic]]:
    """Read a document; None where it is none, with the reason among the findings."""
    value, findings = read_text(text, yaml=yaml)
    report = Report(list(findings))
    if isinstance(value, list):
        message = "the document is not one of Saltern's: it is a list"
        report.add("unknown-source-format", message, ROOT, "Another editor's export cannot be read.")
        return None, report.findings
    if isinstance(value, Unreadable) or not report.is_kind(value, "object", ROOT, "the document"):
        return None, report.findings
    foreign = _foreign(value)
    if foreign:
        what, keys = foreign
        shown = ", ".join(f"`{shorten(key)}`" for key in keys[:_SHOWN])
        report.add(
            "unknown-source-format",
            "the document is not one of Saltern's: it has no `schemaVersion`",
            ROOT,
            f"{what} keys are {shown}{', …' if len(keys) > _SHOWN else ''}; another editor's export cannot be read.",
        )
        return None, report.findings
    return _pipeline(value, report, registry), report.findings


def is_foreign(document: Mapping[str, Json]) -> bool:
    """Whether a document is of another editor."""
    return _foreign(document) is not None


def _foreign(document: Mapping[str, Json]) -> tuple[str, list[str]] | None:
    """Tell another editor's document, and by which keys: it claims no version of ours, and has keys that ours never have.

    Where it has no name either, those of its nodes' data tell it, if all of them have such keys.
    """
    if any(key.lower().startswith("schema") for key in document):
        return None
    if any(key not in DOCUMENT for key in document):
        return "Its", list(document)
    nodes = [] if "name" in document else document.get("nodes")
    data = [node.get("data") for node in nodes if isinstance(node, dict)] if isinstance(nodes, list) else []
    keys = [list(each) for each in data if isinstance(each, dict)]
    return ("Its nodes'", keys[0]) if keys and all(not NODE_DATA.keys() >= {*each} for each in keys) else None


def _pipeline(value: Json, report: Report, registry: Registry) -> Pipeline | None:
    document = report.members(value, DOCUMENT, ROOT, "the document")
    inputs = _type(document, "inputs", report)
    outputs = _type(document, "outputs", report)
    places = {"name": "name", "input": "inputs", "output": "outputs", "settings": "settings", "budget": "budget"}
    budget, limits = read_budget(document.get("budget", {}), ROOT.child("budget"), report)
    pipeline = Pipeline(
        name=document.get("name", _UNNAMED),
        input=inputs or ObjectType(()),
        output=outputs,
        uses=tuple(Use(*each) for each in _texts(document, "uses", "the path of a pipeline", report)),
        secrets=tuple(Secret(*each) for each in _texts(document, "secrets", "the reference of a secret", report)),
        connections=_connections(document.get("connections", {}), report),
        triggers=_triggers(document.get("triggers", []), report),
        settings=read_settings(document["settings"], ROOT.child("settings"), report) if "settings" in document else (),
        budget=budget,
        policy=read_policy(document["policy"], ROOT.child("policy"), report) if "policy" in document else Policy(),
        body=_body(document, report, registry),
        description=document.get("description", ""),
        origin=ROOT,
        origins=(
            *((part, ROOT.child(key)) for part, key in places.items() if key in document),
            (CONCURRENCY, ROOT.child("settings", CONCURRENCY)),
            *((f"{CONCURRENCY}:{name}", ROOT.child("settings", CONCURRENCY, name)) for name in MEMBERS),
            *limits,
        ),
    )
    unusable = ("inputs" in document and inputs is None) or ("outputs" in document and outputs is None)
    return None if unusable else pipeline


def _type(document: dict[str, Json], key: str, report: Report) -> ObjectType | None:
    if key not in document:
        return None
    return read_object_type(document[key], ROOT.child(key), report, f"`{key}`")


def _body(document: dict[str, Json], report: Report, registry: Registry) -> Region:
    drawing = read_nodes(document.get("nodes", []), ROOT.child("nodes"), report, registry)
    wiring = read_edges(document.get("edges", []), drawing, ROOT.child("edges"), report)
    first_of = {node.id: node for node in reversed(drawing.nodes)}
    nodes = [wire(node, wiring if first_of[node.id] is node else Wiring(), report) for node in drawing.nodes]
    return inherit_gates(build_region(drawing, nodes, report, registry), registry)


def _texts(document: dict[str, Json], key: str, what: str, report: Report) -> Iterator[tuple[str, str, Origin]]:
    """Yield name, text and place of what an object of texts has, by name."""
    for name, text in sorted(document.get(key, {}).items()):
        origin = ROOT.child(key, name)
        if report.is_kind(text, "string", origin, what):
            yield name, text, origin


def _connections(value: dict[str, Json], report: Report) -> tuple[Connection, ...]:
    connections = []
    for name, connection in value.items():
        origin = ROOT.child("connections", name)
        members = report.members(connection, CONNECTION, origin, "a connection")
        if "connector" not in members:
            continue
        policy = read_policy(members["policy"], origin.child("policy"), report) if "policy" in members else Policy()
        settings = _settings(members, origin, report)
        connections.append(Connection(name, members["connector"], settings, policy, origin))
    return tuple(sorted(connections, key=lambda connection: connection.name))


def _triggers(value: list[Json], report: Report) -> tuple[Trigger, ...]:
    triggers = []
    for index, trigger in enumerate(value):
        origin = ROOT.child("triggers", index)
        members = report.members(trigger, TRIGGER, origin, "a trigger")
        if "type" in members:
            settings = _settings(members, origin, report)
            triggers.append(Trigger(members["type"], tuple(map(_in_seconds, settings)), origin))
    return tuple(sorted(triggers, key=trigger_key))


def _in_seconds(setting: tuple[str, Value]) -> tuple[str, Value]:
    """Read a length of time, a number of seconds or a text such as `10s`; what is none is left for the checks."""
    name, value = setting
    if name not in LENGTHS or not isinstance(value, Literal):
        return setting
    length = seconds(value.value) if isinstance(value.value, str) else value.value
    if isinstance(length, bool) or not isinstance(length, int | float):
        return setting
    return name, Literal(float(length), value.origin)


def _settings(members: dict[str, Json], origin: Origin, report: Report) -> tuple[tuple[str, Value], ...]:
    place = origin.child("settings")
    settings = members.get("settings", {})
    read = {name: read_value(value, place.child(name), report) for name, value in settings.items()}
    return tuple(sorted(read.items(), key=lambda pair: pair[0]))
