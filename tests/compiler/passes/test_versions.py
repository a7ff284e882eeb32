"""The fix of a deprecated version, in both notations."""

import json

import pytest

from saltern_compiler.diagnostics.fixes import apply_fixes
from saltern_compiler.driver import compile_source
from saltern_compiler.frontend.locate import Locator
from saltern_compiler.registry import Registry
from tests.support.versions import GREETINGS

REGISTRY = Registry.load().extended(GREETINGS)


def mended(text, name):
    found = compile_source(text, source_name=name, targets=(), registry=REGISTRY).diagnostics
    assert [each.code for each in found] == ["deprecated-version"]
    fixed = apply_fixes(text, found, Locator(text, name)).text
    left = compile_source(fixed, source_name=name, targets=(), registry=REGISTRY).diagnostics
    return fixed, [each.code for each in left]


def test_text_gets_the_newest_version():
    """Whether the old one is written or meant by writing none; the rest of the text stays."""
    for old in ("test.greet", "test.greet@1", "test.greet@2"):
        fixed, left = mended(f'pipeline p\nreturn a\n# why\na = {old} {{ name: "x" }}\n', "p.saltern")
        assert (fixed, left) == ('pipeline p\nreturn a\n# why\na = test.greet@3 { name: "x" }\n', [])


@pytest.mark.parametrize("where", ["node", "data"])
def test_a_document_gets_it_where_it_says_the_old_one(where):
    """On the node or in its data; where it says none, the version comes behind the type."""
    node = {"id": "a", "type": "test.greet", "data": {"params": {"name": "x"}}}
    (node if where == "node" else node["data"])["typeVersion"] = 1
    ends = {"id": "return", "type": "return", "data": {"params": {"value": {"$expr": "a"}}}}
    document = {"schemaVersion": 1, "name": "p", "nodes": [node, ends], "edges": []}
    fixed, left = mended(json.dumps(document), "p.json")
    node = json.loads(fixed)["nodes"][0]
    assert ((node if where == "node" else node["data"])["typeVersion"], left) == (3, [])
    del (document["nodes"][0] if where == "node" else document["nodes"][0]["data"])["typeVersion"]
    fixed, left = mended(json.dumps(document), "p.json")
    assert (list(json.loads(fixed)["nodes"][0]), left) == (["id", "type", "typeVersion", "data"], [])
