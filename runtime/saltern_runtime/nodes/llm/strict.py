"""Structured outputs: the schema that is sent for a model class, and the answer read back.

OpenAI's strict mode wants every property required and every object closed. A field that may be absent is therefore asked
for as "value or null", and null is taken out of the answer again.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from pydantic import BaseModel

M = TypeVar("M", bound="BaseModel")

_NOISE = ("title", "default")


def response_format(of: type[BaseModel]) -> dict[str, Any]:
    """Return the `response_format` that asks for a class."""
    name = re.sub(r"[^A-Za-z0-9_-]", "_", of.__name__)[:64]
    return {
        "type": "json_schema",
        "json_schema": {"name": name, "strict": True, "schema": _strict(of.model_json_schema())},
    }


def _strict(schema: Any) -> Any:
    """Rewrite a schema and all its parts for strict mode; names of properties and definitions are no keywords."""
    if isinstance(schema, list):
        return [_strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return {"$ref": schema["$ref"]}
    out = {
        key: value if key in ("enum", "const", "required") else _strict(value)
        for key, value in schema.items()
        if key not in _NOISE
    }
    for group in ("properties", "$defs"):
        if isinstance(schema.get(group), dict):
            out[group] = {name: _strict(part) for name, part in schema[group].items()}
    if "properties" in out:
        required = set(schema.get("required", ()))
        out["properties"] = {
            name: part if name in required else _or_null(part) for name, part in out["properties"].items()
        }
        out["required"] = list(out["properties"])
    if schema.get("type") == "object" and "properties" in schema:
        out["additionalProperties"] = False
    return out


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    options = schema.get("anyOf")
    if isinstance(options, list):
        return schema if {"type": "null"} in options else {**schema, "anyOf": [*options, {"type": "null"}]}
    return {"anyOf": [schema, {"type": "null"}]}


def read(text: str, of: type[M]) -> M:
    """Read an answer as an instance of a class; raises ValueError (pydantic's, or the standard library's for broken JSON)."""
    schema = of.model_json_schema()
    value = _without_nulls(json.loads(text), schema, schema)
    return of.model_validate_json(json.dumps(value), strict=True)


def _without_nulls(value: Any, schema: Any, root: Any) -> Any:
    """Leave out the nulls that stand for absence."""
    if not isinstance(schema, dict):
        return value
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rpartition("/")[2]]
    if isinstance(value, list):
        return [_without_nulls(item, schema.get("items"), root) for item in value]
    if not isinstance(value, dict):
        return value
    objects = [option for option in schema.get("anyOf", ()) if "$ref" in option or option.get("type") == "object"]
    if len(objects) == 1:
        return _without_nulls(value, objects[0], root)
    properties, required = schema.get("properties", {}), schema.get("required", ())
    return {
        key: _without_nulls(member, properties.get(key), root)
        for key, member in value.items()
        if not (member is None and key in properties and key not in required)
    }
