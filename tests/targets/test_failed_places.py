"""Where a generated service says that something failed: the node's place in the source, and the lines of own code."""

import json

import pytest

from saltern_compiler.driver import compile_source, write_tree
from saltern_runtime.engine.one_process import in_one_process
from saltern_runtime.store.letters import Letters, Wanted
from saltern_runtime.web.models import run_json
from tests.support.built import importable
from tests.support.once import finish_all

MAIN = """pipeline places

input { key: string @secret, numbers: list<int>, way: string }
output { sum: int, said: string }

use inner = "./inner.saltern"

caught = try {
  bad = python.call { function: "rules:price", args: { numbers: input.numbers, way: "odd" } }
  yield string(bad)
} catch err {
  yield err.message
}
@retry(attempts: 1)
own = python.call { function: "rules:price", args: { numbers: input.numbers, way: input.way } }
called = call inner { way: input.way }
return { sum: own + called.sum, said: caught }
"""
INNER = """pipeline inner

input { way: string }
output { sum: int }

@retry(attempts: 1)
low = python.call { function: "deep:fall", args: { way: input.way } }
return { sum: low }
"""
RULES = """import json


class Odd(Exception):
    pass


def price(numbers: list[int], way: str) -> int:
    if way == "odd":
        return [_odd(each) for each in numbers][0]
    if way == "text":
        return json.loads("{")
    return int(way == "wrong") and way


def _odd(number: int) -> int:
    raise Odd("no")
"""
DEEP = """def fall(way: str, depth: int = 0) -> int:
    return 1 if way != "deep" else fall(way, depth + 1)
"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    result = compile_source(
        MAIN, source_name="places.saltern", files={"inner.saltern": INNER, "rules.py": RULES, "deep.py": DEEP}
    )
    assert not result.has_errors, result.diagnostics
    folder = tmp_path_factory.mktemp("places") / "tree"
    write_tree(result.artifacts, folder)
    return folder


WHERE = {
    "odd": ("own", "places.saltern:14:1", ["rules.py:10 in price", "rules.py:17 in _odd"]),
    "text": ("own", "places.saltern:14:1", ["rules.py:12 in price", "json", "json.decoder", "json.decoder"]),
    "wrong": ("own", "places.saltern:14:1", []),
    "deep": ("called/low", "inner.saltern:6:1", ["pipelines/inner/deep.py:2 in fall"] * 12),
}
"""What own code is told to do → the node, its place, and what the error came through: of other modules their names."""


@pytest.mark.parametrize("way", WHERE)
def test_a_letter_says_where(tree, redis_url, way):
    """What the error came through in own code stands with it, and ends where it was raised; what runs it is left out."""
    node, place, trace = WHERE[way]
    with importable(tree, "places") as load, in_one_process(load("graph").GRAPH, redis_url=redis_url) as opened:
        opened.service.start({"key": "k", "numbers": [3], "way": way}, tenant=f"by {way}", trigger="run")
        [view] = finish_all(opened, f"by {way}")
        [letter] = Letters(opened.service.store, "places").page(f"by {way}", 9, None, Wanted()).letters
    assert (letter.node, letter.failure.place) == (node, place)
    found = [each if ".py" in each else each.partition(":")[0] for each in letter.failure.trace]
    assert [each for each in found if "<listcomp>" not in each] == trace
    shown = run_json(view)["failure"]
    assert (shown["place"], shown.get("trace", [])) == (place, list(letter.failure.trace))


def test_what_is_caught_is_as_it_was(tree, redis_url):
    """A pipeline that reads a failure reads its message; no place and no line gets into a value."""
    with importable(tree, "places") as load, in_one_process(load("graph").GRAPH, redis_url=redis_url) as opened:
        opened.service.start({"key": "k", "numbers": [3], "way": "fine"}, tenant="caught", trigger="run")
        [view] = finish_all(opened, "caught")
    assert (view.state, view.output) == ("SUCCEEDED", {"sum": 1, "said": "Odd: no"})
    assert "rules.py" not in json.dumps(view.output)
