"""Cached nodes, generated and run twice against a site and a model that count."""

import io
from collections import Counter

import pytest

from saltern_compiler.driver import compile_source, write_tree
from saltern_runtime.dev.view import LineView
from saltern_runtime.runtext import lines
from saltern_runtime.web.models import run_json
from tests.support.built import SOURCES, importable
from tests.support.once import run_once


@pytest.fixture
def graph(tmp_path, web_double, openai_double, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    text = SOURCES["cached_case"].read_text().replace("https://site.example", web_double.url)
    result = compile_source(text.replace("pipeline cached_case", "pipeline cached_run"), source_name="c.saltern")
    assert not result.has_errors, result.diagnostics
    write_tree(result.artifacts, tmp_path / "tree")
    with importable(tmp_path / "tree", "cached_run") as load:
        yield load("graph").GRAPH


def test_what_is_cached_is_asked_once(graph, redis_url, web_double, openai_double) -> None:
    """Also by items of one run; what acts is done each time, though its connection says that it caches."""
    given = {"id": "1", "text": "a", "paths": ["/x", "/y", "/x"]}
    first = run_once(graph, given, redis_url=redis_url)
    asked = len(openai_double.received)
    second = run_once(graph, given | {"id": "2"}, redis_url=redis_url)
    assert first.output == second.output
    assert second.output["sizes"] == [200, 200, 200]
    assert Counter(request.path for request in web_double.received) == {"/pages/a": 1, "/told": 2, "/x": 1, "/y": 1}
    assert len(openai_double.received) == asked
    hits = {node.id: node.cached for node in second.nodes}
    assert {name: hits[name] for name in ("page", "told", "sorted", "greeting", "one")} == {
        "page": 1, "told": 0, "sorted": 1, "greeting": 0, "one": 3,
    }, "what is plain Python is known by all that it reads, the id too"  # fmt: skip
    assert {node.id: node.cached for node in first.nodes}["one"] == 1


def test_a_hit_is_told(graph, redis_url) -> None:
    """In the lines of `saltern run`, on a terminal and without one; items say how many."""
    given = {"id": "1", "text": "b", "paths": ["/x"]}
    run_once(graph, given, redis_url=redis_url)
    body = run_json(run_once(graph, given, redis_url=redis_url))
    drawn = {line.split()[0]: line for line in lines(body, 200)}
    assert drawn["page"].endswith("from the cache")
    assert drawn["greeting"].endswith("from the cache")
    assert drawn["one"].endswith("1/1 items  1 from the cache")
    assert "cache" not in drawn["told"]
    out = io.StringIO()
    LineView(out).update([body])
    assert any(": page SUCCEEDED" in line and line.endswith("from the cache") for line in out.getvalue().splitlines())


def test_the_shape_of_the_code(graph) -> None:
    """How long a value is kept stands on the node; the connection's holds for what asks, not for what acts."""
    kept = {node.id: node.cache for node in graph.nodes.values()}
    assert {name: seconds for name, seconds in kept.items() if seconds} == {
        "page": 600.0, "one": 600.0, "sorted": 3600.0, "said": 5400.0, "greeting": 86400.0,
    }  # fmt: skip
