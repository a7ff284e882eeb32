"""Counters of nodes over plans that put them together differently."""

from saltern_runtime.observe.metrics import Figures, Placed


def test_what_a_node_made_up_for_in_another_stage_is_not_taken_from_its_own():
    """A plan that puts a node into a stage of its own begins at nothing: no counter is below zero."""
    counts = {"ends|b|failed": 5, "node|a|failed|b": -5, "node|a|succeeded|b": 5}
    together, apart = {"a": Placed("b"), "b": Placed("b")}, {"a": Placed("a"), "b": Placed("b")}
    assert Figures(counts, nodes=together).ended("a") == {"succeeded": 5, "skipped": 0, "failed": 0}
    assert Figures(counts, nodes=apart).ended("a") == {"succeeded": 0, "skipped": 0, "failed": 0}
