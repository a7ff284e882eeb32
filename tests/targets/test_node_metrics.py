"""Metrics have each node of the source at every level, whatever became of it."""

import pytest
from prometheus_client import CollectorRegistry

from saltern_compiler import compile_source
from saltern_compiler.driver import write_tree
from saltern_runtime.engine.one_process import in_one_process
from saltern_runtime.observe.metrics import Collector
from tests.support.built import SOURCES, importable
from tests.targets.test_elided import LOOPS as INVARIANTS
from tests.targets.test_levels import BRANCHES, CALLS, ENDS, FILES, LOOPS, SHARED

ELIDED = SOURCES["elided_case"].read_text()


def counted(text, given, level, tmp_path, redis_url):
    """Run a text once at a level, under a name that no other test counts under; return the samples of each node: [state, which optimization] → count, and its stage."""
    result = compile_source(
        text.replace("pipeline ", f"pipeline {tmp_path.name}_{level}_", 1),
        source_name="x.saltern",
        files=FILES,
        targets=("python",),
        optimize=level,
    )
    assert not result.has_errors, result.diagnostics
    write_tree(result.artifacts, tmp_path / str(level))
    with importable(tmp_path / str(level), result.plan.pipeline.name) as load:
        graph = load("graph").GRAPH
        with in_one_process(graph, redis_url=redis_url) as opened:
            run = opened.finish(opened.service.start(given, tenant="local", trigger="run").run_id)
            registry = CollectorRegistry()
            registry.register(Collector("p", opened.service.figures))
            found = {family.name: family.samples for family in registry.collect()}
    ends = {
        (each.labels["node"], each.labels["state"]): int(each.value)
        for each in found["saltern_nodes"]
        if each.name == "saltern_nodes_total"
    }
    places = {
        each.labels["node"]: (each.labels["stage"], each.labels["optimized"]) for each in found["saltern_node_stage"]
    }
    assert {(each.labels["node"], each.labels["optimized"]) for each in found["saltern_nodes"]} == {
        (node, optimized) for node, (_, optimized) in places.items()
    }
    assert {node.id for node in run.nodes} == places.keys()
    return str(run.state), ends, places


@pytest.mark.parametrize(
    ("text", "given", "state"),
    [
        (ELIDED, {"names": ["x", "y"], "n": 4}, "SUCCEEDED"),
        (BRANCHES, {"n": 5, "kind": "a"}, "SUCCEEDED"),
        (BRANCHES, {"n": 10, "kind": "b"}, "SUCCEEDED"),
        (LOOPS, {"rows": [1, 20, 3, 22, 30], "most": 2}, "SUCCEEDED"),
        (SHARED, {"n": 3, "rows": [1, 2]}, "SUCCEEDED"),
        (INVARIANTS, {"all": [1, 20], "lists": [[1, 2], [], [1]], "on": True}, "SUCCEEDED"),
        (CALLS, {"n": 5}, "SUCCEEDED"),
        (ENDS, {"n": 5}, "SUCCEEDED"),
        (BRANCHES, {"n": 0, "kind": "b"}, "FAILED"),
        (ENDS, {"n": 7}, "FAILED"),
    ],
)
def test_metrics_have_the_same_nodes_at_every_level(tmp_path, redis_url, text, given, state):
    """A dashboard over nodes loses none that was taken out or put together; in a run that nothing ends early the counts are the same too.

    But one in the body of a loop that is skipped ends in no item, and where the loop was taken out it is skipped with it.
    """
    levels = [counted(text, given, level, tmp_path, redis_url) for level in (0, 1, 2)]
    assert {seen for seen, _, _ in levels} == {state}
    assert {optimized for _, optimized in levels[0][2].values()} == {""}
    _, alone, _ = levels[0]
    begun = {node for (node, _), count in alone.items() if count}
    for _, ends, places in levels[1:]:
        assert ends.keys() == alone.keys()
        assert {optimized for _, optimized in places.values()} > {""} or len(places) < 3
        if state == "SUCCEEDED" and "stop" not in text:
            assert {key: count for key, count in ends.items() if key[0] in begun or key[1] != "SKIPPED"} == {
                key: count for key, count in alone.items() if key[0] in begun or key[1] != "SKIPPED"
            }


def test_metrics_say_what_became_of_a_node(tmp_path, redis_url):
    """The label `optimized` names the pass; the stage is the one that it runs in or is shown with; its ends are those of the node whose fate it has."""
    _, ends, places = counted(ELIDED, {"names": ["x", "y"], "n": 4}, 1, tmp_path, redis_url)
    assert places["twice"][1] == "common_subexpressions"
    assert places["loud"][1] == "branch_pruning"
    assert "stage_fusion" in {optimized for _, optimized in places.values()}
    assert (ends["twice", "SUCCEEDED"], ends["twice", "SKIPPED"]) == (1, 0)
    assert (ends["loud", "SUCCEEDED"], ends["loud", "SKIPPED"]) == (0, 1)


def test_a_node_that_fails_in_a_stage_with_others_is_counted_alone(tmp_path, redis_url):
    """What ran before it succeeded, what stood behind it did not end; at -O0 as in one stage."""
    text = "pipeline row\ninput { n: int }\na = set { value: 10 / input.n }\nb = set { value: 10 / (a - 5) }\nc = set { value: b + 1 }\nreturn { c: c }\n"
    for level in (0, 1):
        _, ends, _ = counted(text, {"n": 2}, level, tmp_path, redis_url)
        assert {key: count for key, count in ends.items() if count} == {("a", "SUCCEEDED"): 1, ("b", "FAILED"): 1}
