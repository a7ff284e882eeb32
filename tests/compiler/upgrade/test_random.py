"""What holds of the upgrade of any pipeline, in either notation."""

from __future__ import annotations

import json
from dataclasses import replace

from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from saltern_compiler.driver.upgrade import Wanted, upgrade
from saltern_compiler.expr.ast import Ident, Select
from saltern_compiler.frontend import read
from saltern_compiler.frontend.convert import ConvertError, convert
from saltern_compiler.frontend.language.printer import print_language
from saltern_compiler.frontend.notations import DOCUMENT
from saltern_compiler.frontend.remarks import Remarks
from saltern_compiler.ir.canonical import canonical
from saltern_compiler.ir.pipeline import Node, Pipeline, map_nodes
from saltern_compiler.ir.values import Expression, Literal, make_template
from tests.support.demo import REGISTRY
from tests.support.effort import tries
from tests.support.pipelines import TEXT, pipelines, remarks

RANDOM = settings(
    max_examples=tries(8, 120),
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
VALUES = st.one_of(
    st.sampled_from(
        [
            Literal(True), Literal(False), Literal(["a", {"b": 1}]), Expression(Ident("input")),
            Expression(Select(Ident("input"), "a")),
            make_template(["x ", Expression(Ident("input"))]),
        ]
    ),
    TEXT.map(Literal),
)  # fmt: skip
PARAMS = {1: ("text", "loud", "channel"), 2: ("message", "tone", "channel"), 3: ("message", "tone", "times")}


@st.composite
def tell(draw: st.DrawFn, node: Node, others: list[str]) -> Node:
    """Make a node one of some version of `demo.tell`, with some of its parameters; what reads another node is drawn as an edge."""
    version = draw(st.sampled_from([1, 1, 2, 3]))
    names = draw(st.lists(st.sampled_from(PARAMS[version]), unique=True))
    edges = st.sampled_from([Expression(Ident(other)) for other in others if other < node.id] or [Literal("x")])
    params = tuple((name, draw(st.one_of(VALUES, edges))) for name in sorted(names))
    return replace(node, type="demo.tell", version=version, params=params)


@st.composite
def old_pipelines(draw: st.DrawFn) -> Pipeline:
    """Make pipelines whose `set` nodes are of old versions of `demo.tell`, with some more of them."""
    pipeline = draw(pipelines())
    more = [Node(f"tell{number}", "set") for number in range(draw(st.integers(1, 5)))]
    nodes = sorted((*pipeline.body.nodes, *more), key=lambda node: node.id)
    pipeline = replace(pipeline, body=replace(pipeline.body, nodes=tuple(nodes)))
    ids = [node.id for node in pipeline.body.nodes if node.type == "set"]
    body = map_nodes(pipeline.body, lambda node: draw(tell(node, ids)) if node.type == "set" else node)
    return replace(pipeline, body=body)


def meant(text: str, name: str) -> str:
    """Return what a text means; nothing in it is left to a person but what its nodes say."""
    pipeline, findings = read(text, name, REGISTRY)
    assert pipeline is not None, findings
    return canonical(pipeline)


def others(text: str, name: str) -> str:
    """Return what a text means, apart from the nodes that have steps."""
    pipeline, findings = read(text, name, REGISTRY)
    assert pipeline is not None, findings
    body = map_nodes(
        pipeline.body, lambda node: replace(node, version=1, params=()) if node.type == "demo.tell" else node
    )
    return canonical(replace(pipeline, body=body))


def upgraded(text: str, name: str, to: int = 3) -> str:
    """Upgrade a text; what is left is a decision about `loud`, of which nothing else is known, or about a branch that it would leave."""
    made = upgrade(text, name, wanted=Wanted(nodes={"demo.tell": to}), registry=REGISTRY)
    assume(all(each.code != "cycle" for each in made.findings))
    by_hand = [each for each in made.findings if each.code != "unknown-node-version"]
    assert {each.code for each in by_hand} <= {"step-by-hand"}
    assert all("loud" in each.notes[0] or "branch" in each.notes[0] for each in by_hand)
    return made.text


def check(text: str, name: str) -> str:
    """Hold what holds of one text; return it upgraded."""
    made = upgraded(text, name)
    assert upgraded(made, name) == made
    assert upgraded(upgraded(text, name, 2), name) == made
    assert others(made, name) == others(text, name)
    left = [node.version for node in read(made, name, REGISTRY)[0].body.walk() if node.type == "demo.tell"]
    assert 2 not in left
    return made


@RANDOM
@given(st.data())
def test_random_pipelines(data: st.DataObject) -> None:
    """Upgrading twice is upgrading once, step by step is at once, comments stay, and both notations come to mean the same."""
    pipeline = data.draw(old_pipelines())
    said = data.draw(remarks(pipeline))
    text = print_language(pipeline, Remarks.of(said), {}, REGISTRY)
    made = check(text, "a.saltern")
    for each in said:
        for line in each.text.split("\n"):
            assert f"# {line}".rstrip() in made
    try:
        drawn, findings = convert(text, "a.saltern", DOCUMENT, registry=REGISTRY)
    except ConvertError:
        assume(False)
        return
    assert drawn is not None, findings
    assert meant(check(drawn.text, "a.json"), "a.json") == meant(made, "a.saltern")


@RANDOM
@given(st.data())
def test_any_layout(data: st.DataObject) -> None:
    """However a document is set, what it does not say about old nodes stays where it is, keys of one's own among it."""
    pipeline = data.draw(old_pipelines())
    text = print_language(pipeline, Remarks.of([]), {}, REGISTRY)
    try:
        drawn, findings = convert(text, "a.saltern", DOCUMENT, registry=REGISTRY)
    except ConvertError:
        assume(False)
        return
    assert drawn is not None, findings
    document = json.loads(drawn.text)
    document["ui"] = {"mine": [1, 2.50, "é"]}
    for node in document["nodes"]:
        node["ui" if node["type"] == "note" else "style"] = {"colour": "red"}
        if node.get("typeVersion") == 1 and data.draw(st.booleans()):
            del node["typeVersion"]
    indent = data.draw(st.sampled_from([None, 0, 1, 3, "\t"]))
    separators = data.draw(st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", " : ")]))
    newline = data.draw(st.sampled_from(["\n", "\r\n"]))
    set_ = json.dumps(document, indent=indent, separators=separators, ensure_ascii=data.draw(st.booleans()))
    made = json.loads(check(set_.replace("\n", newline), "a.json"))
    assert made["ui"] == document["ui"]
    for old, new in zip(document["nodes"], made["nodes"], strict=True):
        for each in (old, new):
            each.pop("typeVersion", None)
            each.get("data", {}).pop("params", None)
            if each.get("data") == {}:
                del each["data"]
        assert old == new
