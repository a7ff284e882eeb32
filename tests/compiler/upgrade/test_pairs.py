"""Steps in pairs: for each step a folder with texts before and after it, in every notation.

What an upgraded text means is another pipeline, since versions are a part of it; all that a step does not name stays the same.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from saltern_compiler.driver import compile_source
from saltern_compiler.driver.upgrade import Wanted, upgrade
from saltern_compiler.frontend import read
from saltern_compiler.frontend.document.schema_steps import STEPS
from saltern_compiler.ir.canonical import canonical
from saltern_compiler.ir.pipeline import map_nodes
from tests.support.demo import REGISTRY, TELLS

PAIRS = Path(__file__).with_name("pairs")
FOLDERS = sorted(PAIRS.iterdir())
FILES = sorted(PAIRS.glob("*/before.*"))
NAMED = pytest.mark.parametrize("before", FILES, ids=lambda path: f"{path.parent.name}{path.suffix}")


def limit(folder):
    """How far the step of a folder leads: `TYPE@1` to 2."""
    name, _, version = folder.name.rpartition("@")
    to = int(version) + 1
    return Wanted(schema=to) if name == "schema" else Wanted(nodes={name: to})


def stepped(text, name, wanted=Wanted()):
    """Upgrade a text in which nothing is left to a person."""
    upgraded = upgrade(text, name, wanted=wanted, registry=REGISTRY)
    assert upgraded.findings == ()
    return upgraded.text


def text_of(path):
    return path.read_text("utf-8")


def test_every_step_has_a_pair():
    """Of documents and of the demo's node type; those of a node type in both notations."""
    steps = {f"schema@{step.of}" for step in STEPS} | {f"demo.tell@{step.of}" for step in TELLS[-1].steps}
    assert {folder.name for folder in FOLDERS} == steps
    for folder in FOLDERS:
        there = {path.suffix for path in folder.glob("before.*")}
        assert there == ({".json", ".yaml"} if folder.name.startswith("schema") else {".json", ".yaml", ".saltern"})


@NAMED
def test_a_step(before):
    """A step makes of the text before it the text after it, to the byte; a second time it changes nothing."""
    after = text_of(before.with_stem("after"))
    wanted = limit(before.parent)
    assert stepped(text_of(before), before.name, wanted) == after
    assert stepped(after, before.name, wanted) == after


@NAMED
def test_what_comes_out_checks_clean(before):
    """Errors are none, and of the versions that the steps lead away from nothing is left."""
    result = compile_source(
        stepped(text_of(before), before.name), source_name=before.name, targets=(), registry=REGISTRY
    )
    assert [each.message for each in result.diagnostics] == []


@NAMED
def test_one_by_one_is_at_once(before):
    """Going version by version gives the bytes that going to the newest one gives."""
    text = text_of(before)
    for version in (1, 2, 3):
        text = stepped(text, before.name, Wanted(schema=min(version, 1), nodes={"demo.tell": version}))
    assert text == stepped(text_of(before), before.name)


@NAMED
def test_nothing_else_changes(before):
    """Apart from the nodes of the type, both texts mean the same; the digest of a document whose shape alone is old is that of the new one."""

    def others(text):
        pipeline, _ = read(text, before.name, REGISTRY)
        assert pipeline is not None
        plain = map_nodes(
            pipeline.body, lambda node: replace(node, version=1, params=()) if node.type == "demo.tell" else node
        )
        return canonical(replace(pipeline, body=plain))

    assert others(text_of(before.with_stem("after"))) == others(
        stepped(text_of(before), before.name, limit(before.parent))
    )
    if not before.parent.name.startswith("schema"):
        assert others(text_of(before)) == others(text_of(before.with_stem("after")))


@pytest.mark.parametrize("suffix", [".json", ".yaml"])
def test_what_an_old_shape_meant(suffix):
    """Written down: the document of React Flow 11 is the pipeline that it was drawn as, with the yield in its loop."""
    pipeline, findings = read(text_of(PAIRS / f"schema@0/after{suffix}"), f"a{suffix}", REGISTRY)
    assert findings == []
    text = "pipeline lines\ninput { lines: list<string> }\neach = foreach line in input.lines { yield line }\nreturn { lines: each }\n"
    same, _ = read(text, "a.saltern", REGISTRY)
    assert [[node.type for node in each.body.node("each").body.nodes] for each in (pipeline, same)] == [
        ["yield"],
        ["yield"],
    ]
