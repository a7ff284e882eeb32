"""Structured outputs: the schema that is sent for a model class, and the answer read back.

OpenAI's strict mode wants every property required and every object closed. A field that may be absent is therefore asked
for as "value or null", and null is taken out of the answer again. Endpoints without a strict mode answer as they like.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, TypeVar

from saltern_runtime.nodes.llm import fit, found

if TYPE_CHECKING:
    from pydantic import BaseModel

M = TypeVar("M", bound="BaseModel")

_NOISE = ("title", "default")
_BOUNDS = ("format", "minimum", "exclusiveMaximum")
"""How large an int is: endpoints that write such bounds into a grammar choke on it, and the answer is held to it anyway."""


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
        if key not in _NOISE and not (schema.get("type") == "integer" and key in _BOUNDS)
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
    """Read the one answer in a text as an instance of a class; raises ValueError, whose message names no value."""
    schema = of.model_json_schema()
    answers: list[M] = []
    wrong: ValueError | None = None
    for value in found.objects(text):
        try:
            answer = _validate(fit.fit(value, schema), of)
        except ValueError as error:
            wrong = error
        else:
            answers += [answer] * (answer not in answers)
    if len(answers) > 1:
        raise ValueError(f"it holds {len(answers)} different answers")
    if not answers and wrong is not None:
        raise wrong
    return answers[0]


def _validate(value: Any, of: type[M]) -> M:
    from pydantic import ValidationError  # noqa: PLC0415 - reading the spec needs no pydantic

    try:
        return of.model_validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        places = (
            f"{'.'.join(map(str, problem['loc'])) or 'the whole'} ({problem['type']})"
            for problem in error.errors(include_input=False)[:5]
        )
        raise ValueError(", ".join(places)) from None
