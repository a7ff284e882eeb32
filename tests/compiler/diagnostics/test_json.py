"""Findings as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema

from saltern_compiler.diagnostics import schema
from saltern_compiler.diagnostics.model import NOWHERE, Diagnostic, Edit, Fix, Origin, Related
from saltern_compiler.diagnostics.render import render_json
from saltern_compiler.frontend.locate import Locator

TEXT = "pipeline greet\nreturn inptu.name\n"
FULL = Diagnostic(
    "unused-node",
    "nothing uses `inptu`",
    Origin(None, 22, 27),
    ("Did you mean `input`?",),
    (Related(Origin(None, 9, 14), "here"),),
    (Fix("write `input`", (Edit(Origin(None, 22, 27), "input"),)),),
)


def test_shape() -> None:
    """A finding has its code, severity, message, place, notes, related places and fixes with their edits."""
    place = {"start": {"line": 2, "column": 8}, "end": {"line": 2, "column": 13}}
    assert json.loads(render_json([FULL], TEXT, "greet.saltern")) == {
        "schemaVersion": 1,
        "source": "greet.saltern",
        "errors": 0,
        "warnings": 1,
        "diagnostics": [
            {
                "code": "unused-node",
                "severity": "warning",
                "message": "nothing uses `inptu`",
                "pointer": None,
                "range": place,
                "notes": ["Did you mean `input`?"],
                "related": [
                    {
                        "message": "here",
                        "pointer": None,
                        "range": {"start": {"line": 1, "column": 10}, "end": {"line": 1, "column": 15}},
                    }
                ],
                "fixes": [{"title": "write `input`", "edits": [{"range": place, "text": "input"}]}],
            }
        ],
    }


def test_fits_its_schema() -> None:
    """Whatever is printed fits the schema: with and without places, in both notations, and nothing at all."""
    document = '{"nodes": [{"id": "a"}]}'
    pointer = Diagnostic("cycle", "m", Origin("/nodes/0/id"), fixes=(Fix("t", (Edit(Origin("/nodes/9"), "b"),)),))
    printed = [
        render_json([], TEXT, "g"),
        render_json([FULL, Diagnostic("cycle", "m", NOWHERE)], TEXT, "g"),
        render_json([pointer], document, "g.json"),
        render_json([pointer], document, "g.json", locator=Locator(document, "g.json")),
    ]
    checker = jsonschema.Draft202012Validator(schema.diagnostics_schema())
    for each in printed:
        checker.validate(json.loads(each))
    assert json.loads(printed[3])["diagnostics"][0]["range"]["start"] == {"line": 1, "column": 19}


def test_written_schema_is_fresh() -> None:
    """schemas/diagnostics.v1.json is what `python -m saltern_compiler.diagnostics.schema` prints."""
    written = Path(__file__).parents[3] / "schemas" / "diagnostics.v1.json"
    assert written.read_text("utf-8") == schema.text()


def test_schema_is_one() -> None:
    """The schema is valid JSON Schema 2020-12."""
    jsonschema.Draft202012Validator.check_schema(schema.diagnostics_schema())
