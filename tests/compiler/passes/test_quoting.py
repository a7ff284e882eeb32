"""What mends a text in quotes that was meant as an expression or a template."""

import json

import pytest

from saltern_compiler.diagnostics.fixes import apply_fixes
from saltern_compiler.driver import compile_source
from saltern_compiler.frontend.locate import Locator

HEAD = "pipeline p\n\ninput { name: string, order: { id: string } }\n\n"


def mended(text, name="p.saltern"):
    """Apply every fix; what comes out has no finding."""
    found = compile_source(text, source_name=name, targets=()).diagnostics
    assert {each.code for each in found} == {"quoted-expression"}
    fixed = apply_fixes(text, found, Locator(text, name)).text
    assert compile_source(fixed, source_name=name, targets=()).diagnostics == ()
    return fixed


@pytest.mark.parametrize(
    ("quoted", "meant"),
    [
        ('"input.order.id"', "input.order.id"),
        ("'input.order.id'", "input.order.id"),
        ('["input.order.id", "x.y"]', '[input.order.id, "x.y"]'),
        ('"Hello, {{ input.name }}"', "`Hello, {{ input.name }}`"),
        ('"{{input.name}}: \\"{{ input.order.id + \'!\' }}\\" `x` \\\\"', '`{{ input.name }}: "{{ input.order.id + "!" }}" \\`x\\` \\\\`'),
        ('"{{ input.name }}\\n{{ input.name }}"', "`\n  {{ input.name }}\n  {{ input.name }}\n`"),
    ],
)  # fmt: skip
def test_the_fix_says_what_was_meant(quoted, meant):
    """Without the quotes, or in backticks with everything else as it was."""
    assert mended(f"{HEAD}return {quoted}\n") == f"{HEAD}return {meant}\n"


@pytest.mark.parametrize(
    ("quoted", "meant"),
    [
        ("input.order.id", {"$expr": "input.order.id"}),
        ('Ü "{{ input.name }}"', {"$template": 'Ü "{{ input.name }}"'}),
    ],
)
def test_documents_get_what_they_call_it(quoted, meant):
    """In JSON and in YAML the text becomes an expression or a template."""
    inputs = {
        "type": "object", "required": ["name", "order"],
        "properties": {
            "name": {"type": "string"},
            "order": {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]},
        },
    }  # fmt: skip
    node = {"id": "return", "type": "return", "data": {"params": {"value": quoted}}}
    document = json.dumps({"schemaVersion": 1, "name": "p", "inputs": inputs, "nodes": [node], "edges": []})
    for name in ("p.json", "p.yaml"):
        assert json.loads(mended(document, name))["nodes"][0]["data"]["params"]["value"] == meant


@pytest.mark.parametrize(
    "text",
    ["input.nam", "inputs.name", "input", "input.name ", "input.name.size()", "www.example.com", "{{ name }}", "{{ input.nam }}",
     "{{ input.name", "{{}}", "{{ 1 }}", "{{ input.name }} {{ nobody.x }}", "{{#each}} {{ input.name }}", "{{ input }}"],
)  # fmt: skip
def test_what_is_not_there_is_a_text(text):
    """Whatever names something else, or is no expression of ours, may be a text for somebody else."""
    assert compile_source(f"{HEAD}return {json.dumps(text)}\n", source_name="p.saltern", targets=()).diagnostics == ()
