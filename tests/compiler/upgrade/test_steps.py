"""Steps that are missing, or that cannot be taken as they are offered."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial

import pytest

from saltern_compiler.driver.compile import compile_source
from saltern_compiler.driver.upgrade import Wanted, upgrade
from saltern_compiler.frontend.document.renewing import renew
from saltern_compiler.frontend.moves import applied
from saltern_compiler.frontend.notations import DOCUMENT
from saltern_compiler.registry import PluginError, Registry
from saltern_runtime.spec import ANY, ByHand, Drop, NodeType, Param, Put, Rename, Step


def greet(version, *steps, deprecated="", params=("name", "tone")):
    return NodeType(
        "test.greet",
        "Greets.",
        ANY,
        version,
        params=tuple(Param(name, required=False) for name in params),
        steps=steps,
        deprecated=deprecated,
    )


def registry(*nodes):
    return Registry.load().extended(nodes)


def test_a_gap():
    """A step that is missing in the middle is told, and no step before it is taken: where it ends, nobody knows."""
    known = registry(greet(1), greet(2), greet(4, Step(1, "One."), Step(3, "Three.")))
    text = "pipeline p\na = test.greet {}\nb = test.greet@3 {}\nc = test.greet@2 {}\n"
    made = upgrade(text, "a.saltern", registry=known)
    assert made.text == "pipeline p\na = test.greet {}\nb = test.greet@4 {}\nc = test.greet@2 {}\n"
    assert [(each.code, each.message) for each in made.findings] == [
        ("missing-step", "no step leads from `test.greet@2` to `test.greet@3`")
    ] * 2
    assert [text[each.origin.start : each.origin.end] for each in made.findings] == ["test.greet", "test.greet@2"]


def test_up_to_the_gap():
    """A version that is asked for may lie before the gap."""
    known = registry(greet(1), greet(2), greet(4, Step(1, "One."), Step(3, "Three.")))
    made = upgrade(
        "pipeline p\na = test.greet {}\n", "a.saltern", wanted=Wanted(nodes={"test.greet": 2}), registry=known
    )
    assert (made.text, made.findings) == ("pipeline p\na = test.greet@2 {}\n", ())


def test_an_old_version_may_be_gone():
    """A version that the package has no more is upgraded as well: the newest one has the steps."""
    known = registry(greet(3, Step(1, "One.", lambda _: [Rename("name", "who")]), Step(2, "Two.")))
    made = upgrade('pipeline p\na = test.greet { name: "x" }\n', "a.saltern", registry=known)
    assert (made.text, made.findings) == ('pipeline p\na = test.greet@3 { who: "x" }\n', ())


def test_a_version_that_nothing_is_said_against_stays():
    """Without a step a newer version may mean something else: only one that is deprecated is left behind."""
    text = "pipeline p\na = test.greet {}\n"
    assert upgrade(text, "a.saltern", registry=registry(greet(1), greet(2))).text == text
    made = upgrade(text, "a.saltern", registry=registry(greet(1, deprecated="Old."), greet(2)))
    assert made.text == "pipeline p\na = test.greet@2 {}\n"


@pytest.mark.parametrize(
    "changes",
    [
        [Rename("none", "x")],
        [Drop("name"), Drop("name")],
        [Put("x", 1), Put("x", 2)],
        [Put("name", 1), Rename("name", "x")],
        ["name"],
    ],
)
def test_a_step_that_cannot_be_taken_is_its_offerers_mistake(changes):
    """What is not bound, or is changed twice, or would be bound twice: an error that names the node type and the step."""
    known = registry(greet(1), greet(2, Step(1, "One.", lambda _: changes)))
    with pytest.raises(PluginError, match=r"test.greet@2', but in its step from version 1 "):
        upgrade('pipeline p\na = test.greet { name: "x", tone: "y" }\n', "a.saltern", registry=known)


def test_a_name_that_is_taken():
    """A node may bind already what a step gives a value, by its author's mistake: the author decides."""
    known = registry(greet(1, params=("name",)), greet(2, Step(1, "One.", lambda _: [Rename("name", "tone")])))
    text = 'pipeline p\na = test.greet { name: "x", tone: "y" }\n'
    made = upgrade(text, "a.saltern", registry=known)
    assert made.text == text
    assert [(each.code, text[each.origin.start : each.origin.end]) for each in made.findings] == [
        ("step-by-hand", "tone")
    ]
    assert made.findings[0].notes[0] == "`tone` stands here already, and the step gives it a value: keep one of them."


def test_a_step_with_no_value_before_it():
    """A key of YAML without a value, or without a colon, is one as any other."""
    known = registry(greet(1), greet(2, Step(1, "One.", lambda _: [Put("name", 1)])))
    for given, wanted in (("{name}", "{name: 1}"), ("\n        name: # why", "\n        name: 1 # why")):
        text = f"schemaVersion: 1\nname: p\nnodes:\n  - id: a\n    type: test.greet\n    data:\n      params: {given}\n"
        made = upgrade(text, "a.yaml", registry=known)
        assert made.text == text.replace(given, wanted).replace("test.greet", "test.greet\n    typeVersion: 2"), (
            made.text
        )


@pytest.mark.parametrize("steps", [(Step(1, "One."), Step(1, "Other.")), (Step(2, "Two."),), (Step(0, "None."),)])
def test_steps_that_lead_nowhere(steps):
    """Two from one version, one from the newest, one from before the first."""
    with pytest.raises(PluginError, match="a second or a stray step"):
        upgrade("pipeline p\na = test.greet {}\n", "a.saltern", registry=registry(greet(1), greet(2, *steps)))


def test_a_duplicate_id_changes_nothing():
    """A text with errors is mended first: what a step would be told of its nodes may be wrong."""
    text = "pipeline p\na = test.greet {}\na = = 1\n"
    made = upgrade(text, "a.saltern", registry=registry(greet(1, deprecated="Old."), greet(2)))
    assert made.text == text
    assert [each.code for each in made.findings] == ["syntax-error"]


def drawn(*nodes, edges):
    """Return a document of `test.greet` nodes of version 1, a condition `ask` beside them, and edges."""
    made = [{"id": each, "type": "test.greet", "typeVersion": 1} for each in nodes]
    return json.dumps(
        {
            "schemaVersion": 1,
            "name": "p",
            "nodes": [{"id": "ask", "type": "if", "data": {"params": {"condition": True}}}, *made],
            "edges": [
                {"id": str(number), "source": source, "sourceHandle": handle, "target": target, "targetHandle": to}
                for number, (source, handle, target, to) in enumerate(edges)
            ],
        }
    )


DROPS = greet(2, Step(1, "No tone.", lambda bound: [Drop("tone")] if "tone" in bound.types else []), params=("name",))


def test_a_branch_is_not_left():
    """A node belongs to a branch by what it reads: where a step drops that, a person draws the edge instead; others are upgraded."""
    known = registry(greet(1, deprecated="Old."), DROPS)
    text = drawn(
        "a", "b", "c", "d", edges=[("ask", "then", "a", None), ("a", "out", "b", "tone"), ("a", "out", "c", "name"),
                              ("a", "out", "c", "tone"), ("b", "out", "d", "name")]
    )  # fmt: skip
    made = upgrade(text, "a.json", registry=known)
    versions = {node["id"]: node["typeVersion"] for node in json.loads(made.text)["nodes"][1:]}
    assert versions == {"a": 2, "b": 1, "c": 2, "d": 2}
    assert [(each.code, each.notes) for each in made.findings] == [
        (
            "step-by-hand",
            (
                "`b` belongs to a branch by what it reads, and would read it no more: draw a control edge to it.",
                "No tone.",
            ),
        )
    ]
    fixes = [
        each.fixes
        for each in compile_source(text, source_name="a.json", registry=known, targets=()).diagnostics
        if "`b`" in each.message
    ]
    assert fixes == [()]
    document = json.loads(made.text)
    document["edges"].append({"id": "own", "source": "ask", "sourceHandle": "then", "target": "b"})
    again = upgrade(json.dumps(document), "a.json", registry=known)
    assert again.findings == ()
    assert json.loads(again.text)["nodes"][2]["typeVersion"] == 2


def test_circles_are_mended_first():
    """What runs in circles is told and stays: which branches its nodes belong to is open."""
    known = registry(greet(1), DROPS)
    text = drawn("a", "b", edges=[("a", "out", "b", "tone"), ("b", "out", "a", "tone")])
    made = upgrade(text, "a.json", registry=known)
    assert (made.text, [each.code for each in made.findings]) == (text, ["cycle"])


SHAPES = (
    Step(
        1,
        "`nodes` is `steps`; `ui` is gone.",
        lambda of: [Rename("/nodes", "steps"), Drop("/ui"), Put("/mode", "a")],
    ),
    Step(
        2,
        "`mode` is a number.",
        lambda of: [ByHand("Say 1 or 2.", "/mode") if of["mode"] == "b" else Put("/mode", 1)],
    ),
)
"""Steps of shapes that there never were: what a later release does with its own."""
LATER = replace(DOCUMENT, renew=partial(renew, yaml=False, steps=SHAPES, newest=3))


@pytest.mark.parametrize("indent", [None, 2])
def test_shapes_step_by_step(indent):
    """Keys are renamed, dropped, added and replaced where they stand; one by one is at once."""
    text = json.dumps(
        {"schemaVersion": 1, "ui": {"x": [1]}, "nodes": [], "name": "é"}, indent=indent, ensure_ascii=False
    )
    first = renew(text, 2, yaml=False, steps=SHAPES, newest=3)
    two = applied(text, first.changes)
    assert two == json.dumps(
        {"schemaVersion": 2, "steps": [], "name": "é", "mode": "a"}, indent=indent, ensure_ascii=False
    )
    assert renew(two, 2, yaml=False, steps=SHAPES, newest=3) is None
    three = applied(two, renew(two, None, yaml=False, steps=SHAPES, newest=3).changes)
    assert json.loads(three) == {"schemaVersion": 3, "steps": [], "name": "é", "mode": 1}
    assert upgrade(text, "a.json", notations=(LATER,)).text == three


def test_a_shape_that_a_person_decides():
    """It is told at its place, and the document stays of its version; so does one from which no step leads."""
    made = upgrade('{"schemaVersion": 2, "mode": "b", "name": "p"}', "a.json", notations=(LATER,))
    assert [(each.code, each.origin.pointer, each.notes[0]) for each in made.findings] == [
        ("step-by-hand", "/mode", "Say 1 or 2.")
    ]
    made = upgrade('{"schemaVersion": 0, "name": "p"}', "a.json", notations=(LATER,))
    assert [(each.code, each.origin.pointer) for each in made.findings] == [("missing-step", "/schemaVersion")]
    assert made.text == '{"schemaVersion": 0, "name": "p"}'


@pytest.mark.parametrize("version", ["1", True, 1.5, 2, -1, None, 10**30])
def test_other_versions_are_left_to_the_check(version):
    """A version that is no number, or that a later release wrote, is no old one."""
    text = json.dumps({"schemaVersion": version, "name": "p", "nodes": []})
    assert upgrade(text, "a.json").text == text


def test_another_editors_document_is_none_of_ours():
    """It gets no version of ours."""
    text = '{"meta": {}, "nodes": [{"parameters": {}}]}'
    made = upgrade(text, "a.json")
    assert (made.text, [each.code for each in made.findings]) == (text, ["unknown-source-format"])
