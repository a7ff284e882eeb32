"""What a budget assumes of the input holds at every door: no run begins with more, whoever starts it."""

import json
import subprocess
import sys

import pytest
from starlette.testclient import TestClient

from saltern_compiler.driver import compile_source, write_tree
from saltern_runtime.engine.one_process import in_one_process
from saltern_runtime.settings import Settings
from saltern_runtime.web import tokens
from saltern_runtime.web.backend import Backend
from tests.support.built import importable

COUNTED = """
pipeline counted
budget { time: 2h, assume: { "size(input.rows)": 2, "value(input.count)": 3, "size(input.keys)": 1 } }
input { rows: list<string>, count: int, keys: list<string> @secret }
output { rows: list<string> }
on api
on webhook "/hook" { signature: none }
named = foreach row in input.rows { yield row }
counted = foreach n in lists.range(input.count) { yield n }
opened = foreach key in input.keys { yield declassify(key.size(), "a test") }
return { rows: named } after counted, opened
"""
OUTER = """
pipeline outer_of_counted
use counted = "./counted.saltern"
input { rows: list<string>, keys: list<string> @secret }
output { called: string, started: string }
on api
called = call counted { rows: input.rows, count: 1, keys: input.keys } on error failure {
  call_failed = set { value: failure.code + ": " + declassify(failure.message, "a test") }
}
started = start counted { rows: input.rows, count: 1, keys: input.keys } on error other {
  start_failed = set { value: other.code + ": " + declassify(other.message, "a test") }
}
return { called: merge(call_failed, "fine"), started: merge(start_failed, "fine") }
"""
FITS = {"rows": ["a", "b"], "count": 3, "keys": ["topsecret"]}
BUDGET = COUNTED.splitlines()[2]


def said(name, seen, most):
    at = BUDGET.index(name) + len(f'{name}": ') + 1
    return f"`{name}` is {seen}, and at most {most} is assumed (counted.saltern:3:{at})"


ROWS, COUNT, KEYS = (
    said("size(input.rows)", 3, 2),
    said("value(input.count)", 4, 3),
    said("size(input.keys)", "[secret]", 1),
)
MORE = FITS | {"rows": ["a", "b", "c"], "count": 4, "keys": ["topsecret", "another"]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Hold both sources, and their packages in `tree` and `outer`."""
    made = tmp_path_factory.mktemp("assumed")
    (made / "counted.saltern").write_text(COUNTED)
    for text, name, tree in ((COUNTED, "counted", "tree"), (OUTER, "outer", "outer")):
        result = compile_source(text, source_name=f"{name}.saltern", files={"counted.saltern": COUNTED})
        assert not result.has_errors, result.diagnostics
        write_tree(result.artifacts, made / tree)
    return made


@pytest.fixture
def client(folder, redis_url):
    settings, (token, entry) = Settings(redis_url=redis_url), tokens.new("local")
    with importable(folder / "tree", "counted") as load:
        graph, app = load("graph").GRAPH, load("api").create_app(settings)
        with in_one_process(graph, redis_url=redis_url, settings=settings) as worker:
            app.state.saltern_backends = {graph.name: Backend(worker.service, settings, tokens.read(str(entry)))}
            yield TestClient(app, headers={"Authorization": f"Bearer {token}"})


@pytest.mark.parametrize("path", ["/runs", "/hook"])
def test_a_request_with_more_is_refused(client, path):
    """A 422 lists all that is broken: what, where in the source, how much it is; of a secret not even that. No run is made."""
    before = len(client.get("/runs?limit=100").json()["runs"])
    answer = client.post(path, json=MORE)
    assert (answer.status_code, answer.json()["code"]) == (422, "broken-assumption")
    assert answer.json()["errors"] == [
        {"detail": KEYS, "pointer": "#/keys"},
        {"detail": ROWS, "pointer": "#/rows"},
        {"detail": COUNT, "pointer": "#/count"},
    ]
    assert len(client.get("/runs?limit=100").json()["runs"]) == before
    assert client.post(path, json=FITS).status_code == 202


def test_on_the_command_line(folder):
    """`saltern run` says the same, and runs nothing."""
    main = [sys.executable, "-c", "from saltern_compiler.cli import main; main()"]
    words = ["run", str(folder / "counted.saltern"), "--input", "-"]
    refused = subprocess.run(
        [*main, *words], input=json.dumps(MORE), capture_output=True, text=True, check=False, timeout=60
    )
    assert (refused.returncode, refused.stdout) == (1, "")
    assert f"{KEYS}; {ROWS}; {COUNT}" in refused.stderr


@pytest.mark.parametrize(
    ("given", "breaks"),
    [(FITS, ""), (FITS | {"rows": ["a", "b", "c"]}, ROWS), (FITS | {"keys": ["topsecret", "another"]}, KEYS)],
)
def test_a_pipeline_that_is_called_or_started(folder, redis_url, given, breaks):
    """A node that hands on more fails with the reason; nothing of the other pipeline runs, and no run of it is made."""
    given = {name: given[name] for name in ("rows", "keys")}
    with (
        importable(folder / "outer", "outer_of_counted") as load,
        in_one_process(load("graph").GRAPH, redis_url=redis_url) as opened,
    ):
        run_id = opened.service.start(given, tenant="local", trigger="run").run_id
        run = opened.finish(run_id, 20)
        runs = opened.service.list("local", limit=200).runs
    told = f"broken-assumption: 'counted' does not take its input: {breaks}" if breaks else "fine"
    assert run.output == {"called": told, "started": told}, run.failure
    assert [each.pipeline for each in runs if each.parent == run_id] == ([] if breaks else ["counted"])
