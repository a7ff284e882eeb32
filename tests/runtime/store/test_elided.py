"""Nodes that no stage runs: the state that each is shown with."""

from dataclasses import replace

import pytest

from saltern_runtime.store.elided import with_elided
from saltern_runtime.store.views import ActivationState, Items, NodeView, RunState

KEPT = NodeView("kept", "set@1", "stage", ActivationState.SUCCEEDED, 2, 1.0, 2.0, 1.0)
SHAPE = [
    [
        "stage",
        [["kept", "set@1"]],
        "",
        None,
        [["gone", "if@1", "kept", "because", False, [], [], ""], ["dead", "set@1", "kept", "why", True, [], [], ""]],
    ]
]


def shown(state, run, items=None):
    """Return how the two nodes are shown whose fate is that of a node in a state."""
    views = with_elided(SHAPE, [replace(KEPT, state=state, items=items)], {"state": run})
    _, gone, dead = views
    return gone, dead


@pytest.mark.parametrize(
    ("state", "run", "gone", "dead"),
    [
        ("BLOCKED", "RUNNING", "BLOCKED", "BLOCKED"),
        ("RUNNING", "RUNNING", "RUNNING", "BLOCKED"),
        ("SUCCEEDED", "RUNNING", "SUCCEEDED", "SKIPPED"),
        ("SKIPPED", "SUCCEEDED", "SKIPPED", "SKIPPED"),
        ("DEAD", "FAILED", "BLOCKED", "BLOCKED"),
        ("CANCELLED", "CANCELLED", "BLOCKED", "BLOCKED"),
    ],
)
def test_the_state_is_that_of_the_node_whose_fate_it_has(state, run, gone, dead):
    """One that would have run has that state, and never a failure; one that is never come to is skipped once the other is over."""
    first, second = shown(ActivationState(state), RunState(run))
    assert (first.state, second.state) == (ActivationState(gone), ActivationState(dead))
    assert [(view.id, view.type, view.stage, view.elided) for view in (first, second)] == [
        ("gone", "if@1", "stage", "because"), ("dead", "set@1", "stage", "why"),
    ]  # fmt: skip
    assert {
        (view.attempt, view.started_at, view.ended_at, view.duration, view.failure) for view in (first, second)
    } == {(0, None, None, None, None)}


@pytest.mark.parametrize(
    ("like", "beside", "shown"),
    [
        ("SUCCEEDED", "BLOCKED", ("BLOCKED", "SUCCEEDED")),
        ("SUCCEEDED", "DEAD", ("BLOCKED", "SUCCEEDED")),
        ("SUCCEEDED", "SUCCEEDED", ("SUCCEEDED", "SUCCEEDED")),
        ("BLOCKED", "READY", ("BLOCKED", "BLOCKED")),
        ("BLOCKED", "DEAD", ("BLOCKED", "SUCCEEDED")),
        ("DEAD", "CANCELLED", ("BLOCKED", "SUCCEEDED")),
        ("BLOCKED", "SKIPPED", ("BLOCKED", "SUCCEEDED")),
    ],
)
def test_what_stood_before_and_behind_it_tells_too(like, beside, shown):
    """It was not come to before all that it needs was over, and it was over where something began that it feeds."""
    rows = [
        ["late", "set@1", "kept", "", False, ["other"], [], ""],
        ["early", "set@1", "kept", "", False, [], ["other"], ""],
    ]
    shape = [["stage", [["kept", "set@1"]], "", None, rows], ["other", [["other", "set@1"]], ""]]
    other = replace(KEPT, id="other", stage="other", state=ActivationState(beside))
    views = with_elided(shape, [replace(KEPT, state=ActivationState(like)), other], {"state": "FAILED"})
    assert tuple(view.state for view in views if view.id in {"late", "early"}) == shown


def test_in_a_body_items_are_counted():
    """It was done in as many items as the other one; one that is never come to was skipped in these."""
    first, second = shown(ActivationState.SUCCEEDED, RunState.SUCCEEDED, Items(5, done=3, failed=1, skipped=1))
    assert first.items == Items(5, done=3, failed=1, skipped=1)
    assert second.items == Items(5, skipped=4)
    for state, dead in (("DEAD", "CANCELLED"), ("FAILED", "SKIPPED"), ("SUCCEEDED", "SKIPPED")):
        _, second = shown(ActivationState(state), RunState.FAILED, Items(5, done=3, failed=1, skipped=1))
        assert second.state == ActivationState(dead)


def test_a_plan_of_an_earlier_runtime_has_none():
    """What the store kept before such nodes were known, or before more was known of them, is shown as it was."""
    assert list(with_elided([["stage", [["kept", "set@1"]], ""]], [KEPT], {"state": "SUCCEEDED"})) == [KEPT]
    (stage, nodes, owner, awaited, rows) = SHAPE[0]
    shorter = [[stage, nodes, owner, awaited, [row[:5] for row in rows]]]
    assert [*with_elided(shorter, [KEPT], {"state": "SUCCEEDED"})] == [
        *with_elided(SHAPE, [KEPT], {"state": "SUCCEEDED"})
    ]
    waits = [["stage", [["kept", "set@1"]], "", {"schema": {}}]]
    assert list(with_elided(waits, [KEPT], {"state": "SUCCEEDED"})) == [KEPT]
