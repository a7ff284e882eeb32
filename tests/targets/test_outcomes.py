"""Branches that an error takes, generated and run against a site that really fails."""

import pytest

from saltern_compiler.driver import compile_source, write_tree
from saltern_runtime.nodes.flow.error_ import NODE
from saltern_runtime.nodes.flow.results import NodeFailure
from saltern_runtime.spec import from_schema
from tests.support.built import SOURCES, importable
from tests.support.once import run_once


@pytest.fixture
def run(tmp_path, redis_url, web_double):
    """Run the case with an input against the double of a site."""
    text = SOURCES["error_case"].read_text().replace("https://site.example", web_double.url)
    result = compile_source(text.replace("pipeline error_case", "pipeline error_run"), source_name="e.saltern")
    assert not result.has_errors, result.diagnostics
    write_tree(result.artifacts, tmp_path / "tree")
    with importable(tmp_path / "tree", "error_run") as load:
        yield lambda given: run_once(load("graph").GRAPH, given, redis_url=redis_url)


def test_all_is_well(run) -> None:
    """The branches of success run, those of failure are skipped."""
    view = run({"path": "/job", "paths": ["/a", "/b"]})
    assert view.output == {
        "said": "sent", "size": 200, "codes": ["fine", "fine"], "lost": None, "tried": "status 200", "nested": [200, 200],
    }  # fmt: skip


def test_each_failure_takes_its_branch(run) -> None:
    """A node's, that of a node in one item, and that of a whole loop; the run succeeds."""
    view = run({"path": "/status/404", "paths": ["/a", "/status/403"]})
    assert view.state == "SUCCEEDED"
    assert view.output == {
        "said": "not-found after 1", "size": None, "codes": ["fine", "forbidden"], "lost": "same",
        "tried": "asked http.request@1 404", "nested": [200, 0],
    }  # fmt: skip


def test_the_class_of_a_failure_is_its_type() -> None:
    """What generated code reads is what the checker knows."""
    schema = NodeFailure.model_json_schema()
    assert (
        from_schema({key: schema[key] for key in ("type", "properties", "required", "additionalProperties")})
        == NODE.result
    )
