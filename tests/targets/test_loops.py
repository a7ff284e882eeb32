"""Generated loops are functions that can be called, and a graph that holds together."""

from datetime import timedelta

import pytest

from saltern_runtime.expr import ExprError
from tests.support.built import build, importable


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """The loops case, built and importable."""
    tree = build("loops_case", tmp_path_factory.mktemp("loops") / "loops_case")
    with importable(tree, "loops_case") as load:
        yield load


def test_the_graph_knows_its_bodies(package) -> None:
    """Owners, items and starts are those of the pipeline."""
    graph = package("graph").GRAPH
    assert graph.starts["totals"] == ("totals/sizes",)
    assert graph.starts["totals/sizes"] == ("totals/sizes/found",)
    assert graph.items(graph.nodes["found"]) == {"order": "totals", "line": "totals/sizes"}
    assert graph.stage_of["factor"] == "totals"
    assert graph.needs["rows"] == ("pause",)
    assert graph.stages["seen"].opens.variable == "def_"
    assert sorted(graph.schedules) == ["every_five", "s4e2324763b3c"]


def test_items_and_results_are_typed(package) -> None:
    """The owner's function gives the items, the yield's function one result; each can be called alone."""
    nodes, models = package("nodes"), package("models")
    given = models.Input.model_validate({"orders": [{"id": 1, "lines": ["a", "b"]}], "class": [{"name": "x"}, {}]})
    (order,) = nodes.totals(input=given)
    assert nodes.sizes(order=order) == ["a", "b"]
    assert nodes.totals_yield(factor=2, order=order, sizes=[200, 404]) == models.TotalsItemValue(id=1, total=4)
    assert [row.word for row in nodes.rows()] == ["a", "b"]
    assert nodes.seen_yield(def_=nodes.seen(input=given)[0]) == "x"


def test_unknown_items_must_be_a_list(package) -> None:
    """What the checks cannot know is an error of the node when it runs."""
    nodes, models = package("nodes"), package("models")
    with pytest.raises(ExprError):
        nodes.seen(input=models.Input.model_validate({"orders": [], "class": {"no": "list"}}))


def test_collected_results_have_a_value_or_an_error(package) -> None:
    """What the engine makes of the items fits the consumer's keyword."""
    nodes = package("nodes")
    collected = [
        {"value": {"id": 1, "total": 4}},
        {"error": {"code": "timed-out", "message": "too late", "kind": "external-transient"}},
    ]
    totals = nodes.return_.adapters["totals"].validate_python(collected)
    made = nodes.return_(rows=["a0"], seen=["x"], totals=totals)
    assert (made.totals, made.failed, made.words) == ([4, 0], 1, ["a0"])


def test_waits_give_a_length_or_a_moment(package) -> None:
    """What the engine is to wait for is the function's result."""
    assert package("nodes").pause() == timedelta(seconds=90)
