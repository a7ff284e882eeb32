"""A comparison as JSON; its shape is schemas/diff.v1.json."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any, Final, get_args

from saltern_compiler.diff.model import Change, Comparison, Grade, Hurdle, Kind, Subject

SCHEMA_VERSION: Final = 1


def render_json(comparison: Comparison, old: str, new: str) -> str:
    """Write a comparison as one JSON document; `old` and `new` are what was compared, as it was named."""
    runs = comparison.runs
    document = {
        "schemaVersion": SCHEMA_VERSION,
        "old": {"source": old, "pipeline": comparison.old},
        "new": {"source": new, "pipeline": comparison.new},
        "callers": comparison.callers.value,
        "runs": {
            "verdict": runs.verdict,
            "hurdles": [_plain(hurdle) for hurdle in runs.hurdles],
            "carried": dict(sorted(runs.carried.items())),
            "kept": list(runs.kept),
            "starts": list(runs.starts),
        },
        "changes": [_plain(change) for change in comparison.changes],
    }
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def _plain(of: Change | Hurdle) -> dict[str, Any]:
    return {field.name: getattr(of, field.name) for field in fields(of)}


def diff_schema() -> dict[str, Any]:
    """Return the schema of what `render_json` writes."""
    text, maybe = {"type": "string"}, {"type": ["string", "null"]}
    ids = {"type": "array", "items": text}
    grade = {"enum": [grade.value for grade in Grade]}
    side = _closed(
        {"source": {**text, "description": "as it was named"}, "pipeline": {**text, "description": "its name"}}
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Saltern diff",
        "description": "What `saltern diff --format json` prints: what differs in meaning between two pipelines.",
        **_closed(
            {
                "schemaVersion": {"const": SCHEMA_VERSION},
                "old": side,
                "new": side,
                "callers": {**grade, "description": "what all changes together are for those who call the API"},
                "runs": {
                    **_closed(
                        {
                            "verdict": {"enum": ["yes", "partly", "no"]},
                            "hurdles": {"type": "array", "items": {"$ref": "#/$defs/hurdle"}},
                            "carried": {
                                "type": "object",
                                "additionalProperties": text,
                                "description": "old id to new id of the nodes whose values a run takes along",
                            },
                            "kept": {
                                **ids,
                                "description": "old ids: ended, they keep what the new pipeline would not make",
                            },
                            "starts": {**ids, "description": "old ids: a run that has just come to one may go on"},
                        }
                    ),
                    "description": "whether runs that began on the old pipeline may go on with the new one",
                },
                "changes": {"type": "array", "items": {"$ref": "#/$defs/change"}},
            }
        ),
        "$defs": {
            "change": _closed(
                {
                    "kind": {"enum": list(get_args(Kind))},
                    "subject": {"enum": list(get_args(Subject))},
                    "name": text,
                    "part": {**text, "description": "empty: the whole"},
                    "old": {**maybe, "description": "as the language writes it; null: it is not there"},
                    "new": {**maybe, "description": "as the language writes it; null: it is not there"},
                    "grade": grade,
                    "why": text,
                    "within": {
                        **text,
                        "description": "path of the used pipeline that it stands in; empty: the pipeline itself",
                    },
                }
            ),
            "hurdle": {
                **_closed({"why": text, "after": maybe, "until": maybe, "during": maybe}),
                "description": (
                    "a run may not go on while the node `during` has begun and not ended; without one, once `after` has ended "
                    "(null: from the start) and as long as `until` has not (null: to the end)"
                ),
            },
        },
    }


def _closed(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def text() -> str:
    """Return the file schemas/diff.v1.json."""
    return json.dumps(diff_schema(), indent=2, ensure_ascii=False) + "\n"
