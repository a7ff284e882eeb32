"""At -O2 nodes that read the same at the same time are one call; the others are shown as it is."""

import pytest

from saltern_compiler import compile_source
from saltern_compiler.driver import write_tree
from saltern_runtime.engine.one_process import in_one_process
from tests.support.built import importable

OWN = """
from saltern_runtime.errors import PermanentError

DONE = []


def look(key: str) -> int:
    DONE.append(key)
    if key == "fails":
        raise PermanentError("no such key", code="no-key")
    return len(key)
"""
TEXT = """pipeline reads
input { key: string, keys: list<string> }
output { one: int, two: int, each: list<int> }
one = python.call { function: "own:look", args: { key: input.key }, effect: "read" }
two = python.call { function: "own:look", args: { key: input.key }, effect: "read" }
each = foreach key in input.keys {
  inner = python.call { function: "own:look", args: { key: key }, effect: "read" }
  outer = python.call { function: "own:look", args: { key: key }, effect: "read" }
  yield inner + outer
}
return { one: one, two: two, each: each }
"""


def ran(given, level, tmp_path, redis_url, text=TEXT):
    """Run it once at a level; return the run, and what its own code was called with."""
    result = compile_source(
        text.replace("reads", f"reads_{level}", 1), source_name="x.saltern", files={"own.py": OWN}, optimize=level
    )
    assert not result.has_errors, result.diagnostics
    write_tree(result.artifacts, tmp_path / str(level))
    with importable(tmp_path / str(level), f"reads_{level}") as load:
        with in_one_process(load("graph").GRAPH, redis_url=redis_url) as opened:
            run = opened.finish(opened.service.start(given, tenant="local", trigger="run").run_id)
        return run, sorted(load("own").DONE)


def shown(run):
    return {
        node.id: (str(node.state), node.items and (node.items.done, node.items.failed, node.items.skipped))
        for node in run.nodes
    }


def test_what_reads_the_same_is_asked_once(tmp_path, redis_url):
    """Output and states are those of each node alone, and the one that is not called says which one is."""
    given = {"key": "ab", "keys": ["x", "xyz"]}
    alone, asked = ran(given, 0, tmp_path, redis_url)
    assert asked == ["ab", "ab", "x", "x", "xyz", "xyz"]
    once, asked = ran(given, 2, tmp_path, redis_url)
    assert asked == ["ab", "x", "xyz"]
    assert (
        (once.state, once.output) == (alone.state, alone.output) == ("SUCCEEDED", {"one": 2, "two": 2, "each": [2, 6]})
    )
    assert shown(once) == shown(alone)
    assert {node.id: node.elided for node in once.nodes if node.elided} == {
        "two": "it reads the same as one", "outer": "it reads the same as inner",
    }  # fmt: skip
    assert ran(given, 1, tmp_path, redis_url)[1] == ["ab", "ab", "x", "x", "xyz", "xyz"]


def test_a_read_that_fails_is_blamed_once(tmp_path, redis_url):
    """The first is the one that is asked; the run fails as it did."""
    alone, _ = ran({"key": "fails", "keys": []}, 0, tmp_path, redis_url)
    once, asked = ran({"key": "fails", "keys": []}, 2, tmp_path, redis_url)
    assert asked == ["fails"]
    assert (once.state, once.failure.code, once.failure.node) == (alone.state, alone.failure.code, "one")
    assert shown(once)["two"][0] == "BLOCKED"


@pytest.mark.parametrize("effect", ["idempotent", "external"])
def test_what_is_no_read_is_called_as_often_as_it_stands(tmp_path, redis_url, effect):
    """That a call may be repeated does not say that one stands for two."""
    text = TEXT.replace('"read"', f'"{effect}"')
    _, asked = ran({"key": "ab", "keys": []}, 2, tmp_path, redis_url, text)
    assert asked == ["ab", "ab"]
