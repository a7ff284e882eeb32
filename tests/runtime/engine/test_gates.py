"""Nodes of one stage: each has its own gate, its own state and its own failure."""

import pytest

from saltern_runtime.errors import PermanentError, TransientError
from saltern_runtime.graph import SKIPPED, Context, GraphError, On, Skipped, Stage, node
from saltern_runtime.spec import Retry
from tests.support.graphs import graph_of
from tests.support.once import run_once
from tests.support.until import passed, until


@node("kind", type="switch@1")
def kind(*, input: str) -> str:  # noqa: A002 - the name that nodes read the input by
    return f"case.{input}"


@node("first", type="set@1")
def first() -> int:
    return 1


@node("a", type="set@1")
def a(*, first: int) -> int:
    return first + 1


@node("b", type="set@1")
def b(*, first: int) -> int:
    return 1 // (first - 1)


@node("either", type="set@1")
def either(*, a: int | Skipped, b: int | Skipped) -> int:
    return next((value for value in (a, b) if value is not SKIPPED), 0)


@node("return", type="return@1")
def return_(*, either: int) -> int:
    return either


A, B = On("kind", "case.a"), On("kind", "case.b")


def shown(view):
    return {each.id: str(each.state) for each in view.nodes}


@pytest.mark.parametrize(
    ("given", "output", "states"),
    [("a", 2, ("SUCCEEDED", "SKIPPED")), ("c", 0, ("SKIPPED", "SKIPPED"))],
)
@pytest.mark.parametrize("apart", [True, False])
def test_a_gate_inside_of_a_stage(redis_url, given, output, states, apart):
    """A node is skipped alone where its gate is shut, be what it hangs on in its stage or in another one."""
    rest = (first, a.when(A), b.when(B), either, return_)
    stages = (
        (Stage("kind", nodes=(kind,)), Stage("return", nodes=rest))
        if apart
        else (Stage("return", nodes=(kind, *rest)),)
    )
    graph = graph_of(f"gate_{given}_{apart}", *stages)
    view = run_once(graph, given, redis_url=redis_url)
    assert (view.state, view.output) == ("SUCCEEDED", output)
    assert (shown(view)["a"], shown(view)["b"]) == states
    assert {each.id: each.duration is None for each in view.nodes}["b"]


def test_each_node_has_its_own_time(redis_url, redis_client):
    """In the timeline nodes of a stage stand behind each other, within the stage."""

    @node("slow", type="set@1")
    def slow(*, first: int) -> int:
        passed(redis_client, 20)
        return first

    @node("behind", type="set@1")
    def behind(*, slow: int) -> int:
        return slow

    view = run_once(graph_of("gate_times", Stage("behind", nodes=(first, slow, behind))), None, redis_url=redis_url)
    times = [(each.started_at, each.ended_at) for each in view.nodes]
    assert all(begin <= end for begin, end in times)
    assert [begin for begin, _ in times] == sorted(begin for begin, _ in times)
    assert times[0][1] <= times[1][0] <= times[1][1] <= times[2][0]
    assert times[1][1] > times[1][0]


def test_any_of_a_gate(redis_url):
    """A node that joins any of several runs where one is taken, and what hangs on what was skipped is skipped."""

    @node("deep", type="if@1")
    def deep() -> str:
        return "then"

    @node("last", type="set@1")
    def last() -> int:
        return 1

    nodes = (
        kind,
        deep.when(B),
        first.when(A, B, join="any"),
        a.when(A, On("deep", "then")),
        last.when(On("deep", "then")),
    )
    view = run_once(graph_of("gate_any", Stage("last", nodes=nodes)), "a", redis_url=redis_url)
    assert shown(view) == {
        "kind": "SUCCEEDED", "deep": "SKIPPED", "first": "SUCCEEDED", "a": "SKIPPED", "last": "SKIPPED",
    }  # fmt: skip


def test_a_failure_in_the_middle_of_a_stage(redis_url):
    """The node that failed has the failure; those before it ended, those behind it never began."""
    graph = graph_of("gate_fails", Stage("return", nodes=(kind, first, a.when(A), b.when(B), either, return_)))
    view = run_once(graph, "b", redis_url=redis_url)
    assert (view.state, view.failure.node, view.failure.code) == ("FAILED", "b", "internal-error")
    assert shown(view) == {
        "kind": "SUCCEEDED", "first": "SUCCEEDED", "a": "SKIPPED", "b": "DEAD", "either": "BLOCKED", "return": "BLOCKED",
    }  # fmt: skip
    assert [each.id for each in view.nodes if each.failure is not None] == ["b"]
    assert [each.id for each in view.nodes if each.duration is not None] == ["kind", "first"]


def test_what_ran_before_an_effect_that_failed(redis_url):
    """Pure work has ended when the effect behind it fails, at its last attempt as at the first."""

    @node("tell", type="slack.post_message@1")
    def tell(ctx: Context, *, first: int) -> int:
        raise TransientError("away", code="away") if ctx.attempt == 1 else PermanentError("gone", code="gone")

    stage = Stage("tell", nodes=(first, tell), retry=Retry(attempts=3, base=0.01, cap=0.01))
    view = run_once(graph_of("gate_effect", stage), None, redis_url=redis_url)
    assert (shown(view), view.failure.node, view.failure.code) == (
        {"first": "SUCCEEDED", "tell": "DEAD"},
        "tell",
        "gone",
    )
    assert {each.id: each.attempt for each in view.nodes} == {"first": 2, "tell": 2}


def test_what_is_not_kept_is_still_held_to_the_limits(redis_url):
    """A value that nothing outside of its stage reads fails as it would in a stage of its own."""

    @node("large", type="set@1")
    def large() -> str:
        return "x" * 20_000_000

    @node("size", type="set@1")
    def size(*, large: str) -> int:
        return len(large)

    view = run_once(graph_of("gate_large", Stage("size", nodes=(large, size))), None, redis_url=redis_url)
    assert (view.failure.node, view.failure.code) == ("large", "result-too-large")


@pytest.mark.parametrize(
    ("nodes", "says"),
    [
        ((first, a.when(A), kind), "'a' hangs on 'kind', which runs behind it"),
        ((first, a.when(On("first", "success"))), "'a' hangs on how 'first' ends: its stage has to"),
        ((first, a.when(On("nobody", "then"))), "hangs on 'nobody', which is not there"),
    ],
)
def test_gates_that_do_not_fit(nodes, says):
    """A wrong gate is an error when the module is imported."""
    with pytest.raises(GraphError, match=says):
        graph_of("gate_wrong", Stage("all", nodes=nodes))


def test_what_ran_before_a_time_out(redis_url, redis_client):
    """A stage that reaches its hard deadline blames the node that ran then; those before it have ended."""

    @node("stuck", type="set@1")
    def stuck(*, first: int) -> int:
        assert until(
            lambda: any(
                "TIMED_OUT" in text
                for key in redis_client.keys("*gate_timeout*:acts")
                for text in redis_client.hvals(key)
            )
        )
        return first

    @node("behind", type="set@1")
    def behind(*, stuck: int) -> int:
        return stuck

    stage = Stage("behind", nodes=(first, stuck, behind), timeout=0.2, retry=Retry(attempts=1))
    view = run_once(graph_of("gate_timeout", stage), None, redis_url=redis_url)
    assert (view.state, view.failure.code, view.failure.node) == ("FAILED", "stage-timeout", "stuck")
    assert shown(view) == {"first": "SUCCEEDED", "stuck": "TIMED_OUT", "behind": "BLOCKED"}
