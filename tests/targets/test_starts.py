"""Pipelines that start others, generated and run."""

import pytest

from saltern_compiler.driver import compile_source, write_tree
from saltern_runtime.engine.one_process import in_one_process
from saltern_runtime.settings import Settings
from tests.support.built import SOURCES, importable

CALLED = SOURCES["start_case"].parent / "called"
FILES = {f"called/{path.name}": path.read_text() for path in sorted(CALLED.iterdir()) if path.is_file()}
TEXT = SOURCES["start_case"].read_text()


@pytest.fixture
def load(tmp_path, web_double):
    """The generated package of the case, whose connections lead to the double: those of `mirror` beneath `/status`."""
    text = TEXT.replace("pipeline start_case", "pipeline start_run").replace("https://mirror.example", web_double.url)
    result = compile_source(text, source_name="r.saltern", files=FILES)
    assert not result.has_errors, result.diagnostics
    write_tree(result.artifacts, tmp_path / "tree")
    with importable(tmp_path / "tree", "start_run") as found:
        yield found


def test_a_pipeline_that_starts_others(load, redis_url) -> None:
    """Each start makes one run, with the connection that it gives, that ends as its own pipeline says."""
    with in_one_process(load("graph").GRAPH, redis_url=redis_url, settings=Settings(redis_url=redis_url)) as opened:
        run_id = opened.service.start({"text": "status/404"}, tenant="acme", trigger="api").run_id
        made = opened.finish(run_id, 20)
        assert made.state == "SUCCEEDED", made.failure
        first, each, inner = made.output["first"], made.output["each"], made.output["inner"]
        runs = {run: opened.finish(run, 20) for run in (first, *each, inner)}
    assert {run.parent for run in runs.values()} == {run_id}
    assert runs[first].output == {"text": "page not-found", "status": 0}
    assert [runs[run].output for run in each] == [{"text": "a", "status": 200}, {"text": "bb", "status": 200}]
    assert runs[inner].output == {"text": "page not-found", "status": 0}
    assert {run.pipeline for run in runs.values()} == {"audit"}
    assert [node.id for node in runs[inner].nodes] == ["empty", "done", "page", "e", "why", "return"]


def test_what_is_started_stands_once() -> None:
    """However many starts and calls there are of it, a pipeline is one package; linked says so where it is."""
    files = compile_source(TEXT, source_name="start_case.saltern", files=FILES).artifacts
    packages = {
        path.split("/")[2] for path in files if path.startswith("start_case/pipelines/") and path.count("/") > 2
    }
    assert packages == {"audit", "passes"}
    graph = files["start_case/graph.py"].decode()
    assert graph.count("Starts(AUDIT_GRAPH") == 2
    assert graph.count("linked=True") == 1
