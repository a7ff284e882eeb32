"""Regions that carry a state: rounds after each other, as long as a condition holds."""

import time
from dataclasses import replace

import pytest

from saltern_runtime import Retry
from saltern_runtime.errors import PermanentError, TransientError
from saltern_runtime.graph import Carries, GraphError, On, Opens, Stage, node
from tests.runtime.engine.conftest import make_graph
from tests.support.until import passed

TRIES = []


@node("start", type="set@1")
def start() -> int:
    return 3


@node("count", type="while@1")
def count(*, input: dict[str, int]) -> dict[str, int]:  # noqa: A002 - as generated code calls it
    return {"n": input["from"]}


@node("count/check", type="check@1")
def count_check(*, state: dict[str, int], start: int) -> bool:
    return state["n"] < start


@node("step", type="set@1")
def step(*, state: dict[str, int]) -> int:
    return state["n"] + 1


@node("count/next", type="next@1")
def count_next(*, step: int) -> dict[str, int]:
    return {"n": step}


@node("return", type="return@1")
def return_(*, count: dict[str, int]) -> dict[str, int]:
    return count


BODY = (Stage("count/step", nodes=(step,)), Stage("count/next", nodes=(count_next,)))
LAST = Stage("return", nodes=(return_,))


def loop(body=BODY, check=count_check, **settings):
    limits = (settings.pop("limit", 10), settings.pop("within", None), settings.pop("on_limit", "fail"))
    carries = Carries(check, *limits)
    ends = Opens("state", body, result="count/next", at_most=1, carries=carries)
    return Stage("count", nodes=(count,), ends=ends, **settings)


@pytest.fixture
def run(local):
    """Run the loop from a first state."""

    def run(first, **settings):
        return local.run(Stage("start", nodes=(start,)), loop(**settings), LAST, given={"from": first})

    return run


@pytest.mark.parametrize("first", [0, 2, 3, 9])
def test_the_value_is_the_first_state_for_which_the_condition_does_not_hold(run, first):
    """No round, one, or several; what the condition reads from around the loop is there each time."""
    assert run(first).output == {"n": max(3, first)}


def test_reaching_the_limit_fails(run):
    """The code says so, and nothing is tried again."""
    view = run(0, limit=2)
    assert (view.state, view.failure.code) == ("FAILED", "loop-limit")


def test_the_limit_may_be_reached_exactly(run):
    """The condition is asked once more after the last round."""
    assert run(0, limit=3).output == {"n": 3}


def test_the_limit_may_be_no_failure(run):
    """`continue` gives the state that the last round left."""
    assert run(0, limit=2, on_limit="continue").output == {"n": 2}


def slow(client):
    """Return a body whose round takes 10 ms of the store's time."""

    @node("step", type="set@1")
    def step(*, state: dict[str, int]) -> int:
        passed(client, 10)
        return state["n"] + 1

    return (Stage("count/step", nodes=(step,)), BODY[1])


def test_no_round_begins_once_their_time_is_over(run, redis_client):
    """The one that runs then is not cut off; the code is that of any limit, and the message names the time."""
    view = run(0, body=slow(redis_client), within=0.005)
    assert (view.state, view.failure.code) == ("FAILED", "loop-limit")
    assert "0.005 seconds" in view.failure.message
    assert next(each.items for each in view.nodes if each.id == "count").done == 1


def test_the_end_of_their_time_may_be_no_failure(run, redis_client):
    """`continue` gives the state that the last round left."""
    assert run(0, body=slow(redis_client), within=0.005, on_limit="continue").output == {"n": 1}


@pytest.mark.parametrize(("first", "within"), [(2, 0.005), (0, 60.0)], ids=["late", "in time"])
def test_a_loop_that_is_done_reaches_no_limit(run, redis_client, first, within):
    """However long its last round took."""
    assert run(first, body=slow(redis_client), within=within).output == {"n": 3}


def test_the_time_is_the_stores(run, monkeypatch):
    """A worker whose clock runs wrong ends no loop."""
    ahead = time.time() + 86_400
    monkeypatch.setattr(time, "time", lambda: ahead)
    assert run(0, within=60.0).output == {"n": 3}


def test_a_skipped_next_leaves_the_state(run):
    """The condition is asked of the same state again; the limit ends it."""

    @node("pick", type="if@1")
    def pick(*, state: dict[str, int]) -> str:
        return "then" if state["n"] < 2 else "else"

    when = (On("pick", "then"),)
    body = (
        Stage("count/pick", nodes=(pick,)),
        Stage("count/step", nodes=(step,), when=when),
        replace(BODY[1], when=when),
    )
    assert run(0, body=body, limit=5, on_limit="continue").output == {"n": 2}


def test_a_failing_condition_fails_the_run_once(run):
    """What it raises is not tried again, and blamed on the loop."""

    @node("count/check", type="check@1")
    def check(*, state: dict[str, int]) -> bool:
        TRIES.append(state)
        raise ZeroDivisionError("n")

    view = run(0, check=check)
    assert (view.state, view.failure.node, len(TRIES)) == ("FAILED", "count", 1)


def test_a_body_that_fails_fails_the_run(run):
    """As everywhere."""

    @node("step", type="http.request@1")
    def step(*, state: dict[str, int]) -> int:
        if state["n"] == 1:
            raise PermanentError("no", code="gone")
        return state["n"] + 1

    view = run(0, body=(Stage("count/step", nodes=(step,)), BODY[1]))
    assert (view.state, view.failure.code) == ("FAILED", "gone")


def test_a_body_is_tried_again(run):
    """A round that fails in passing goes on where it was."""
    seen = []

    @node("step", type="http.request@1")
    def step(*, state: dict[str, int]) -> int:
        seen.append(state["n"])
        if seen.count(state["n"]) == 1:
            raise TransientError("later", code="busy")
        return state["n"] + 1

    body = (Stage("count/step", nodes=(step,), retry=Retry(attempts=2, base=0.0)), BODY[1])
    assert run(0, body=body).output == {"n": 3}
    assert seen == [0, 0, 1, 1, 2, 2]


def test_only_the_last_round_is_kept(local):
    """A loop of many rounds takes no more room than one of few, and the view says how many there were."""
    view = local.run(Stage("start", nodes=(start,)), loop(limit=300, check=_far), LAST, given={"from": 0})
    assert view.output == {"n": 200}
    items = next(each.items for each in view.nodes if each.id == "count")
    assert (items.total, items.done) == (200, 200)


@node("count/check", type="check@1")
def _far(*, state: dict[str, int]) -> bool:
    return state["n"] < 200


@pytest.mark.parametrize(
    "carries",
    [{"at_most": 0}, {"at_most": 2, "within": 0.0}, {"at_most": 2, "on_limit": "maybe"}],
    ids=["no rounds", "no time", "unknown word"],
)
def test_a_graph_that_does_not_fit_is_refused(carries):
    """At import, like every other."""
    ends = Opens("state", BODY, result="count/next", at_most=1, carries=Carries(count_check, **carries))
    with pytest.raises(GraphError, match="carries a state"):
        make_graph("loop", Stage("start", nodes=(start,)), Stage("count", nodes=(count,), ends=ends), LAST)


def test_a_condition_sees_no_node_of_the_body():
    """It is asked where no round runs."""

    @node("count/check", type="check@1")
    def check(*, step: int) -> bool:
        return step < 3

    with pytest.raises(GraphError, match="stands in the body"):
        make_graph("loop", Stage("start", nodes=(start,)), loop(check=check), LAST)
