"""Regions that race: the first, or so many, that succeed decide, and the others are cancelled."""

from dataclasses import replace
from datetime import timedelta

import pytest

from saltern_runtime import Retry
from saltern_runtime.errors import PermanentError
from saltern_runtime.graph import SKIPPED, Context, GraphError, On, Opens, Skipped, Sleeps, Stage, node
from saltern_runtime.nodes.flow.rounds import only
from tests.runtime.engine.conftest import make_graph

CALLS = []


def arm(name, *, fails=False, sleeps=0.0):
    """Make an arm that gives its name, fails, or sleeps first."""

    @node(f"race/{name}", type="arm@1")
    def owner() -> list[None]:
        return [None]

    @node(f"{name}_nap", type="wait@1")
    def nap() -> timedelta:
        return timedelta(seconds=sleeps)

    @node(f"{name}_step", type="http.request@1")
    def step(ctx: Context) -> str:
        CALLS.append(name)
        if fails:
            raise PermanentError("no", code="refused")
        return name

    @node(f"race/{name}/yield", type="yield@1")
    def give() -> str:
        return name

    owner.name, nap.name, step.name = f"race_{name}", f"{name}_nap", f"{name}_step"
    body = (
        *([Stage(f"race/{name}/nap", nodes=(nap,), ends=Sleeps())] if sleeps else []),
        Stage(
            f"race/{name}/step", nodes=(step,), after=(f"race/{name}/nap",) if sleeps else (), retry=Retry(attempts=1)
        ),
        Stage(f"race/{name}/yield", nodes=(give,), after=(f"race/{name}/step",)),
    )
    opens = Opens("", body, result=f"race/{name}/yield", at_most=1, on_skip="null", gather=only)
    return Stage(f"race/{name}", nodes=(owner,), ends=opens, on_error="continue")


@node("race", type="parallel@1")
def race(*, race_a: str | Skipped, race_b: str | Skipped, race_c: str | Skipped) -> list[str]:
    done = [each for each in (race_a, race_b, race_c) if each is not SKIPPED]
    if not done:
        raise PermanentError("none succeeded", code="race-failed")
    return done


@node("return", type="return@1")
def return_(*, race: list[str]) -> list[str]:
    return race


def stages(quorum, *arms, handles=("success",)):
    when = tuple(On(f"race/{name}", handle) for name in "abc" for handle in handles)
    return (
        *arms,
        Stage("race", nodes=(race,), when=when, quorum=quorum, retry=Retry(attempts=1)),
        Stage("return", nodes=(return_,)),
    )


@pytest.fixture(autouse=True)
def _uncalled():
    CALLS.clear()


def test_the_first_success_decides(local):
    """The others, asleep in what they do, are cancelled, and the run does not wait for them."""
    view = local.run(*stages(1, arm("a", sleeps=50), arm("b"), arm("c", sleeps=50)))
    assert (view.state, view.output, CALLS) == ("SUCCEEDED", ["b"], ["b"])
    states = {each.id: each.state for each in view.nodes}
    assert (states["race/a"], states["race/b"]) == ("FAILED", "SUCCEEDED")


def test_a_race_leaves_no_mark(local):
    """Whoever lost is told at once where it can be, so that a run of many races does not grow with them."""
    view = local.run(*stages(1, arm("a", sleeps=50), arm("b"), arm("c", sleeps=50)))
    fields = local.client.hkeys(local.opened[-1].service.store.keys.run(view.id))
    assert [name for name in fields if name.startswith("lost|")] == []


def test_a_failure_is_no_success(local):
    """It neither decides, nor ends the run."""
    view = local.run(*stages(1, arm("a", fails=True), arm("b", sleeps=0.05), arm("c", fails=True)))
    assert (view.output, sorted(CALLS)) == (["b"], ["a", "b", "c"])


def test_where_none_succeeds_the_race_fails(local):
    """It is not skipped: its function says what that means."""
    view = local.run(*stages(1, arm("a", fails=True), arm("b", fails=True), arm("c", fails=True)))
    assert (view.state, view.failure.code) == ("FAILED", "race-failed")


def test_whatever_ends_first_may_decide(local):
    """Also a failure, where the race hangs on both ways out."""
    arms = (arm("a", sleeps=50), arm("b", fails=True), arm("c", sleeps=50))
    view = local.run(*stages(1, *arms, handles=("success", "error")))
    assert (view.state, view.failure.code, CALLS) == ("FAILED", "race-failed", ["b"])


def test_a_quorum_waits_for_so_many(local):
    """And for no more."""
    view = local.run(*stages(2, arm("a"), arm("b", sleeps=50), arm("c", sleeps=0.05)))
    assert (view.output, CALLS) == (["a", "c"], ["a", "c"])


def test_a_race_that_is_skipped_is_skipped(local):
    """Where none of its arms ran."""

    @node("pick", type="if@1")
    def pick() -> str:
        return "else"

    @node("return", type="return@1")
    def return_(*, race: list[str] | Skipped) -> bool:
        return race is SKIPPED

    arms = [replace(arm(name), when=(On("pick", "then"),)) for name in "abc"]
    first = stages(1)[0]
    view = local.run(Stage("pick", nodes=(pick,)), *arms, first, Stage("return", nodes=(return_,)))
    assert (view.output, CALLS) == (True, [])


@pytest.mark.parametrize("quorum", [-1, 4])
def test_a_quorum_that_cannot_be_is_refused(quorum):
    """At import."""
    with pytest.raises(GraphError, match="waits for"):
        make_graph("g", *stages(quorum, arm("a"), arm("b"), arm("c")))
