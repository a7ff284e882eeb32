"""The JSON Schema 2020-12 of editor documents, made of the tables that the reader reads by.

python -m saltern_compiler.frontend.document.schema > schemas/pipeline.v1.json
"""

from __future__ import annotations

import json
import sys
from typing import Final

from saltern_compiler.frontend.document.shape import (
    DOCUMENT,
    DRAWN_TYPES,
    IDENTIFIER,
    RETRY,
    SCHEMA_VERSION,
    TABLES,
    Table,
)
from saltern_compiler.frontend.document.values import TAGS
from saltern_compiler.frontend.durations import DURATION, LONGEST
from saltern_runtime.spec import Json

NAME: Final = f"pipeline.v{SCHEMA_VERSION}.json"
_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def schema() -> dict[str, Json]:
    """Return the schema."""
    return {
        "$schema": _DIALECT,
        "$id": f"urn:saltern:{NAME.removesuffix('.json').replace('.', ':')}",
        "title": "Saltern pipeline",
        "description": "A pipeline as a visual editor saves it: React Flow's toObject() with the pipeline's own sections.",
        **_object(DOCUMENT),
        "$defs": {
            **{name: _object(table) for name, table in TABLES.items()},
            "node": _node(),
            "retry": {"anyOf": [RETRY["attempts"].schema, _object(RETRY)]},
            "duration": {
                "description": 'Seconds, or a text such as "500ms", "20s", "1h30m", "2d".',
                "anyOf": [
                    {"type": "number", "minimum": 0, "maximum": LONGEST},
                    {"type": "string", "maxLength": 100, "pattern": DURATION},
                ],
            },
            "objectSchema": {
                "description": "A JSON Schema of an object.",
                "allOf": [{"$ref": _DIALECT}],
                "type": "object",
                "properties": {"type": {"const": "object"}},
                "required": ["type"],
            },
            "value": _value(),
        },
    }


def _object(table: Table) -> dict[str, Json]:
    return {
        "type": "object",
        "properties": {name: dict(key.schema) if not key.ignored else True for name, key in table.items()},
        "required": [name for name, key in table.items() if key.required],
        "additionalProperties": False,
    }


def _node() -> dict[str, Json]:
    """Of what is only drawn, neither id nor data matter."""
    schema = _object(TABLES["node"])
    data = schema["properties"]["data"]
    schema["properties"]["data"] = True
    return {
        **schema,
        "if": {"properties": {"type": {"enum": sorted(DRAWN_TYPES)}}, "required": ["type"]},
        "else": {"properties": {"id": {"pattern": IDENTIFIER}, "data": data}},
    }


def _value() -> dict[str, Json]:
    tagged: dict[str, Json] = {tag: {"type": "string"} for tag in ("$expr", "$template", "$secret")}
    tagged |= {"$type": {"$ref": _DIALECT}, "$literal": True}
    return {
        "description": "A literal, or an object of one key that says what its value is: " + ", ".join(TAGS) + ".",
        "if": {"type": "object", "anyOf": [{"required": [tag]} for tag in TAGS]},
        "then": {"minProperties": 1, "maxProperties": 1, "properties": tagged},
        "else": {
            "additionalProperties": {"$ref": "#/$defs/value"},
            "items": {"$ref": "#/$defs/value"},
        },
    }


def text() -> str:
    """Return the schema as its file has it."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text())
