"""The verifier and the printer of the IR."""

from dataclasses import replace
from pathlib import Path

import pytest

from saltern_compiler.expr.ast import Const, Ident, ListExpr
from saltern_compiler.frontend import read
from saltern_compiler.ir.pipeline import ControlEdge, Node, Pipeline, Region, Secret
from saltern_compiler.ir.printer import dump, dump_node
from saltern_compiler.ir.values import Expression, ListValue, Literal, ObjectValue, SecretRef, Template
from saltern_compiler.ir.verify import InternalError, verify
from saltern_runtime.spec import Policy, Retry, obj

ROOT = Path(__file__).parents[3]
EMPTY = Pipeline("p", obj({}))
A = Expression(Ident("a"))


def pipeline(*nodes):
    return replace(EMPTY, body=Region(nodes))


def with_value(value):
    return pipeline(Node("n", "set", params=(("value", value),)))


@pytest.mark.parametrize(
    ("broken", "invariant"),
    [
        (pipeline(Node("b", "set"), Node("a", "set")), "nodes are sorted by id"),
        (replace(EMPTY, secrets=(Secret("b", "env:B"), Secret("a", "env:A"))), "secrets are sorted by name"),
        (replace(EMPTY, settings=(("deadline", 1.0), ("deadline", 2.0))), "settings are sorted by name"),
        (pipeline(Node("n", "set", params=(("b", A), ("a", A)))), "parameters are sorted by name"),
        (
            pipeline(Node("n", "set", control=(ControlEdge("b", "then"), ControlEdge("a", "then")))),
            "control edges are sorted by source and handle",
        ),
        (pipeline(Node("n", "set", after=("b", "a"))), "after is sorted"),
        (pipeline(Node("n", "set", join="some")), "control joins by all or any"),
        (with_value(ListValue((Literal(1),))), "a list of literals is one literal"),
        (with_value(ObjectValue((("a", Literal(1)),))), "an object of literals is one literal"),
        (with_value(ObjectValue((("b", A), ("a", A)))), "parameters are sorted by name"),
        (with_value(Expression(Const(1))), "an expression is no constant, list or map of its own"),
        (with_value(Expression(ListExpr((Ident("a"),)))), "an expression is no constant, list or map of its own"),
        (with_value(Template(("a",))), "a template has an expression"),
        (with_value(Template(("a", "b", A))), "texts of a template are joined"),
        (with_value(Template(("", A))), "a template has no empty texts"),
        (with_value(Literal(float("nan"))), "numbers are finite"),
        (with_value(Literal({1: 2})), "the keys of literals are text"),
        (with_value(Literal([object()])), "literals are JSON values"),
        (with_value("text"), "a value is one of the seven kinds"),
    ],
)
def test_a_broken_pipeline_is_named_by_its_invariant(broken, invariant):
    """Only a bug of ours brings these about, so the error says which promise was broken."""
    with pytest.raises(InternalError) as caught:
        verify(broken)
    assert caught.value.invariant == invariant


@pytest.mark.parametrize(
    ("broken", "invariant"),
    [
        (pipeline(Node("a", "set"), Node("a", "set")), "ids are unique in a region"),
        (with_value(A), "names that are read exist"),
        (pipeline(Node("n", "set", control=(ControlEdge("x", "then"),))), "control edges begin at nodes of the region"),
        (pipeline(Node("n", "set", after=("x",))), "after names nodes of the region or around it"),
        (pipeline(Node("n", "set", connection="x")), "connections exist"),
        (pipeline(Node("n", "set", version=0)), "versions count from 1"),
        (pipeline(Node("input", "set")), "ids are not reserved"),
        (with_value(SecretRef("s")), "secrets stand in connections and triggers only"),
        (pipeline(Node("a", "set", params=(("value", A),))), "data flows without cycles"),
        (replace(EMPTY, secrets=(Secret("a", "env:A"), Secret("a", "env:B"))), "names of secrets are unique"),
    ],
)
def test_what_the_checks_promise_is_asked_for_only_after_them(broken, invariant):
    """A user's mistake is no bug before the checks; after them it would be."""
    verify(broken)
    with pytest.raises(InternalError) as caught:
        verify(broken, checked=True)
    assert caught.value.invariant == invariant


@pytest.mark.parametrize("name", ["support_triage", "order_totals"])
@pytest.mark.parametrize("suffix", ["json", "saltern"])
def test_the_examples_hold_every_invariant(name, suffix):
    """Both notations give sound pipelines."""
    made, findings = read((ROOT / f"examples/{name}/{name}.{suffix}").read_text("utf-8"), f"{name}.{suffix}")
    assert not findings
    verify(made, checked=True)


def test_a_body_sees_the_names_around_it():
    """Region variables and outer nodes are in scope; a name that hides another is not."""
    inner = Node("page", "set", params=(("a", A), ("s", Expression(Ident("story")))))
    loop = Node("loop", "foreach", body=Region((inner,), ("story",)))
    verify(pipeline(Node("a", "set"), loop), checked=True)
    hiding = replace(loop, body=Region((replace(inner, id="a"),), ("story",)))
    with pytest.raises(InternalError, match="hide none"):
        verify(pipeline(Node("a", "set"), hiding), checked=True)


def test_the_printer_shows_one_property_a_line_with_text_quoted():
    """A dump is read by people and compared by tests; user text cannot break out of its line."""
    node = Node(
        "tell", "slack.post_message", params=(("text", Template(("a\nb", A))),), connection="team",
        control=(ControlEdge("route", "case.bug"),), after=("x",), policy=Policy(timeout=20.0, retry=Retry(5)), disabled=True,
    )  # fmt: skip
    assert dump_node(node) == (
        "tell = slack.post_message@1 (team)\n"
        "  disabled\n"
        "  when route.case.bug\n"
        "  after x\n"
        "  @timeout 20.0\n"
        "  @retry 5 attempts, base 1.0 s, cap 60.0 s\n"
        '  text: template "a\\nb" + (a)\n'
    )
    assert dump(pipeline(node)).startswith("pipeline p\n  input {}\n  tell = ")
