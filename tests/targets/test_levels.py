"""A pipeline gives the same, fails the same and shows the same, however much it was optimized: -O0 runs each node alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from saltern_compiler.driver import Source, compile_loaded, compile_source, write_tree
from tests.support.built import SOURCES, importable
from tests.support.once import run_once

OWN = '''
DONE = []


def note(what: str, value: int) -> int:
    """An effect that the test can see."""
    DONE.append([what, value])
    return value
'''
BRANCHES = """
pipeline branches
input { n: int, kind: "a" | "b" | "c" }
output { sum: int, word: string?, late: int }
sort = switch input.kind {
  "a" => {
    half = set { value: input.n / 2 }
    is_odd = if input.n % 2 == 1 { odd = set { value: half + 1 } } else { even = set { value: half } }
    either = set { value: merge(odd, even, 0) }
  }
  "b" => { noted = python.call { function: "own:note", args: { what: "b", value: 100 / input.n } } }
  else => {}
}
sum = set { value: merge(either, noted, 0) }
seen = python.call { function: "own:note", args: { what: "seen", value: sum } }
is_large = if seen > 3 {
  word = template { text: `large: {{ seen }}` }
  told = python.call { function: "own:note", args: { what: word, value: sum } }
}
late = set { value: 60 / (seen - 7) }
return { sum: sum, word: merge(word), late: late }
"""
EARLY = """
pipeline early
input { n: int, d: int }
first = python.call { function: "own:note", args: { what: "first", value: input.n } }
second = python.call { function: "own:note", args: { what: "second", value: first } }
third = python.call { function: "own:note", args: { what: "third", value: second } }
ratio = set { value: input.n / input.d }
after_first = set { value: input.n / (first - 3) }
return { third: third, ratio: ratio, other: after_first }
"""
LOOPS = """
pipeline loops
input { rows: list<int>, most: int }
output { found: list<{ value?: int, error?: { code: string, message: string, kind: string } }>, state: int, twice: list<int> }
base = set { value: input.most * 2 }
found = foreach row in input.rows, at most 2, on error collect {
  shifted = set { value: row + base }
  is_big = if shifted > 10 {
    ratio = set { value: 100 / (row - 20) }
  } else {
    small = set { value: 0 - shifted }
  }
  noted = python.call { function: "own:note", args: { what: "row", value: merge(ratio, small) } }
  is_noted = if noted > 0 { again = set { value: noted + 1 } }
  yield merge(again, noted)
}
top = set { value: input.most * 2 }
state = while n = 0, n < top, at most 9 {
  step = set { value: n + 1 }
  is_even = if step % 2 == 0 { jump = set { value: step + 1 } }
  next merge(jump, step)
}
twice = foreach row in input.rows { doubled = set { value: row * base }  yield doubled }
return { found: found, state: state, twice: twice }
"""
ENDS = """
pipeline ends
input { n: int }
output { n: int }
kept = python.call { function: "own:note", args: { what: "kept", value: input.n } } compensate {
  undone = python.call { function: "own:note", args: { what: "undone", value: kept + 1 } }
}
factor = set { value: input.n + 1 }
is_bad = if kept > 5 { reason = template { text: `{{ kept }} of {{ factor }}` }  bad = stop { state: "failed", message: reason } }
is_enough = if kept == 5 { done = stop { state: "succeeded", output: { n: factor } } }
ratio = set { value: 12 / (kept - 4) }
tried = try {
  risky = python.call { function: "own:note", args: { what: "risky", value: 10 / (kept - 3) } }
  yield risky
} catch err {
  code = set { value: err.code }
  yield 0 - code.size()
}
return { n: tried + ratio }
"""
SHARED = """
pipeline shared
input { n: int, rows: list<int> }
output { one: int, two: int, three: int, each: list<int> }
flag = set { value: input.n > 2 ? "large" : "small" }
text = template { text: `{{ flag }} {{ input.n }}` }
one = python.call { function: "own:note", args: { what: text, value: input.n } }
two = python.call { function: "own:note", args: { what: flag, value: input.n } }
wide = if input.n > 0 { three = python.call { function: "own:note", args: { what: text, value: 3 } } }
each = foreach row in input.rows {
  named = template { text: `{{ row }}` }
  first = python.call { function: "own:note", args: { what: named, value: row } }
  second = python.call { function: "own:note", args: { what: named, value: row + first } }
  yield second
}
return { one: one, two: two, three: merge(three, 0), each: each }
"""
BESIDE = """
pipeline beside
input { n: int }
given = set { value: input.n }
noted = python.call after given { function: "own:note", args: { what: "noted", value: 1 } }
return given
"""
SCORE = """
pipeline score
input { n: int }
output { score: int }
double = set { value: input.n * 2 }
is_large = if double > 6 { large = set { value: double - 6 } } else { small = set { value: double } }
noted = python.call { function: "inner:twice", args: { value: merge(large, small, 0) } }
is_odd = if noted % 4 == 2 { odd = set { value: noted + 1 } }
return { score: merge(odd, noted) }
"""
CALLS = """
pipeline calls
input { n: int }
output { first: int, each: list<int>, both: { left: int, right: int } }
use score = "./score.saltern"
more = set { value: input.n + 1 }
first = call score { n: more }
each = foreach item in [1, 2, 3, 4] { scored = call score { n: item + more }  yield scored.score }
both = parallel {
  left => { half = set { value: more / 2 }  yield half }
  right => { third = set { value: more / 3 }  is_none = if third == 0 { one = set { value: 1 } }  yield merge(one, third) }
}
return { first: first.score, each: each, both: { left: both.left, right: both.right } }
"""
FILES = {
    "own.py": OWN,
    "inner.py": "def twice(value: int) -> int:\n    return value * 2\n",
    "score.saltern": SCORE,
}


@dataclass(frozen=True)
class Told:
    """What may be seen of a run."""

    state: str
    output: Any
    failure: tuple[Any, ...] | None
    nodes: Mapping[str, Any]
    done: list[Any]


def told(text: str, given: Any, level: int, folder: Path, redis_url: str) -> Told:
    """Build a pipeline at a level, and run it once."""
    name = text.split()[1]
    text = text.replace(f"pipeline {name}", f"pipeline {name}_{level}")
    result = compile_source(text, source_name="x.saltern", files=FILES, targets=("python",), optimize=level)
    assert not result.has_errors, result.diagnostics
    write_tree(result.artifacts, folder / str(level))
    with importable(folder / str(level), f"{name}_{level}") as load:
        graph = load("graph").GRAPH
        view = run_once(graph, given, redis_url=redis_url)
        done = load("own").DONE
    failure = view.failure and (view.failure.kind, view.failure.code, view.failure.message, view.failure.node)
    nodes = {
        each.id: (each.type, str(each.state), each.failure and each.failure.code, each.items) for each in view.nodes
    }
    assert all(graph.stage_of.get(each.id, each.stage) == each.stage for each in view.nodes)
    return Told(str(view.state), view.output, failure, nodes, sorted(done))


SUCCEEDING = [
    *((BRANCHES, {"n": n, "kind": kind}) for n, kind in ((5, "a"), (8, "a"), (10, "b"), (1, "c"))),
    (EARLY, {"n": 4, "d": 2}),
    (LOOPS, {"rows": [1, 20, 3, 22, 30], "most": 2}),
    (LOOPS, {"rows": [], "most": 0}),
    *((ENDS, {"n": n}) for n in (1, 3)),
    *((CALLS, {"n": n}) for n in (1, 5)),
    (SHARED, {"n": 3, "rows": [1, 2]}),
    (BESIDE, {"n": 3}),
]


@pytest.mark.parametrize("number", range(len(SUCCEEDING)))
def test_levels_agree(tmp_path, redis_url, number):
    """Output, states of nodes, counts of items and effects are those of each node alone, where nothing fails the run."""
    text, given = SUCCEEDING[number]
    alone = told(text, given, 0, tmp_path, redis_url)
    assert alone.state == "SUCCEEDED", alone
    for level in (1, 2):
        assert told(text, given, level, tmp_path, redis_url) == alone


def test_levels_stop_alike(tmp_path, redis_url):
    """What a node stops ends with its output; what else was ready then may have run or not."""
    for level in (0, 1, 2):
        run = told(ENDS, {"n": 5}, level, tmp_path, redis_url)
        assert (run.state, run.output, run.nodes["done"][1]) == ("SUCCEEDED", {"n": 6}, "SUCCEEDED")
        assert run.nodes["reason"][1] == run.nodes["bad"][1] == run.nodes["undone"][1] == "SKIPPED"


FAILING = [
    (BRANCHES, {"n": 0, "kind": "b"}, "noted", []),
    (BRANCHES, {"n": 14, "kind": "a"}, "late", [["seen", 7]]),
    (EARLY, {"n": 1, "d": 0}, "ratio", []),
    (EARLY, {"n": 3, "d": 1}, "after_first", [["first", 3]]),
    (ENDS, {"n": 4}, "ratio", [["kept", 4]]),
    (ENDS, {"n": 7}, "bad", [["kept", 7]]),
]


@pytest.mark.parametrize("number", range(len(FAILING)))
def test_levels_fail_alike(tmp_path, redis_url, number):
    """A run that fails names the same node and reason, and no effect comes before a failure that each node alone comes behind."""
    text, given, node, least = FAILING[number]
    alone = told(text, given, 0, tmp_path, redis_url)
    assert alone.state == "FAILED"
    assert alone.failure is not None
    assert alone.failure[3] == node
    for level in (1, 2):
        other = told(text, given, level, tmp_path, redis_url)
        assert (other.state, other.failure) == (alone.state, alone.failure)
        assert other.nodes[node][1:3] == alone.nodes[node][1:3]
        assert all(each in other.done for each in least)
        assert all(each in alone.done for each in other.done)


IN_A_ROW = """
pipeline in_a_row
input { n: int }
a = set { value: 10 / input.n }
b = set { value: 10 / (a - 5) }
c = set { value: b + 1 }
return { c: c }
"""
BODY_FAILS = """
pipeline body_fails
input { n: int }
base = set { value: input.n + 1 }
each = foreach item in [1, 2] { divided = set { value: base / input.n }  yield divided + item }
return { each: each }
"""


CONSTANT = """
pipeline constant
input { n: int }
percent = set { value: 15 + 5 }
a = set { value: 10 / (input.n + percent) }
b = set { value: a + percent }
return { b: b }
"""
UNREAD = """
pipeline unread
input { n: int }
sure = set { value: input.n }
a = set { value: 10 / sure }
nobody = set { value: a }
beside = template { text: `{{ sure }}` }
return { a: a, beside: beside }
"""
NEVER = """
pipeline never
input { n: int }
on = set { value: false }
is_on = if on { loud = set { value: input.n } } else { quiet = set { value: 0 - input.n } }
ratio = set { value: 10 / merge(loud, quiet, 0) }
return { ratio: ratio }
"""


@pytest.mark.parametrize("level", [1, 2])
@pytest.mark.parametrize(
    ("text", "given"),
    [
        (CONSTANT, {"n": -20}),
        (UNREAD, {"n": 0}),
        (NEVER, {"n": 0}),
        (IN_A_ROW, {"n": 0}),
        (IN_A_ROW, {"n": 2}),
        (IN_A_ROW, {"n": 1}),
        (BODY_FAILS, {"n": 0}),
    ],
)
def test_a_run_that_fails_shows_the_same_nodes(tmp_path, redis_url, text, given, level):
    """What ran before the failure has succeeded, what stood behind it is blocked, and so is what was ready: at -O0 that is more."""
    alone = told(text, given, 0, tmp_path, redis_url)
    other = told(text, given, level, tmp_path, redis_url)
    states = [{node: each[1] for node, each in run.nodes.items()} for run in (alone, other)]
    assert states[0] == states[1]
    assert (alone.state, alone.failure) == (other.state, other.failure)


@pytest.mark.parametrize("case", sorted(SOURCES))
def test_the_compiler_and_the_graph_keep_the_same(tmp_path, case):
    """What `saltern explain` says of checkpoints is what the graph makes of its functions' signatures."""
    result = compile_loaded(Source.load(str(SOURCES[case])), targets=("python",), optimize=2)
    assert result.plan is not None
    write_tree(result.artifacts, tmp_path / "tree")
    with importable(tmp_path / "tree", result.plan.pipeline.name) as load:
        graph = load("graph").GRAPH
    for stage in result.plan.stages:
        told = {each.what: each.value.split(", ") for each in stage.decisions}
        assert [*stage.kept] == [node for node in stage.nodes if node in graph.kept]
        assert sorted([*told.get("kept", stage.nodes), *told.get("not kept", [])]) == sorted(stage.nodes)
