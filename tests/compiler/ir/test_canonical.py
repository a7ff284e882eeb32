"""The canonical form and the digest of pipelines."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from saltern_compiler.diagnostics.model import Origin
from saltern_compiler.expr.parse import parse
from saltern_compiler.ir.canonical import canonical, digest
from saltern_compiler.ir.pipeline import ControlEdge, Node, Pipeline, Region, Secret, Trigger
from saltern_compiler.ir.values import (
    Expression,
    Literal,
    SecretRef,
    TypeValue,
    make_expression,
    make_object,
    make_template,
)
from saltern_runtime.spec import INT, STRING, Field, Policy, Retry, obj


def expression(text):
    expr, findings = parse(text, Origin(""))
    assert not findings
    return make_expression(expr)


def pipeline(*nodes, **more):
    return Pipeline("p", obj({"a": STRING}), body=Region(tuple(nodes)), **more)


def with_value(value):
    return pipeline(Node("n", "set", params=(("value", value),)))


def test_layout_labels_descriptions_and_places_are_left_out():
    """What does not change the meaning does not change the digest."""
    plain = pipeline(Node("n", "set"))
    origin = Origin("/nodes/3")
    dressed = pipeline(
        Node("n", "set", label="N", origin=origin, origins=(("id", origin),)), description="D", origin=origin
    )
    assert digest(plain) == digest(dressed)
    documented = replace(plain, input=obj({"a": Field("a", STRING, doc="words")}))
    assert digest(plain) == digest(documented)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Literal(1), Literal(1.0)),
        (Literal(1), Literal(True)),
        (Literal(1), Literal("1")),
        (Literal(2**53), Literal(float(2**53))),
        (Literal(2**60), Literal(2**60 + 1)),
        (Literal(None), Literal(False)),
        (Literal([1]), Literal({"0": 1})),
        (Literal({"expr": "a"}), Expression(parse("a", Origin(""))[0])),
        (Literal({"double": 1}), Literal(1.0)),
        (Literal({"$secret": "s"}), SecretRef("s")),
        (Literal({"type": "string"}), TypeValue(STRING)),
        (Literal("a"), make_template(["a", Expression(parse("a", Origin(""))[0])])),
        (expression("input.a"), expression("input.?a")),
        (expression("(1 + 2) * 3 + n.x"), expression("1 + 2 * 3 + n.x")),
    ],
)
def test_different_values_have_different_digests(one, other):
    """Nothing that means something else collides, although JSON prints some of them alike."""
    assert digest(with_value(one)) != digest(with_value(other))


def test_the_way_an_expression_is_written_does_not_count():
    """White space, comments and needless parentheses say nothing."""
    assert digest(with_value(expression("input.a+n.x"))) == digest(with_value(expression("(input.a) + n.x // sum")))


def test_the_order_of_collections_does_not_count():
    """Nodes, edges, secrets, triggers and keys have an order of their own."""
    a, b = Node("a", "set"), Node("b", "set", control=(ControlEdge("r", "then"), ControlEdge("q", "else")))
    turned = replace(b, control=b.control[::-1])
    secrets = (Secret("s", "env:S"), Secret("t", "env:T"))
    triggers = (Trigger("api"), Trigger("webhook", (("path", Literal("/x")),)))
    one = pipeline(a, b, secrets=secrets, triggers=triggers)
    other = pipeline(turned, a, secrets=secrets[::-1], triggers=triggers[::-1])
    assert canonical(one) == canonical(other)
    left = with_value(Literal({"x": 1, "y": {"b": 1, "a": 2}}))
    right = with_value(Literal({"y": {"a": 2, "b": 1}, "x": 1}))
    assert canonical(left) == canonical(right)


@pytest.mark.parametrize(
    "change",
    [
        {"type": "other"},
        {"version": 2},
        {"params": (("value", Literal(1)),)},
        {"connection": "c"},
        {"control": (ControlEdge("a", "then"),)},
        {"join": "any"},
        {"after": ("a",)},
        {"policy": Policy(timeout=5)},
        {"policy": Policy(retry=Retry(attempts=1))},
        {"policy": Policy(priority=0)},
        {"disabled": True},
        {"body": Region()},
    ],
)
def test_whatever_means_something_changes_the_digest(change):
    """Each property of a node counts."""
    node = Node("n", "set")
    assert digest(pipeline(node)) != digest(pipeline(replace(node, **change)))


def test_types_count_with_personal_and_optional_fields():
    """The input's shape is part of the meaning."""
    digests = {
        digest(Pipeline("p", obj({"a": of})))
        for of in (STRING, INT, Field("a", STRING, personal=True), Field("a", STRING, required=False))
    }
    assert len(digests) == 4


def test_an_object_is_the_same_whether_its_parts_are_literal_or_not():
    """The two notations may build values in different orders."""
    one = make_object({"b": expression("input.a"), "a": Literal(1)})
    other = make_object({"a": Literal(1), "b": expression("input.a")})
    assert canonical(with_value(one)) == canonical(with_value(other))
    assert json.loads(canonical(with_value(one)))["nodes"][0]["params"]["value"]["object"]["a"] == 1


def test_the_digest_is_the_same_under_every_hash_seed():
    """No set or dict order leaks into the bytes."""
    code = (
        "from saltern_compiler.frontend import read; from saltern_compiler.ir.canonical import digest; import sys;"
        "print(digest(read(open(sys.argv[1]).read(), sys.argv[1])[0]))"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", code, str(Path(__file__).parents[3] / "examples/order_totals/order_totals.json")],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1
    assert found.pop().startswith("sha256:")
