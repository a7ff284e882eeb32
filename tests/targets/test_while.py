"""A generated `while` is a first state, a condition and a next state: functions that can be called, and a loop that runs."""

import pytest

from saltern_compiler.driver import compile_source, write_tree
from tests.support.built import SOURCES, build, importable
from tests.support.once import run_once


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """The case of loops that carry a state, built and importable."""
    tree = build("while_case", tmp_path_factory.mktemp("while") / "while_case")
    with importable(tree, "while_case") as load:
        yield load


def test_each_part_is_a_function(package) -> None:
    """The condition takes the state under the name that the author gave it, typed."""
    nodes, models = package("nodes"), package("models")
    job = models.Input.model_validate({"jobs": [{"id": 1, "rounds": 3}], "most": 1}).jobs[0]
    state = nodes.poll()
    assert state == models.PollState(n=0)
    assert nodes.poll_check(job=job, state=state) is True
    assert nodes.poll_next(more=3) == models.PollState(n=3)
    assert nodes.poll_check(job=job, state=models.PollState(n=3)) is False
    assert nodes.pages_check(page=models.PagesPage(cursor="end", seen=1)) is False


def test_the_plan_says_where_each_loop_ends(package) -> None:
    """Limits and what they lead to stand in the graph."""
    stages = package("graph").GRAPH.stages
    carries = {name: stages[name].opens.carries for name in ("tries/poll", "pages", "asked")}
    assert {name: (each.at_most, each.within, each.on_limit) for name, each in carries.items()} == {
        "tries/poll": (50, None, "fail"), "pages": (3, None, "continue"), "asked": (2, 7200.0, "fail"),
    }  # fmt: skip


@pytest.mark.parametrize("most", [2, 0])
def test_the_loops_run(tmp_path, redis_url, web_double, most) -> None:
    """In items, with waits and branches in them; a round without a `next` leaves the state as it was."""
    text = SOURCES["while_case"].read_text().replace("https://vendor.example", web_double.url)
    result = compile_source(text.replace("pipeline while_case", f"pipeline while_run{most}"), source_name="w.saltern")
    assert not result.has_errors, result.diagnostics
    write_tree(result.artifacts, tmp_path / "tree")
    with importable(tmp_path / "tree", f"while_run{most}") as load:
        given = {"jobs": [{"id": 1, "rounds": 3}, {"id": 2, "rounds": 0}, {"id": 3, "rounds": 1}], "most": most}
        view = run_once(load("graph").GRAPH, given, redis_url=redis_url)
    assert view.state == "SUCCEEDED", view.failure
    assert view.output == {"tries": [3, 0, 1], "cursor": "on" if most else None, "seen": most + 200}
