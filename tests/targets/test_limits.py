"""Connections with limits, generated and run."""

import pytest

from saltern_compiler.driver import compile_source, write_tree
from saltern_runtime import Limits
from saltern_runtime.engine.one_process import in_one_process
from tests.support.built import SOURCES, importable
from tests.support.limits import at_a_time, too_soon


@pytest.fixture
def graph(tmp_path, web_double, openai_double, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    text = SOURCES["limits_case"].read_text().replace("https://site.example", web_double.url)
    text = text.replace("  first =", "  @retry(attempts: 2, base: 10ms)\n  first =")
    result = compile_source(text.replace("pipeline limits_case", "pipeline limits_run"), source_name="l.saltern")
    assert not result.has_errors, result.diagnostics
    write_tree(result.artifacts, tmp_path / "tree")
    with importable(tmp_path / "tree", "limits_run") as load:
        yield load("graph").GRAPH


def test_the_graph_has_them(graph) -> None:
    """On the connection, typed, and apart from the connector's own settings."""
    assert {name: connection.limits for name, connection in graph.connections.items()} == {
        "site": Limits(per_second=200.0, concurrency=2),
        "slow": Limits(per_second=12.5, by="tenant"),
        "model": Limits(concurrency=1),
    }
    assert all("limits" not in connection.settings for connection in graph.connections.values())


def test_a_run_keeps_them(graph, redis_url) -> None:
    """Everything runs in its turn; what was tried again took another one."""
    with in_one_process(graph, redis_url=redis_url) as process:
        paths = [f"/{number}" for number in range(20)]
        started = process.service.start({"paths": paths}, tenant="acme", trigger="api")
        view = process.finish(started.run_id, 60)
        assert (view.state, view.failure) == ("SUCCEEDED", None)
        assert view.output["codes"] == [200] * 20
        assert (view.output["tried"], view.output["last"]) == (200, 200)
        events = process.service.events(view.id, limit=2000)
        assert at_a_time(events, "/one") <= 2
        assert too_soon(events, "/one", 200.0) == []
        assert process.service.figures().limited == {}
