"""A generated service knows where its input holds secrets, and where that of the pipelines that it starts does."""

import json

import pytest

from saltern_compiler.driver import compile_source, write_tree
from saltern_runtime.engine.service import in_one_process
from saltern_runtime.masking import MASK
from saltern_runtime.web.models import run_json
from tests.support.built import importable
from tests.support.once import finish_all

MAIN = """pipeline masks

input { token: string @secret, people: list<{ pin: string @secret, age: int }>, plain: string }
output { same: bool, run: string }

use other = "./other.saltern"

same = python.call { function: "own:same", args: { one: input.token, other: input.people[0].pin } }
started = start other { key: input.token, plain: input.plain }
return { same: same, run: started }
"""
OTHER = """pipeline other

input { key: string @secret, plain: string }
output { size: int }

return { size: declassify(size(input.key), "a length opens nothing") }
"""
OWN = """from typing import Annotated


def same(one: str, other: str) -> Annotated[bool, "declassify: whether two are one tells neither"]:
    return one == other
"""


def test_a_run_shows_no_secret(tmp_path, redis_url) -> None:
    """Neither its own input nor that of a run that it started; the run itself reads them, and all else is shown."""
    result = compile_source(MAIN, source_name="masks.saltern", files={"other.saltern": OTHER, "own.py": OWN})
    assert not result.has_errors, result.diagnostics
    write_tree(result.artifacts, tmp_path / "tree")
    given = {"token": "SECRET1", "people": [{"pin": "SECRET1", "age": 7}], "plain": "shown"}
    with importable(tmp_path / "tree", "masks") as load:
        graph = load("graph").GRAPH
        with in_one_process(graph, redis_url=redis_url) as opened:
            opened.service.start(given, tenant="local", trigger="run")
            views = finish_all(opened, "local")
    shown = {view.pipeline: run_json(view, graph.secrets_of(view.pipeline)) for view in views}
    assert shown["masks"]["input"] == {"token": MASK, "people": [{"pin": MASK, "age": 7}], "plain": "shown"}
    assert shown["other"]["input"] == {"key": MASK, "plain": "shown"}
    assert "SECRET1" not in json.dumps(shown)
    assert shown["masks"]["output"]["same"] is True
    assert shown["other"]["output"] == {"size": 7}


def test_models_and_the_source_map_say_it(tmp_path) -> None:
    """The JSON Schema of the input marks both labels; the source map lists what is declassified, with where and why."""
    text = MAIN.replace("plain: string }", "plain: string @personal @secret }")
    files = {"other.saltern": OTHER.replace("plain: string", "plain: string @secret"), "own.py": OWN}
    result = compile_source(text, source_name="masks.saltern", files=files)
    assert not result.has_errors, result.diagnostics
    write_tree(result.artifacts, tmp_path / "tree")
    with importable(tmp_path / "tree", "masks") as load:
        schema = load("models").Input.model_json_schema()
    assert schema["properties"]["token"]["x-saltern-secret"] is True
    assert schema["properties"]["plain"] == {
        "title": "Plain", "type": "string", "x-saltern-personal": True, "x-saltern-secret": True,
    }  # fmt: skip
    told = json.loads(result.artifacts["masks/source_map.json"])["declassified"]
    assert [(each["node"], each["because"], each["labels"], each["of"]) for each in told] == [
        ("same", "whether two are one tells neither", ["secret"], ["input.people[].pin", "input.token"]),
        ("return", "a length opens nothing", ["secret"], ["input.key"]),
    ]
    assert told[1]["source"] == "other.saltern"


FAILS = """pipeline fails
input { key: string @secret, pins: map<string> @secret, plain: string }
a = set { value: int(input.key) }
b = set { value: input.pins["none"] }
c = python.call { function: "own:told", args: { key: input.key } }
d = try { e = set { value: int(input.key) }  yield e } catch err { yield err.message }
"""
TELLS = """def told(key: str) -> int:
    raise ValueError(f"nothing opens with {key!r}")
"""


@pytest.mark.parametrize("node", ["a", "b", "c", "d"])
def test_a_failure_repeats_no_secret(tmp_path, redis_url, caplog, node) -> None:
    """Of an expression, of own code, of one that is caught: not in the run, its nodes, its events, its output or the log."""
    head = FAILS.splitlines()[:2]
    (line,) = [line for line in FAILS.splitlines() if line.startswith(f"{node} =")]
    text = "\n".join([*head, line, f'return {{ {node}: declassify({node}, "for the test") }}']) + "\n"
    result = compile_source(text, source_name="fails.saltern", files={"own.py": TELLS})
    assert not result.has_errors, result.diagnostics
    write_tree(result.artifacts, tmp_path / "tree")
    given = {"key": "SE'CRET\n1", "pins": {"one": "SECRET2"}, "plain": "shown"}
    with (
        importable(tmp_path / "tree", "fails") as load,
        in_one_process(load("graph").GRAPH, redis_url=redis_url) as opened,
    ):
        graph = load("graph").GRAPH
        run_id = opened.service.start(given, tenant=node, trigger="run").run_id
        (view,) = finish_all(opened, node)
        events = opened.service.reader.events(run_id, "0-0", 0.0, 500)
        page = opened.service.list(node)
    shown = json.dumps([run_json(view, graph.secrets_of("fails")), str(events), str(page), caplog.text])
    assert "CRET" not in shown
    if node != "b":
        assert MASK in str(view)
    assert (view.state == "SUCCEEDED") == (node == "d")
