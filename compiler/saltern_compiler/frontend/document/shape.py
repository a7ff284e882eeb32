"""The keys of an editor document: one table for each kind of object, read by the reader and written into the JSON Schema.

A value's schema uses only what `fits` understands, or a `$ref` to a definition whose reader stands in a module of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Final

from saltern_compiler.ir import pipeline
from saltern_compiler.ir.concurrency import AT_MOST, CONCURRENCY, KEY, THEN, WAYS
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import Json

IDENTIFIER: Final = "^[A-Za-z_][A-Za-z0-9_]*$"
SCHEMA_VERSION: Final = 1
VERSION_KEY: Final = "schemaVersion"

NOTE_TYPES: Final = frozenset({"note"})
GROUP_TYPES: Final = frozenset({"group"})
INPUT_TYPE: Final = "input"
"""A node of this type and id is where a canvas draws edges of the input from; it means nothing by itself."""
DRAWN_TYPES: Final = NOTE_TYPES | GROUP_TYPES | {INPUT_TYPE}


@dataclass(frozen=True, slots=True)
class Key:
    """What may stand under a key."""

    schema: Mapping[str, Json] = field(default_factory=dict)
    required: bool = False
    ignored: bool = False
    """Belongs to the canvas: kept in the document, never read."""


Table = Mapping[str, Key]

_TEXT: Final = {"type": "string"}
_VALUES: Final = {"type": "object", "additionalProperties": {"$ref": "#/$defs/value"}}
_NAMED_TEXTS: Final = {"type": "object", "propertyNames": {"pattern": IDENTIFIER}, "additionalProperties": _TEXT}
_CANVAS: Final = Key(ignored=True)


def _canvas(names: str) -> dict[str, Key]:
    return dict.fromkeys(names.split(), _CANVAS)


DOCUMENT: Final[Table] = {
    "$schema": Key(_TEXT),
    VERSION_KEY: Key({"const": SCHEMA_VERSION}, required=True),
    "name": Key({"type": "string", "minLength": 1}, required=True),
    "description": Key(_TEXT),
    "inputs": Key({"$ref": "#/$defs/objectSchema"}),
    "outputs": Key({"$ref": "#/$defs/objectSchema"}),
    "uses": Key(_NAMED_TEXTS),
    "secrets": Key(_NAMED_TEXTS),
    "connections": Key(
        {
            "type": "object",
            "propertyNames": {"pattern": IDENTIFIER},
            "additionalProperties": {"$ref": "#/$defs/connection"},
        }
    ),
    "triggers": Key({"type": "array", "items": {"$ref": "#/$defs/trigger"}}),
    "settings": Key({"$ref": "#/$defs/settings"}),
    "budget": Key({"$ref": "#/$defs/budget"}),
    "policy": Key({"$ref": "#/$defs/policy"}),
    "nodes": Key({"type": "array", "items": {"$ref": "#/$defs/node"}}),
    "edges": Key({"type": "array", "items": {"$ref": "#/$defs/edge"}}),
    "viewport": _CANVAS,
    "ui": _CANVAS,
}
SETTINGS: Final[Table] = {
    **{name: Key({"$ref": "#/$defs/duration"}) for name in pipeline.SETTINGS},
    CONCURRENCY: Key({"$ref": "#/$defs/concurrency"}),
}
CONCURRENCY_OF: Final[Table] = {
    KEY: Key({"anyOf": [_TEXT, {"type": "array", "items": _TEXT}]}),
    AT_MOST: Key({"type": "integer", "minimum": 1}),
    THEN: Key({"enum": list(WAYS)}),
}
"""How many runs go on at a time; the key is a field of the input, `input.customer`, or several."""
BUDGET: Final[Table] = {
    "time": Key({"$ref": "#/$defs/duration"}),
    "calls": Key({"type": "object", "additionalProperties": {"type": "integer", "minimum": 0}}),
    "model_calls": Key({"type": "integer", "minimum": 0}),
    "tokens": Key({"type": "integer", "minimum": 0}),
    "bytes": Key({"type": "integer", "minimum": 0}),
    "assume": Key({"type": "object", "additionalProperties": {"$ref": "#/$defs/duration"}}),
}
"""What a run may cost at most; `assume` has sizes as numbers, waits as durations."""
CONNECTION: Final[Table] = {
    "connector": Key(_TEXT, required=True),
    "settings": Key(_VALUES),
    "policy": Key({"$ref": "#/$defs/policy"}),
    "ui": _CANVAS,
}
TRIGGER: Final[Table] = {"type": Key(_TEXT, required=True), "settings": Key(_VALUES), "ui": _CANVAS}
NODE: Final[Table] = {
    "id": Key(_TEXT, required=True),
    "type": Key(_TEXT, required=True),
    "typeVersion": Key({"type": "integer", "minimum": 1}),
    "parentId": Key({"type": ["string", "null"]}),
    "data": Key({"$ref": "#/$defs/nodeData"}),
    **_canvas(
        "position sourcePosition targetPosition hidden selected dragging resizing draggable selectable connectable deletable "
        "focusable dragHandle width height initialWidth initialHeight measured zIndex extent expandParent ariaLabel ariaRole "
        "domAttributes style className origin handles positionAbsolute parentNode computed"
    ),
}
NODE_DATA: Final[Table] = {
    "label": Key(_TEXT),
    "params": Key(_VALUES),
    "connection": Key({"type": ["string", "null"]}),
    "with": Key(_NAMED_TEXTS),
    "policy": Key({"$ref": "#/$defs/policy"}),
    "disabled": Key({"type": "boolean"}),
    "join": Key({"enum": ["all", "any"]}),
    "typeVersion": Key({"type": "integer", "minimum": 1}),
    "region": Key(_TEXT),
    "allow": Key({"type": "array", "items": {"$ref": "#/$defs/allow"}}),
    "ui": _CANVAS,
}
ALLOW: Final[Table] = {
    "code": Key({"type": "string", "minLength": 1}, required=True),
    "because": Key({"type": "string", "minLength": 1}, required=True),
    "part": Key(_TEXT),
}
"""A finding about a node that is meant, and why; `part` is the parameter that it is about."""
EDGE: Final[Table] = {
    "id": Key(_TEXT),
    "source": Key(_TEXT, required=True),
    "target": Key(_TEXT, required=True),
    "sourceHandle": Key({"type": ["string", "null"]}),
    "targetHandle": Key({"type": ["string", "null"]}),
    "data": Key({"$ref": "#/$defs/edgeData"}),
    **_canvas(
        "type animated hidden deletable selectable selected focusable reconnectable updatable markerStart markerEnd zIndex "
        "ariaLabel ariaRole domAttributes interactionWidth style className label labelStyle labelShowBg labelBgStyle "
        "labelBgPadding labelBgBorderRadius pathOptions sourceNode targetNode"
    ),
}
EDGE_DATA: Final[Table] = {
    "kind": Key({"enum": ["data", "control", "resource", "tool"]}),
    "order": Key({"type": "number"}),
    "ui": _CANVAS,
}
POLICY: Final[Table] = {
    "timeout": Key({"$ref": "#/$defs/duration"}),
    "retry": Key({"$ref": "#/$defs/retry"}),
    "priority": Key({"type": "integer", "minimum": 0, "maximum": 9}),
    "ttl": Key({"$ref": "#/$defs/duration"}),
    "on_error": Key({"enum": ["fail", "continue"]}),
    "on_ambiguous": Key({"enum": ["retry", "fail"]}),
    "cache": Key({"$ref": "#/$defs/duration"}),
}
RETRY: Final[Table] = {
    "attempts": Key({"type": "integer", "minimum": 1}),
    "base": Key({"$ref": "#/$defs/duration"}),
    "cap": Key({"$ref": "#/$defs/duration"}),
}
TABLES: Final[Mapping[str, Table]] = {
    "settings": SETTINGS,
    "concurrency": CONCURRENCY_OF,
    "budget": BUDGET,
    "connection": CONNECTION,
    "trigger": TRIGGER,
    "node": NODE,
    "nodeData": NODE_DATA,
    "allow": ALLOW,
    "edge": EDGE,
    "edgeData": EDGE_DATA,
    "policy": POLICY,
}

_KINDS: Final = {
    "string": (str,), "integer": (int,), "number": (int, float), "boolean": (bool,), "object": (dict,), "array": (list,),
    "null": (type(None),),
}  # fmt: skip


def is_kind(value: Json, kind: str) -> bool:
    """Tell whether a value is of a kind of JSON Schema: a double without fraction counts as integer, a boolean never."""
    if isinstance(value, bool) and kind != "boolean":
        return False
    if kind == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, _KINDS[kind])


def misfit(value: Json, schema: Mapping[str, Json]) -> str | None:
    """Say in words what a value must be, where it is not.

    References are left to their own readers; bounds and names to the checks, which both notations share.
    """
    if "const" in schema and not _same(value, schema["const"]):
        return f"must be {schema['const']}"
    if "enum" in schema and not any(_same(value, choice) for choice in schema["enum"]):
        return "must be " + " or ".join(f'"{choice}"' for choice in schema["enum"])
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds and not any(is_kind(value, kind) for kind in kinds):
        return "must be " + " or ".join(_ARTICLES[kind] for kind in kinds)
    if "minLength" in schema and len(value) < schema["minLength"]:
        return "must be not empty"
    return None


def _same(value: Json, wanted: Json) -> bool:
    return isinstance(value, bool) == isinstance(wanted, bool) and bool(value == wanted)


_ARTICLES: Final = {
    "string": "a string", "integer": "an integer", "number": "a number", "boolean": "true or false",
    "object": "an object", "array": "a list", "null": "null",
}  # fmt: skip


def describe(value: Json) -> str:
    """Name the kind of a value: `a list`."""
    return next(article for kind, article in _ARTICLES.items() if is_kind(value, kind))
