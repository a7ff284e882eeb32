"""Nodes that no stage runs: what a pipeline gives, and what a run shows of it, is the same at every level."""

import json
import sys

import pytest

from saltern_compiler import compile_source
from saltern_compiler.driver import write_tree
from saltern_runtime.store.views import ActivationState, RunState
from saltern_runtime.web.models import run_json
from tests.support.built import SOURCES, importable
from tests.support.once import run_once

TEXT = SOURCES["elided_case"].read_text()
CALLED = "pipeline inner\ninput { n: int }\noutput { a: int }\none = set { value: input.n }\ntwo = set { value: input.n }\nreturn { a: one + two }\n"
CALLS = """pipeline outer
input { n: int }
output { a: int, b: list<int> }
use inner = "inner.saltern"
first = call inner { n: input.n }
each = foreach item in [1, 2] {
  deep = call inner { n: item }
  yield deep.a
}
return { a: first.a, b: each }
"""


def ran(text, given, tmp_path, redis_url, *, level, files=None):
    """Run a text once at a level."""
    result = compile_source(text, source_name="a.saltern", files=files or {}, optimize=level)
    assert not result.has_errors, result.diagnostics
    tree = tmp_path / f"level{level}"
    write_tree(result.artifacts, tree)
    with importable(tree, result.plan.pipeline.name) as load:
        graph = load("graph").GRAPH
        run = run_once(graph, load("models").Input(**given), redis_url=redis_url)
    return result.plan, run


def shown(run):
    return {
        node.id: (node.state, node.items and (node.items.total, node.items.done, node.items.skipped))
        for node in run.nodes
    }


@pytest.mark.parametrize("given", [{"names": ["x", "y"], "n": 4}, {"names": [], "n": 1}])
def test_a_run_shows_the_same_at_every_level(given, tmp_path, redis_url):
    """Output, nodes and their states are those of -O0, whether a node ran, was skipped, or was known before; those say why."""
    plans, runs = zip(*(ran(TEXT, given, tmp_path, redis_url, level=level) for level in (0, 1, 2)), strict=True)
    assert [len(plan.elided) for plan in plans] == [0, 11, 11]
    for run in runs[1:]:
        assert (run.state, run.output) == (RunState.SUCCEEDED, runs[0].output)
        assert shown(run) == shown(runs[0])
        reasons = {node.id: node.elided for node in run.nodes if node.elided}
        assert reasons.keys() == {each.node for each in plans[1].elided}
        assert reasons["loud"] == "speaks always takes `else`, so no run comes here"
        assert reasons["twice"] == "it is the same as again"
        assert reasons["limit"] == "nothing needs it: it is always 7"
        assert {node["elided"] for node in run_json(run)["nodes"]} == {"", *reasons.values()}


def test_a_run_that_fails_is_the_same(tmp_path, redis_url):
    """The first of two nodes that are the same fails with its own name; what was merged into it is shown as not run."""
    text = (
        "pipeline p\ninput { n: int }\nb = set { value: 10 / input.n }\na = set { value: 10 / input.n }\nreturn a + b\n"
    )
    plain, merged = (ran(text, {"n": 0}, tmp_path, redis_url, level=level)[1] for level in (0, 1))
    assert plain.state == merged.state == RunState.FAILED
    assert plain.failure == merged.failure
    (known,) = [node for node in merged.nodes if node.elided]
    assert (known.id, known.state, known.failure) == ("b", ActivationState.BLOCKED, None)


LOOPS = """pipeline loops
input { all: list<int>, lists: list<list<int>>, on: bool }
output { a: list<list<bool>>?, b: int }
runs = if input.on {
  outer = foreach list in input.lists {
    inner = foreach item in list {
      large = set { value: input.all.exists(each, each > 10) }
      own = set { value: list.exists(each, each > 1) }
      yield large && own && item > 1
    }
    yield inner
  }
}
rounds = while state = { n: 0 }, state.n < 2 && input.all.exists(each, each > 0), at most 9 {
  small = set { value: input.all.all(each, each < 99) }
  next { n: small ? 5 : 7 }
}
return { a: merge(outer), b: rounds.n }
"""


@pytest.mark.parametrize(
    "given",
    [
        {"all": [1, 20], "lists": [[1, 2], [], [1]], "on": True},
        {"all": [], "lists": [], "on": True},
        {"all": [20], "lists": [[2]], "on": False},
    ],
)
def test_what_is_computed_before_a_loop_is_shown_in_it(given, tmp_path, redis_url):
    """At -O2 a node of a body that is the same in each round is shown with the rounds all the same; what computes it is none of the source's."""
    plain, once = (ran(LOOPS, given, tmp_path, redis_url, level=level)[1] for level in (0, 2))
    assert once.output == plain.output
    assert shown(once) == shown(plain)
    reasons = {node.id: node.elided for node in once.nodes if node.elided}
    assert reasons["small"] == "it is the same in each round of rounds, so it is computed once, before the first"


def test_what_is_computed_before_a_loop_stands_where_it_was_written():
    """Its place in the source map is that of the node that it stands for."""
    artifacts = compile_source(LOOPS, source_name="a.saltern", optimize=2).artifacts
    nodes = json.loads(artifacts["loops/source_map.json"])["nodes"]
    assert nodes["large_once"]["place"] == nodes["large"]["place"] == "7:7"


def test_what_is_called_has_its_own(tmp_path, redis_url):
    """Nodes of a pipeline that is called stand under the name of the call, in a body too."""
    files = {"inner.saltern": CALLED}
    _, run = ran(CALLS, {"n": 3}, tmp_path, redis_url, level=1, files=files)
    assert run.output == {"a": 6, "b": [2, 4]}
    known = {node.id: node for node in run.nodes if node.elided}
    assert {name: (node.state, node.stage) for name, node in known.items()} == {
        "first/two": (ActivationState.SUCCEEDED, "first/return"),
        "deep/two": (ActivationState.SUCCEEDED, "each/deep/return"),
    }
    assert known["deep/two"].items.done == 2


def test_the_source_map_has_them(tmp_path):
    """Each stands there with its place, the stage that it is shown with, and why it is in none."""
    result = compile_source(CALLS, source_name="a.saltern", files={"inner.saltern": CALLED})
    nodes = json.loads(result.artifacts["outer/source_map.json"])["nodes"]
    entry = nodes["first/two"]
    assert entry["elided"] == {"because": "it is the same as one", "by": "common_subexpressions", "like": "first/one"}
    assert (entry["place"], entry["stage"], entry["source"]) == ("5:1", "first/return", "inner.saltern")
    assert "function" not in entry
    assert sys.modules.get("outer") is None


def test_there_is_nothing_of_them_where_there_are_none():
    """At -O0 neither the graph nor the source map knows of such nodes."""
    artifacts = compile_source(TEXT, source_name="a.saltern", optimize=0).artifacts
    assert not any(b"lided(" in data for data in artifacts.values())
    assert b'"elided"' not in artifacts["elided_case/source_map.json"]
