"""The JSON Schema of documents, the reader, and the examples that both must agree on."""

import json
import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from saltern_compiler.frontend import read
from saltern_compiler.frontend.document.schema import NAME, schema, text
from saltern_compiler.frontend.document.shape import TABLES
from saltern_compiler.ir.canonical import digest
from saltern_compiler.ir.verify import verify
from saltern_compiler.passes import analyze
from saltern_compiler.registry import Registry

ROOT = Path(__file__).parents[3]
EXAMPLES = sorted(each for each in ROOT.glob("examples/*/*.json") if each.stem == each.parent.name)
VALIDATOR = Draft202012Validator(schema())


def test_the_schema_file_is_what_the_tables_give():
    """A stale file fails; the command that mends it stands in the module."""
    assert (ROOT / "schemas" / NAME).read_text("utf-8") == text()
    Draft202012Validator.check_schema(schema())


def test_the_command_prints_the_schema():
    """`python -m saltern_compiler.frontend.document.schema > schemas/…` regenerates the file."""
    command = [sys.executable, "-m", "saltern_compiler.frontend.document.schema"]
    assert subprocess.run(command, capture_output=True, check=True).stdout.decode() == text()


def test_there_are_examples():
    """The two examples are saved by a canvas too."""
    assert {each.stem for each in EXAMPLES} >= {"support_triage", "order_totals"}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_validates_and_reads_cleanly(path):
    """Schema and reader both accept what we ship."""
    document = path.read_text("utf-8")
    assert [error.message for error in VALIDATOR.iter_errors(json.loads(document))] == []
    assert read(document, path.name)[1] == []


@pytest.mark.parametrize("name", ["support_triage", "order_totals"])
def test_the_two_notations_of_an_example_have_one_digest(name):
    """What a person writes and what a canvas saves mean the same, after normalisation too."""
    folder = Path(__file__).parents[3] / "examples" / name
    files = {each.name: each.read_text("utf-8") for each in folder.glob("*.py")}
    digests = set()
    for suffix in ("saltern", "json"):
        pipeline, found = read((folder / f"{name}.{suffix}").read_text("utf-8"), f"{name}.{suffix}")
        analysis = analyze(pipeline, Registry.load(), files)
        assert [*found, *analysis.diagnostics] == []
        verify(analysis.pipeline, checked=True)
        digests.add(digest(analysis.pipeline))
    assert len(digests) == 1


TRIAGE = json.loads((ROOT / "examples/support_triage/support_triage.json").read_text("utf-8"))
CLASSIFY = next(at for at, node in enumerate(TRIAGE["nodes"]) if node["id"] == "classify")


def changed(path, value):
    """Return the example with one value replaced; DELETE takes it out."""
    made = deepcopy(TRIAGE)
    at = made
    for key in path[:-1]:
        at = at[key]
    if value is DELETE:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return made


DELETE = object()
DATA = ("nodes", CLASSIFY, "data")
VALID = [
    (("description",), DELETE),
    (("inputs",), DELETE),
    (("triggers",), []),
    (("viewport",), None),
    (("ui",), {"anything": [1]}),
    (("settings",), {"deadline": "1h30m", "retention": 60.5}),
    (("settings",), {"concurrency": {"key": "input.a", "at_most": 2.0, "then": "drop"}}),
    (("settings",), {"concurrency": {"key": ["input.a", "input.b"]}}),
    (
        ("policy",),
        {"retry": {"attempts": 3, "base": "500ms", "cap": 60}, "priority": 9, "on_ambiguous": "fail", "cache": "1h"},
    ),
    (("nodes", CLASSIFY, "parentId"), None),
    (("nodes", CLASSIFY, "typeVersion"), 1.0),
    (("nodes", CLASSIFY, "style"), {"color": "red"}),
    ((*DATA, "params", "temperature"), {"$literal": {"$expr": 1}}),
    ((*DATA, "params", "temperature"), [{"a": {"$expr": "1"}}]),
    ((*DATA, "params", "response"), {"$type": True}),
    ((*DATA, "join"), "any"),
    ((*DATA, "disabled"), True),
    (("edges", 0, "data", "kind"), DELETE),
    (("edges", 0, "data", "order"), 1.5),
    (("edges", 0, "animated"), True),
]
INVALID = [
    (("schemaVersion",), 2),
    (("schemaVersion",), "1"),
    (("schemaVersion",), True),
    (("schemaVersion",), DELETE),
    (("name",), ""),
    (("name",), DELETE),
    (("inputs",), {"properties": {}}),
    (("inputs",), True),
    (("outputs", "type"), "array"),
    (("nodez",), []),
    (("nodes",), {}),
    (("edges",), None),
    (("secrets", "crm_dsn"), None),
    (("secrets", "crm-dsn"), "env:X"),
    (("connections", "crm"), "postgres"),
    (("connections", "crm", "connector"), DELETE),
    (("connections", "crm", "secret"), {}),
    (("connections", "crm", "policy"), {"retries": 1}),
    (("triggers", 0, "type"), DELETE),
    (("triggers", 0, "settings"), []),
    (("settings",), {"deadline": "soon"}),
    (("settings",), {"dead": 1}),
    (("settings",), {"concurrency": 2}),
    (("settings",), {"concurrency": {"key": 5}}),
    (("settings",), {"concurrency": {"key": ["input.a", 5]}}),
    (("settings",), {"concurrency": {"at_most": 1.5}}),
    (("settings",), {"concurrency": {"then": "wait"}}),
    (("settings",), {"concurrency": {"limit": 1}}),
    (("policy",), {"retry": 0}),
    (("policy",), {"retry": {"tries": 1}}),
    (("policy",), {"timeout": "1 s"}),
    (("policy",), {"timeout": -1}),
    (("policy",), {"timeout": 1e300}),
    (("policy",), {"priority": 10}),
    (("policy",), {"on_error": "ignore"}),
    (("nodes", CLASSIFY), "classify"),
    (("nodes", CLASSIFY, "id"), DELETE),
    (("nodes", CLASSIFY, "id"), "a b"),
    (("nodes", CLASSIFY, "id"), 5),
    (("nodes", CLASSIFY, "type"), None),
    (("nodes", CLASSIFY, "typeVersion"), "1"),
    (("nodes", CLASSIFY, "typeVersion"), 0),
    (("nodes", CLASSIFY, "params"), {}),
    ((*DATA, "parms"), {}),
    ((*DATA, "params"), []),
    ((*DATA, "params", "prompt"), {"$template": 5}),
    ((*DATA, "params", "prompt"), {"$expr": "1", "$template": "1"}),
    ((*DATA, "params", "prompt"), [{"x": {"$expr": "1", "y": 1}}]),
    ((*DATA, "params", "response"), {"$type": "string"}),
    ((*DATA, "params", "response"), {"$type": {"type": "strin"}}),
    ((*DATA, "label"), 5),
    ((*DATA, "connection"), {"$secret": "x"}),
    ((*DATA, "join"), "none"),
    ((*DATA, "disabled"), "true"),
    (("edges", 0, "source"), DELETE),
    (("edges", 0, "target"), None),
    (("edges", 0, "sourceHandle"), 1),
    (("edges", 0, "data", "kind"), "flow"),
    (("edges", 0, "data", "order"), "first"),
    (("edges", 0, "data", "label"), "x"),
]


def accepts(document):
    """Tell whether reader and checks find no error in a document."""
    pipeline, findings = read(json.dumps(document), "p.json")
    if pipeline is not None:
        findings = [*findings, *analyze(pipeline, Registry.load(), {}).diagnostics]
    return not [each for each in findings if each.severity == "error"]


@pytest.mark.parametrize(("path", "value"), VALID)
def test_what_one_accepts_the_other_does_too(path, value):
    """Schema and reader agree about what may stand where (names of inputs that are gone are for the checks)."""
    document = changed(path, value)
    assert [error.message for error in VALIDATOR.iter_errors(document)] == []
    assert read(json.dumps(document), "p.json")[1] == []


@pytest.mark.parametrize(("path", "value"), INVALID)
def test_what_one_refuses_the_other_does_too(path, value):
    """An editor that validates by the schema learns of the same mistakes."""
    document = changed(path, value)
    assert not VALIDATOR.is_valid(document)
    assert not accepts(document)


@pytest.mark.parametrize("name", sorted(TABLES))
def test_every_kind_of_object_refuses_keys_that_are_none(name):
    """The tables close each object in the schema, as the reader does."""
    made = schema()["$defs"][name]
    assert made["additionalProperties"] is False
    assert set(made["required"]) <= set(made["properties"])
