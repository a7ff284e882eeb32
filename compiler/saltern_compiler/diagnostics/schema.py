"""The JSON Schema of findings as JSON; `python -m saltern_compiler.diagnostics.schema` prints it."""

from __future__ import annotations

import json
import sys
from typing import Any

from saltern_compiler.diagnostics.render import SCHEMA_VERSION
from saltern_runtime.spec import Severity


def diagnostics_schema() -> dict[str, Any]:
    """Return the schema of what `render_json` writes."""
    position = _closed({"line": {"type": "integer", "minimum": 1}, "column": {"type": "integer", "minimum": 1}})
    text = {"type": "string"}
    where = {
        "pointer": {
            "type": ["string", "null"],
            "description": "JSON Pointer (RFC 6901) into an editor document; null for the Saltern language",
        },
        "range": {"anyOf": [{"$ref": "#/$defs/range"}, {"type": "null"}]},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Saltern diagnostics",
        "description": "What `saltern check --format json` prints: findings about one source, ordered by place.",
        **_closed(
            {
                "schemaVersion": {"const": SCHEMA_VERSION},
                "source": {"type": "string", "description": "name of the source, as it was given"},
                "errors": {"type": "integer", "minimum": 0},
                "warnings": {"type": "integer", "minimum": 0},
                "diagnostics": {"type": "array", "items": {"$ref": "#/$defs/diagnostic"}},
            }
        ),
        "$defs": {
            "range": {
                **_closed({"start": position, "end": position}),
                "description": "lines and columns count from 1, columns in characters; the end is not part of it",
            },
            "diagnostic": _closed(
                {
                    "code": {"type": "string", "pattern": "^[a-z]+(-[a-z]+)*$"},
                    "severity": {"enum": [severity.value for severity in Severity]},
                    "message": text,
                    **where,
                    "notes": {"type": "array", "items": text},
                    "related": {"type": "array", "items": _closed({"message": text, **where})},
                    "fixes": {"type": "array", "items": {"$ref": "#/$defs/fix"}},
                }
            ),
            "fix": _closed({"title": text, "edits": {"type": "array", "items": {"$ref": "#/$defs/edit"}}}),
            "edit": {
                **_closed({"range": where["range"], "text": text}),
                "description": "replace what stands in the range by the text",
            },
        },
    }


def _closed(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def text() -> str:
    """Return the file schemas/diagnostics.v1.json."""
    return json.dumps(diagnostics_schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text())
