"""Arms side by side, generated and run: losers are cancelled, and a race that nothing wins fails."""

from saltern_compiler.driver import compile_source, write_tree
from tests.support.built import SOURCES, importable
from tests.support.once import run_once


def test_each_way_of_joining(tmp_path, redis_url, web_double) -> None:
    """The run does not wait for arms that sleep for a day, and a failure is caught where it would end the race."""
    text = SOURCES["race_case"].read_text().replace("https://site.example", web_double.url)
    result = compile_source(text.replace("pipeline race_case", "pipeline race_run"), source_name="r.saltern")
    assert not result.has_errors, result.diagnostics
    write_tree(result.artifacts, tmp_path / "tree")
    with importable(tmp_path / "tree", "race_run") as load:
        graph = load("graph").GRAPH
        broken = run_once(graph, {"path": "/status/404"}, redis_url=redis_url)
        fine = run_once(graph, {"path": "/b"}, redis_url=redis_url)
    common = {"both": [200, 2], "first": "quick", "two": ["a", "c"]}
    assert broken.output == {**common, "any": "late", "failed": "race-failed"}
    assert fine.output == {**common, "any": "broken", "failed": "none"}
    states = {each.id: each.state for each in broken.nodes}
    assert (states["any/never"], states["first/slow"], states["two/b"]) == ("FAILED", "FAILED", "FAILED")
