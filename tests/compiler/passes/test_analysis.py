"""The passes as a whole: order, normal form, one finding an offence, cost."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

import saltern_compiler.passes as package
from saltern_compiler.diagnostics.model import Severity
from saltern_compiler.driver import Source, compile_loaded
from saltern_compiler.expr.ast import Ident, Select
from saltern_compiler.frontend import read
from saltern_compiler.ir.canonical import digest
from saltern_compiler.ir.pipeline import ControlEdge, Node, Pipeline, Region
from saltern_compiler.ir.values import Expression, Literal, Template
from saltern_compiler.passes import analyze, make_plan
from saltern_compiler.passes.base import Pass
from saltern_compiler.passes.checks.size import Size
from saltern_compiler.passes.pipeline import PASSES, optimizations, run
from saltern_compiler.registry import Registry
from saltern_runtime.spec import STRING, obj

EXAMPLES = Path(package.__file__).parents[3] / "examples"


def pipeline(*nodes: Node) -> Pipeline:
    return Pipeline("example", obj({}), body=Region(tuple(sorted(nodes, key=lambda node: node.id))))


def template(name: str, *read: str, **how) -> Node:
    parts = tuple(Expression(Ident(each)) for each in read) or (Expression(Select(Ident("run"), "id")),)
    return Node(name, "template", params=(("text", Template(parts)),), **how)


def errors(of: Pipeline) -> Counter[str]:
    return Counter(each.code for each in analyze(of, Registry.load()).diagnostics if each.severity is Severity.ERROR)


def test_every_pass_is_listed_under_its_own_name():
    """A pass has the name of its file, and every file of a pass stands in the tuple of its kind."""
    for kinds, passes in ((("checks", "transforms"), PASSES), (("optimizations",), optimizations(2))):
        files = {path.stem for kind in kinds for path in (Path(package.__file__).parent / kind).glob("*.py")}
        assert {each.name for each in passes} == files - {"__init__"}
        assert all(each.__class__.__module__.endswith(f".{each.name}") for each in passes)


def test_what_a_pass_makes_is_verified():
    """A pass that breaks the IR is stopped as our own bug, not carried on."""
    from saltern_compiler.ir.verify import InternalError
    from saltern_compiler.passes.base import Context

    class Breaks(Pass):
        def apply(self, given, context):
            return Pipeline("x", obj({}), body=Region((template("b"), template("a"))))

    with pytest.raises(InternalError):
        run(pipeline(), Context(Registry.load()), (Breaks(),))


def test_default_trigger_is_the_same_as_saying_it():
    """A pipeline that names no trigger has the digest of one that says `on api`."""
    digests = set()
    for trigger in ("", "on api\n"):
        found, _ = read(f"pipeline example\n{trigger}return run.id\n", "example.saltern")
        digests.add(digest(analyze(found, Registry.load()).pipeline))
    assert len(digests) == 1


def test_literals_have_one_form():
    """1 and 1.0 are one temperature, and 100.0 and 100 one number of tokens."""
    digests = set()
    for temperature, tokens in (("1", "100.0"), ("1.0", "100")):
        text = (
            'pipeline example\nconnection model = openai { key: env("KEY") }\n'
            f'a = llm.chat(model) {{ prompt: "Hi", temperature: {temperature}, max_tokens: {tokens} }}\nreturn a.text\n'
        )
        found, _ = read(text, "example.saltern")
        digests.add(digest(analyze(found, Registry.load()).pipeline))
    assert len(digests) == 1


def test_analysis_is_idempotent():
    """What is in normal form stays as it is."""
    found, _ = read("pipeline example\nreturn run.id\n", "example.saltern")
    once = analyze(found, Registry.load()).pipeline
    assert analyze(once, Registry.load()).pipeline is once


@pytest.mark.parametrize("folder", sorted(path.name for path in EXAMPLES.glob("*") if path.is_dir()))
def test_examples_are_clean_and_equal_in_both_notations(folder):
    """Each example has no findings, and one digest however it is written."""
    sources = [
        p for p in sorted((EXAMPLES / folder).iterdir()) if p.name.startswith(folder) and ".layout." not in p.name
    ]
    digests = set()
    for source in sources:
        if source.suffix not in (".saltern", ".json", ".yaml"):
            continue
        result = compile_loaded(Source.load(str(source)), targets=())
        assert result.diagnostics == ()
        digests.add(digest(result.pipeline))
    assert len(digests) <= 1


def test_contradiction_through_duplicates_is_one_finding():
    """Two nodes of one id are one finding, and the first counts."""
    twice = Pipeline("example", obj({}), body=Region((template("a"), template("a", "nowhere"), template("b", "a"))))
    assert errors(twice) == {"duplicate-id": 1}


def test_a_node_in_a_body_that_is_called_as_the_input():
    """What stands outside of the body cannot see it, and is not taken to stand inside."""
    text = """pipeline example
input { name: string }
first = http.request { method: "POST", url: `https://a.example/{{ input.name }}` } compensate {
  input = http.request { method: "DELETE", url: "https://a.example/" }
}
second = template { text: input.name }
return second
"""
    read_, found = read(text, "example.saltern")
    assert read_ is not None
    assert {*found, *analyze(read_, Registry.load()).diagnostics}, "the name is refused"


def test_misspelt_names_are_suggested():
    """The nearest names are offered, and the very nearest as a fix."""
    (found,) = analyze(pipeline(template("greeting"), template("return_text", "greetin")), Registry.load()).diagnostics
    assert found.code == "unknown-name"
    assert "Did you mean `greeting`?" in found.notes
    assert found.fixes[0].edits[0].text in ("greeting", '"greeting"')


def test_suggestions_for_fields_have_the_budget_of_their_source():
    """A misspelt field is offered the nearest; of hundreds in one source, the last ones are not compared any more."""
    count = 300
    fields = obj({f"field_{number}": STRING for number in range(count)})
    reads = (Template((Expression(Select(Ident("input"), f"feild_{number}")),)) for number in range(count))
    nodes = [Node(f"n{number}", "template", params=(("text", text),)) for number, text in enumerate(reads)]
    findings = analyze(
        Pipeline("example", fields, body=Region(tuple(sorted(nodes, key=lambda node: node.id)))), Registry.load()
    )
    offers = [
        any("Did you mean" in note for note in each.notes)
        for each in findings.diagnostics
        if each.code == "unknown-field"
    ]
    assert (len(offers), offers[0], offers[-1]) == (count, True, False)


def test_size_is_bounded():
    """Ten thousand nodes are fine, one more is not."""
    from saltern_compiler.passes.base import Context

    for count, expected in ((10_000, []), (10_001, ["too-many-nodes"])):
        context = Context(Registry.load())
        Size().apply(pipeline(*(Node(f"n{number:05}", "set") for number in range(count))), context)
        assert [each.code for each in context.diagnostics] == expected


def chain(count: int) -> Pipeline:
    rest = (template(f"n{i:05}", f"n{i - 1:05}") for i in range(1, count))
    return pipeline(
        template("n00000"), *rest, Node("return", "return", params=(("value", Expression(Ident(f"n{count - 1:05}"))),))
    )


def wide(count: int) -> Pipeline:
    names = [f"n{i:05}" for i in range(count)]
    return pipeline(
        template("a"), *(template(name, "a") for name in names), template("return_", *names), returned("return_")
    )


def returned(name: str) -> Node:
    return Node("return", "return", params=(("value", Expression(Ident(name))),))


def ladder(count: int) -> Pipeline:
    nodes = [template("top")]
    for i in range(count):
        edges = (ControlEdge(f"s{i - 1:05}", "else"), ControlEdge(f"s{i - 1:05}", "then")) if i else ()
        nodes.append(Node(f"s{i:05}", "if", params=(("condition", Literal(value=True)),), control=edges, join="any"))
        nodes.append(template(f"t{i:05}", "top", control=(ControlEdge(f"s{i:05}", "then"),)))
    return pipeline(*nodes)


def nest(count: int) -> Pipeline:
    nodes = [template("top")]
    for i in range(count):
        edges = (ControlEdge(f"s{i - 1:05}", "then"),) if i else ()
        nodes.append(Node(f"s{i:05}", "if", params=(("condition", Literal(value=True)),), control=edges))
        nodes.append(template(f"t{i:05}", f"t{i - 1:05}" if i else "top", control=(ControlEdge(f"s{i:05}", "then"),)))
    return pipeline(*nodes)


@pytest.mark.parametrize("make", [chain, wide, ladder, nest])
def test_cost_grows_with_the_nodes(make, monkeypatch):
    """Twice the nodes are twice the work, in calls of the parts that work: no step looks at all the others."""
    import sys

    def calls(count: int) -> int:
        made, seen = make(count), 0

        def count_call(frame, event, arg):
            nonlocal seen
            seen += event == "call"

        sys.setprofile(count_call)
        try:
            analysis = analyze(made, Registry.load())
            make_plan(analysis, Registry.load())
        finally:
            sys.setprofile(None)
        assert not analysis.has_errors, analysis.diagnostics[:3]
        return seen

    calls(50)
    assert calls(400) <= 2.2 * calls(200)
