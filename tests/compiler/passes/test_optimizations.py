"""Optimizations: what they may not do, what they say of what they did."""

import dataclasses
import json
import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from saltern_compiler.diagnostics.model import Origin
from saltern_compiler.driver import Source, compile_loaded
from saltern_compiler.expr.ast import Call, Const
from saltern_compiler.expr.evaluate import LARGEST, fold
from saltern_compiler.expr.parse import parse
from saltern_compiler.frontend import read
from saltern_compiler.ir.plan import LEVELS
from saltern_compiler.passes import analyze, make_plan, receipts
from saltern_compiler.passes.base import Pass
from saltern_compiler.passes.pipeline import optimizations, optimize, pipeline_after
from saltern_compiler.passes.planning.receipts import size_of
from saltern_compiler.registry import Registry
from saltern_runtime.expr import add, div, equal, lt, mul, sub
from saltern_runtime.spec import ANY, INT, STRING, ListType, LiteralType, obj, optional, union
from tests.support.built import SOURCES
from tests.support.effort import tries

REGISTRY = Registry.load()
WHOLE = Origin(None, 0, 10_000)


def analyzed(text, files=None):
    pipeline, _ = read(text, "a.saltern")
    analysis = analyze(pipeline, REGISTRY, files or {})
    assert not analysis.has_errors, analysis.diagnostics
    return analysis


def folded(text):
    expr, problems = parse(text, WHOLE)
    assert not problems
    return fold(expr)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1 + 2 * 3", 7), ("7 / -2", -3), ("7 % -2", 1), ("1.5 + 1", 2.5), ("1 == 1.0", True), ('"a" + "b"', "ab"), ("!(1 > 2)", True),
        ('"b" in ["a", "b"]', True), ('"abc".contains("b") && "abc".startsWith("a")', True), ('size("äöü")', 3),
        ('timestamp("2025-01-01T00:00:00Z") < timestamp("2025-01-01T01:00:00+00:30")', True),
        ('duration("90m") == duration("1h") + duration("30m")', True), ("math.greatest(1, 2.5)", 2.5), ("string(1.0)", "1"), ("true ? 1 : 2", 1),
        ('" a ".trim().upperAscii()', "A"), ("false && input.a", False), ("input.a || true", True),
    ],
)  # fmt: skip
def test_what_is_constant_is_computed(text, value):
    """A value has the kind that it has when it is computed in a run."""
    assert folded(text) == Const(value)


@pytest.mark.parametrize(
    "text",
    [
        "1 / 0", "1 % 0", "9223372036854775807 + 1", "-9223372036854775807 - 2", '1 + "a"', '"a" < 1', 'int("a")', '"abc".substring(5)', 'timestamp("no")',
        "1.0 / 0.0", "0.0 / 0.0", "-(1.0 / 0.0)", "1u + 1u", 'b"a" + b"b"', "[1, 2]", '{"a": 1}', "input.a + 1", "true ? 1 : 2.0", "true ? input.a : 1",
        "false && sent.ok", "sent.ok || true", '"a".matches("a")', 'timestamp(0).getHours("Europe/Paris")', "nothing(1)", "[1].map(x, x + 1)", "run.id", "null",
    ],
)  # fmt: skip
def test_what_is_not_stays(text):
    """What would fail, has no literal, hangs on a run or on what a machine knows, or waits for a node stays as it is written."""
    expr, _ = parse(text, WHOLE)
    assert fold(expr) is expr


def test_no_text_grows_beyond_a_bound():
    """What is folded is as long as the bound at most; a part that fits is folded all the same."""
    half = "a" * (LARGEST // 2)
    assert folded(f'"{half}" + "{half}"') == Const(half * 2)
    longer = folded(f'"{half}" + "{half}" + "b"')
    assert isinstance(longer, Call)
    assert longer.args[0] == Const(half * 2)


@settings(max_examples=tries(60, 2000), deadline=None)
@given(st.data())
def test_arithmetic_is_that_of_a_run(data):
    """Over any two numbers a folded operation is what the helper of generated code gives, bit for bit, and absent where that fails."""
    numbers = st.one_of(
        st.integers(-(2**63), 2**63 - 1),
        st.sampled_from([0, 1, -1, 2**63 - 1, -(2**63)]),
        st.floats(allow_nan=False, allow_infinity=False),
    )
    a, b = data.draw(numbers), data.draw(numbers)
    sign, helper = data.draw(
        st.sampled_from([("+", add), ("-", sub), ("*", mul), ("/", div), ("<", lt), ("==", equal)])
    )
    result = fold(Call(f"_{sign}_", (Const(a), Const(b))))
    try:
        expected = helper(a, b)
    except Exception:  # noqa: BLE001 - whatever it raises: such an operation is left alone
        assert isinstance(result, Call)
        return
    if isinstance(expected, float) and not math.isfinite(expected):
        assert isinstance(result, Call)
    else:
        assert result == Const(expected)


@pytest.mark.parametrize("case", sorted(SOURCES))
def test_every_level_of_every_example_can_be_planned(case):
    """Whatever is optimized, a pipeline has the same input, output and digest, and each of its nodes is in a stage or said to be in none."""
    source = Source.load(str(SOURCES[case]))
    plans = [compile_loaded(source, targets=(), optimize=level).plan for level in LEVELS]
    assert len({plan.pipeline_digest for plan in plans}) == 1
    assert len({plan.digest for plan in plans}) == 3
    for plan in plans:
        assert (plan.input_type, plan.output_type) == (plans[0].input_type, plans[0].output_type)
        there = [*(planned.node.id for planned in plan.nodes), *(each.node for each in plan.elided)]
        assert sorted(there) == sorted(planned.node.id for planned in plans[0].nodes)
        staged = {node for stage in plan.stages for node in stage.nodes}
        assert {each.same_as for each in plan.elided} <= staged


def test_what_does_not_fit_is_passed_over():
    """A pass after which the output had another type, or something were wrong, has done nothing."""
    analysis = analyzed(
        "pipeline p\ninput { n: int }\nlarge = if true { a = set { value: input.n } }\nreturn merge(a)\n"
    )
    assert [
        step.name for step in optimize(analysis.pipeline, analysis.context, 1) if step.after is not step.before
    ] == []
    assert make_plan(analysis, REGISTRY).elided == ()


def test_level_0_only_takes_out_what_is_disabled():
    """-O0 does what correctness needs, and the levels grow."""
    assert [step.name for step in optimizations(0)] == ["without_disabled"]
    assert set(optimizations(0)) < set(optimizations(1)) <= set(optimizations(2))


def test_the_analysis_is_left_as_it_was():
    """Plans of one analysis do not know of each other: what was taken out of one is told of it alone."""
    analysis = analyzed("pipeline p\ninput { n: int }\na = set { value: 1 }\nreturn a + input.n\n")
    assert [len(make_plan(analysis, REGISTRY, level=level).elided) for level in (1, 0, 1)] == [1, 0, 1]
    assert (analysis.context.elided, analysis.context.changes) == ([], [])


TEXT = """pipeline p
input { n: int, list: list<int> }
output { a: int, b: list<int> }
one = set { value: 1 + 1 }
each = foreach item in input.list {
  inner = set { value: item * 2 }
  again = set { value: item * 2 }
  yield inner + again + one
}
return { a: one + input.n, b: each }
"""


def test_receipts_say_what_each_pass_did():
    """Each pass has its figures before and after, which follow each other, and says what it did to which node."""
    found = receipts(analyzed(TEXT), 1)
    assert [receipt.name for receipt in found] == [*(step.name for step in optimizations(1)), "stage_fusion"]
    for before, after in pairwise(found):
        assert before.after == after.before
    first, last = found[0].before, found[-1].after
    assert (first.nodes, last.nodes) == (6, 4)
    told = {
        receipt.name: [(each.node, each.because) for each in (*receipt.changes, *receipt.elided)] for receipt in found
    }
    assert told["constant_folding"][0] == ("one", "`value`: 1 + 1 is 2")
    assert told["common_subexpressions"] == [("inner", "it is the same as again")]
    assert told["dead_nodes"] == [("one", "nothing needs it: it is always 2")]
    assert last.round_trips == "2 + rounds(each)"
    assert told["stage_fusion"] == [("each/yield", "again, each/yield run together")]
    assert "size(each)" in last.kept
    assert json.loads(json.dumps([receipt.to_json() for receipt in found]))[-2]["not_run"][0]["node"] == "one"
    assert receipts(analyzed(TEXT), 0)[0].after.nodes == 6


@pytest.mark.parametrize(
    ("of", "size"),
    [
        (INT, 20), (optional(INT), 20), (LiteralType("ab"), 4), (union(LiteralType("a"), LiteralType("abcd")), 6), (obj({"n": INT}), 27),
        (STRING, None), (ANY, None), (ListType(INT), None), (obj({"n": STRING}), None), (optional(STRING), None), (obj({"n": INT}, open=True), None),
    ],
)  # fmt: skip
def test_sizes_are_known_where_the_type_says(of, size):
    """What a value takes at most is in its type, or hangs on the run."""
    assert size_of(of) == size


def test_the_pipeline_can_be_seen_after_each_pass():
    """After a check it is as that read it, after an optimization as that made it; at a level that has no such pass there is nothing to see."""
    for name, changed in (("cycle", False), ("constant_folding", True)):
        pipeline, _ = read(TEXT, "a.saltern")
        analysis = analyzed(TEXT)
        context = dataclasses.replace(analysis.context, diagnostics=[])
        after = pipeline_after(name, pipeline, context, 1)
        assert (after.body != pipeline.body) is changed
        assert pipeline_after("constant_folding", pipeline, context, 0) is None


def test_a_pass_is_not_asked_for_the_same_twice():
    """A pipeline in which there is nothing to optimize stays the very same object, so that nothing is typed again."""
    analysis = analyzed("pipeline p\ninput { n: int }\nreturn input.n\n")
    steps = optimize(analysis.pipeline, analysis.context, 2)
    assert all(step.after is analysis.pipeline for step in steps)
    assert issubclass(type(optimizations(2)[0]), Pass)


@pytest.mark.parametrize("level", LEVELS)
def test_what_is_disabled_never_runs(level):
    """A disabled node is taken out at every level, whatever that makes of the output's type."""
    text = (
        'pipeline p\n@disabled\ngone = http.request { url: "https://a.example" }\nreturn { gone: merge(gone), n: 0 }\n'
    )
    plan = make_plan(analyzed(text), Registry.load(), level=level)
    assert [stage.nodes for stage in plan.stages] == [("return",)]
