"""What holds of the comparison of any two pipelines."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from saltern_compiler.diff import Comparison, compare
from saltern_compiler.diff.document import render_json
from saltern_compiler.diff.forms import Names
from saltern_compiler.diff.markdown import render_markdown
from saltern_compiler.diff.model import Grade
from saltern_compiler.diff.terminal import render_terminal
from saltern_compiler.diff.types import differences, flows
from saltern_compiler.frontend import read
from saltern_compiler.frontend.convert import ConvertError, convert
from saltern_compiler.frontend.language.printer import print_language
from saltern_compiler.frontend.notations import DOCUMENT
from saltern_compiler.frontend.remarks import Remarks
from saltern_compiler.ir.attempts import is_part
from saltern_compiler.ir.canonical import canonical
from saltern_compiler.ir.pipeline import INNER_TYPES, Node, Pipeline, Region, map_nodes
from tests.support.compared import REGISTRY, side_of_pipeline
from tests.support.effort import tries
from tests.support.pipelines import OBJECT, pipelines

RANDOM = settings(
    max_examples=tries(10, 60),
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)


def _flows(pipeline: Pipeline) -> bool:
    """Tell whether what it returns stands behind no cycle: nothing is compared that has one."""
    has_value = side_of_pipeline(pipeline).analyzed.types.conditions.has_value
    return pipeline.body.node("return") is None or "return" in has_value


PIPELINES = pipelines().filter(_flows)


def _compared(old: Pipeline, new: Pipeline) -> Comparison:
    return compare(side_of_pipeline(old), side_of_pipeline(new))


@RANDOM
@given(PIPELINES)
def test_the_same_is_the_same(pipeline: Pipeline) -> None:
    """A pipeline differs in nothing from itself, whatever it is called on a canvas and in whatever order it stands."""
    shuffled = replace(
        pipeline,
        description="another",
        connections=tuple(reversed(pipeline.connections)),
        body=map_nodes(pipeline.body, lambda node: replace(node, label="another label")),
    )
    found = _compared(pipeline, shuffled)
    assert found.changes == ()
    assert found.runs.hurdles == ()
    assert found.runs.kept == ()


@RANDOM
@given(PIPELINES)
def test_the_other_notation_is_the_same(pipeline: Pipeline) -> None:
    """A pipeline differs in nothing from what it is in the other notation."""
    text = print_language(pipeline, Remarks.of([]), {}, REGISTRY)
    try:
        drawn, findings = convert(text, "a.saltern", DOCUMENT)
    except ConvertError:
        assume(False)
        return
    assert drawn is not None, findings
    again, _ = read(drawn.text, "a.json", REGISTRY)
    assert again is not None
    assert _compared(pipeline, again).changes == ()


@RANDOM
@given(PIPELINES, PIPELINES)
def test_any_two(old: Pipeline, new: Pipeline) -> None:
    """Two pipelines are compared and shown whatever they are; nothing differs exactly where both mean the same."""
    ours, theirs = side_of_pipeline(old), side_of_pipeline(new)
    found = compare(ours, theirs)
    assert (found.changes == ()) == (canonical(ours.pipeline) == canonical(theirs.pipeline))
    assert not any(change.part == "meaning" for change in found.changes), "every difference is named"
    for shown in (render_terminal(found, "a"), render_markdown(found, "a"), render_json(found, "a", "b")):
        assert shown.endswith("\n")


@RANDOM
@given(PIPELINES, PIPELINES)
def test_the_other_way_round(old: Pipeline, new: Pipeline) -> None:
    """What was added is what was removed the other way round, and what was renamed is renamed back."""
    ours, theirs = side_of_pipeline(old), side_of_pipeline(new)
    there, back = compare(ours, theirs), compare(theirs, ours)

    def of(comparison: Comparison, kind: str) -> list[tuple[str, ...]]:
        found = (each for each in comparison.changes if each.kind == kind)
        return sorted((each.subject, each.part or each.name) for each in found)  # a part's node may have another id

    assert of(there, "added") == of(back, "removed")
    assert of(there, "removed") == of(back, "added")
    assert len(of(there, "renamed")) == len(of(back, "renamed"))


@RANDOM
@given(st.data())
def test_one_rename(data: st.DataObject) -> None:
    """A node with another id, whose readers follow, is one rename and nothing else."""
    pipeline = data.draw(PIPELINES)
    nodes = [
        node.id
        for node in pipeline.body.walk()
        if node.type not in INNER_TYPES | {"return", "compensate"} and not is_part(node)
    ]
    assume(nodes)
    old = data.draw(st.sampled_from(nodes))
    found = _compared(pipeline, renamed(pipeline, old, "quite_another"))
    assert [(each.kind, each.subject, each.old, each.new) for each in found.changes] == [
        ("renamed", "node", old, "quite_another")
    ]


def renamed(pipeline: Pipeline, old: str, new: str) -> Pipeline:
    """Give a node another id, and what is called after it and what reads it too."""

    def name(node_id: str) -> str:
        head, slash, rest = node_id.partition("/")
        return new + slash + rest if head == old else node_id

    ids = {node.id: name(node.id) for node in pipeline.body.walk()}
    names = Names({before: after for before, after in ids.items() if before != after})

    def change(node: Node) -> Node:
        return replace(names.of_node(node), id=ids[node.id])

    def ordered(region: Region) -> Region:
        nodes = (node if node.body is None else replace(node, body=ordered(node.body)) for node in region.nodes)
        return replace(region, nodes=tuple(sorted(nodes, key=lambda node: node.id)))

    return replace(pipeline, body=ordered(map_nodes(pipeline.body, change)))


@RANDOM
@given(OBJECT, OBJECT)
def test_fields_and_wholes_agree(old: object, new: object) -> None:
    """A field breaks callers exactly where the whole types do: values that were taken are refused, or the other way."""
    for way, parting in (("in", flows(old, new)), ("out", flows(new, old, "out"))):
        graded = {each.grade for each in differences(old, new, way)}
        assert (Grade.BREAKING in graded) == (parting is not None), (way, parting)
