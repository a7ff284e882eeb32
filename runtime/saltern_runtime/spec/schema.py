"""JSON Schema 2020-12 and the type algebra, in both directions.

Fields that are marked carry `"x-saltern-personal": true`, `"x-saltern-secret": true`. What the algebra cannot express (patterns, bounds, `$ref`, `allOf`) is
a `SchemaError` that names the place, never silently dropped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from saltern_runtime.spec.types import (
    ANY,
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    FILE,
    INT,
    NULL,
    STRING,
    TIMESTAMP,
    Field,
    FileType,
    Json,
    Label,
    ListType,
    LiteralType,
    MapType,
    ObjectType,
    Places,
    Primitive,
    Type,
    UnionType,
    obj,
    union,
)

PERSONAL: Final = "x-saltern-personal"
MARKS: Final[Mapping[Label, str]] = {"personal": PERSONAL, "secret": "x-saltern-secret"}
"""Label → the keyword of a field that has it."""
_ANNOTATIONS: Final = frozenset(
    {"title", "description", "examples", "$schema", "$id", "$comment", "default", *MARKS.values()}
)
_PRIMITIVE_SCHEMAS: Final[Mapping[Primitive, dict[str, Json]]] = {
    NULL: {"type": "null"},
    BOOL: {"type": "boolean"},
    INT: {"type": "integer"},
    DOUBLE: {"type": "number"},
    STRING: {"type": "string"},
    BYTES: {"type": "string", "contentEncoding": "base64"},
    TIMESTAMP: {"type": "string", "format": "date-time"},
    DURATION: {"type": "string", "format": "duration"},
}
_BY_NAME: Final[Mapping[str, Primitive]] = {
    "null": NULL, "boolean": BOOL, "integer": INT, "number": DOUBLE, "string": STRING,
}  # fmt: skip
_FILE: Final = "file"
_STRING_FORMATS: Final[Mapping[str, Primitive]] = {"date-time": TIMESTAMP, "duration": DURATION}


class SchemaError(ValueError):
    """A JSON Schema uses what the type algebra cannot express; `path` are the keys that lead to the place."""

    def __init__(self, path: tuple[str | int, ...], reason: str) -> None:
        super().__init__(reason)
        self.path = path
        self.reason = reason


def to_schema(of: Type) -> dict[str, Json]:
    """Write a type as JSON Schema 2020-12."""
    match of:
        case Primitive(name="any"):
            return {}
        case Primitive():
            return dict(_PRIMITIVE_SCHEMAS[of])
        case LiteralType(value=value):
            return {"const": value}
        case ListType(item=item):
            return {"type": "array", "items": to_schema(item)}
        case MapType(value=value):
            return {"type": "object", "additionalProperties": to_schema(value)}
        case FileType():
            return {"type": "object", "format": _FILE}
        case ObjectType(fields=fields):
            return {
                "type": "object",
                "properties": {f.name: _field_schema(f) for f in fields},
                "required": [f.name for f in fields if f.required],
                "additionalProperties": of.open,
            }
        case UnionType(members=members):
            if all(isinstance(m, LiteralType) for m in members):
                return {"enum": [m.value for m in members if isinstance(m, LiteralType)]}
            return {"anyOf": [to_schema(m) for m in members]}


def _field_schema(field: Field) -> dict[str, Json]:
    schema = to_schema(field.type)
    schema.update((MARKS[label], True) for label in field.labels)
    if field.doc:
        schema["description"] = field.doc
    return schema


def from_schema(schema: Json, path: tuple[str | int, ...] = ()) -> Type:
    """Read a JSON Schema; raises `SchemaError` at the first thing that the algebra cannot express."""
    if schema is True:
        return ANY
    if not isinstance(schema, dict):
        raise SchemaError(path, "a schema is an object")
    if "const" in schema:
        return _literal(schema["const"], (*path, "const"))
    if "enum" in schema:
        return _enum(schema["enum"], (*path, "enum"))
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return _any_of(schema, key, path)
    kind = schema.get("type")
    if isinstance(kind, list):
        if not kind:
            raise SchemaError((*path, "type"), "an empty list of types admits nothing")
        rest = {k: v for k, v in schema.items() if k != "type"}
        return union(*(from_schema({**_relevant(rest, one), "type": one}, path) for one in kind))
    if kind is None:
        _refuse(schema, _ANNOTATIONS, path)
        return ANY
    return _typed(schema, kind, path)


def _relevant(rest: Mapping[str, Json], kind: Json) -> dict[str, Json]:
    """Leave out the keywords that say nothing about this one of several types (as JSON Schema does)."""
    own = {
        "object": {"properties", "required", "additionalProperties", "format"},
        "array": {"items"},
        "string": {"format", "contentEncoding"},
    }
    foreign = {key for name, keys in own.items() if name != kind for key in keys} - own.get(str(kind), set())
    return {k: v for k, v in rest.items() if k not in foreign}


def _typed(schema: Mapping[str, Json], kind: Json, path: tuple[str | int, ...]) -> Type:
    if kind == "object":
        return _object(schema, path)
    if kind == "array":
        _refuse(schema, _ANNOTATIONS | {"type", "items"}, path)
        return ListType(from_schema(schema.get("items", True), (*path, "items")))
    if not isinstance(kind, str) or kind not in _BY_NAME:
        raise SchemaError((*path, "type"), f"unknown type {kind!r}")
    if kind == "string":
        _refuse(schema, _ANNOTATIONS | {"type", "format", "contentEncoding"}, path)
        if schema.get("contentEncoding") == "base64":
            return BYTES
        return _STRING_FORMATS.get(str(schema.get("format")), STRING)
    _refuse(schema, _ANNOTATIONS | {"type"}, path)
    return _BY_NAME[kind]


def _refuse(schema: Mapping[str, Json], known: frozenset[str] | set[str], path: tuple[str | int, ...]) -> None:
    for key in schema:
        if key not in known:
            raise SchemaError((*path, key), f"the keyword {key!r} cannot be expressed as a Saltern type")


def _literal(value: Json, path: tuple[str | int, ...]) -> Type:
    if value is None:
        return NULL
    if isinstance(value, str | bool | int):
        return LiteralType(value)
    raise SchemaError(path, "an enumeration holds strings, integers, booleans or null")


def _enum(values: Json, path: tuple[str | int, ...]) -> Type:
    if not isinstance(values, list) or not values:
        raise SchemaError(path, "an enumeration is a list of at least one value")
    return union(*(_literal(v, (*path, i)) for i, v in enumerate(values)))


def _any_of(schema: Mapping[str, Json], key: str, path: tuple[str | int, ...]) -> Type:
    _refuse(schema, _ANNOTATIONS | {key}, path)
    options = schema[key]
    if not isinstance(options, list) or not options:
        raise SchemaError((*path, key), "a list of at least one schema")
    return union(*(from_schema(option, (*path, key, i)) for i, option in enumerate(options)))


def _object(schema: Mapping[str, Json], path: tuple[str | int, ...]) -> Type:
    if schema.get("format") == _FILE:
        _refuse(schema, _ANNOTATIONS | {"type", "format"}, path)
        return FILE
    _refuse(schema, _ANNOTATIONS | {"type", "properties", "required", "additionalProperties"}, path)
    properties = schema.get("properties", {})
    required = schema.get("required", [])
    extra = schema.get("additionalProperties", True)
    if not isinstance(properties, dict):
        raise SchemaError((*path, "properties"), "an object of schemas")
    if not isinstance(required, list) or not all(isinstance(name, str) for name in required):
        raise SchemaError((*path, "required"), "a list of property names")
    for index, name in enumerate(required):
        if name not in properties:
            raise SchemaError((*path, "required", index), f"{name!r} is not among the properties")
    if not properties and "additionalProperties" in schema and not isinstance(extra, bool):
        return MapType(from_schema(extra, (*path, "additionalProperties")))
    if not properties and "properties" not in schema:
        return MapType(ANY) if extra is not False else obj({})
    if not isinstance(extra, bool):
        raise SchemaError(
            (*path, "additionalProperties"), "an object has named properties or a schema for all, not both"
        )
    fields = {
        name: _field(name, member, name in required, (*path, "properties", name)) for name, member in properties.items()
    }
    return obj(fields, open="additionalProperties" in schema and extra is True)


def _field(name: str, schema: Any, required: bool, path: tuple[str | int, ...]) -> Field:
    of = from_schema(schema, path)
    if not isinstance(schema, dict):
        return Field(name, of, required, place=path)
    doc = schema.get("description", "")
    return Field(
        name,
        of,
        required,
        personal=schema.get(PERSONAL) is True,
        doc=doc if isinstance(doc, str) else "",
        secret=schema.get(MARKS["secret"]) is True,
        place=path,
    )


def places_in(schema: Mapping[str, Any], label: Label) -> Places:
    """Return where values of a schema have a label, the outermost places alone; models of generated code stand in its `$defs`.

    What is inside of itself is looked into once.
    """
    return tuple(dict.fromkeys(_places(schema, MARKS[label], schema.get("$defs", {}), frozenset())))


def _places(
    schema: Mapping[str, Any], mark: str, models: Mapping[str, Any], inside: frozenset[str]
) -> Iterator[tuple[str | None, ...]]:
    inner: list[tuple[str | None, Any]] = list(schema.get("properties", {}).items())
    inner += [(None, schema[key]) for key in ("items", "additionalProperties") if isinstance(schema.get(key), Mapping)]
    for name, part in inner:
        if part.get(mark):
            yield (name,)
        else:
            yield from ((name, *place) for place in _places(part, mark, models, inside))
    for member in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        yield from _places(member, mark, models, inside)
    model = schema.get("$ref", "").rpartition("/")[2]
    if model and model not in inside:
        yield from _places(models[model], mark, models, inside | {model})
