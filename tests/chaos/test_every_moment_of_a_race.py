"""SIGKILL before and after every script call of a race: of its winner, of who decides it, and of the losers that are cancelled."""

from datetime import timedelta

import pytest

from saltern_runtime.errors import PermanentError
from saltern_runtime.graph import SKIPPED, Context, On, Opens, Skipped, Sleeps, Stage, node
from saltern_runtime.nodes.flow.rounds import only
from tests.chaos.test_every_moment import each_death
from tests.support.graphs import graph_of


@node("race/a", type="arm@1")
def race_a() -> list[None]:
    return [None]


@node("race/b", type="arm@1")
def race_b() -> list[None]:
    return [None]


@node("race/c", type="arm@1")
def race_c() -> list[None]:
    return [None]


@node("last", type="http.request@1")
def last(ctx: Context) -> str:
    return "c"


@node("breaks", type="http.request@1")
def breaks(ctx: Context) -> str:
    raise PermanentError("refused", code="refused")


@node("race/c/yield", type="yield@1")
def race_c_yield(*, last: str) -> str:
    return last


@node("race/a/yield", type="yield@1")
def broken_yield(*, breaks: str) -> str:
    return breaks


@node("step", type="http.request@1")
def step(ctx: Context) -> str:
    return "a"


@node("nap", type="wait@1")
def nap() -> timedelta:
    return timedelta(seconds=50)


@node("race/a/yield", type="yield@1")
def race_a_yield(*, step: str) -> str:
    return step


@node("race/b/yield", type="yield@1")
def race_b_yield(*, nap: None) -> str:
    return "b"


@node("race", type="parallel@1")
def race(*, race_a: str | Skipped, race_b: str | Skipped, race_c: str | Skipped) -> list[str]:
    ended = [each for each in (race_a, race_b, race_c) if each is not SKIPPED]
    if not ended:
        raise PermanentError("too few arms succeeded", code="race-failed")
    return ended


@node("return", type="return@1")
def return_(*, race: list[str]) -> list[str]:
    return race


def make_graph(name, when, quorum, *, breaking=False):
    def arm(owner, *body):
        opens = Opens("", body, result=f"{owner.id}/yield", at_most=1, on_skip="null", gather=only)
        return Stage(owner.id, nodes=(owner,), ends=opens, on_error="continue")

    steps = (breaks, broken_yield) if breaking else (step, race_a_yield)
    slow = Stage("race/c/nap", nodes=(nap_too,), ends=Sleeps())
    stages = (
        arm(race_a, Stage("race/a/step", nodes=steps[:1]), Stage("race/a/yield", nodes=steps[1:])),
        arm(race_b, Stage("race/b/nap", nodes=(nap,), ends=Sleeps()), Stage("race/b/yield", nodes=(race_b_yield,))),
        arm(
            race_c,
            *([] if quorum > 1 else [slow]),
            Stage("race/c/last", nodes=(last,), after=() if quorum > 1 else ("race/c/nap",)),
            Stage("race/c/yield", nodes=(race_c_yield,)),
        ),
        Stage("race", nodes=(race,), when=when, quorum=quorum),
        Stage("return", nodes=(return_,)),
    )
    return graph_of(name, *stages, deadline=60.0)


@node("nap_too", type="wait@1")
def nap_too() -> timedelta:
    return timedelta(seconds=50)


SUCCEED = tuple(On(f"race/{arm}", "success") for arm in "abc")
END = tuple(On(f"race/{arm}", handle) for arm in "abc" for handle in ("success", "error"))


RACES = {
    "any": (SUCCEED, 1, "bc", ["a"]),
    "quorum": (SUCCEED, 2, "b", ["a", "c"]),
    "first": (END, 1, "bc", None),
}
"""How arms are joined → what decides, how many of them, who loses, and the output; none where the first to end fails."""


@pytest.mark.parametrize("join", RACES)
def test_killed_everywhere_in_a_race(here, join):
    """Wherever a worker dies, the race is decided once, as it is joined, and the run does not wait for the losers."""
    when, quorum, losers, output = RACES[join]
    name = f"chaos_race_{join}"
    rescuer = here(name, make_graph(name, when, quorum, breaking=output is None), lease=0.12, sweep=0.02)
    for run_id in each_death(rescuer, more_than=12):
        view = rescuer.finish(run_id, 20)
        states = {each.id: each.state for each in view.nodes}
        if output is None:
            assert (view.state, view.failure.code) == ("FAILED", "race-failed")
            assert {states[f"race/{arm}"] for arm in losers} <= {"FAILED", "CANCELLED"}
        else:
            assert (view.state, view.output) == ("SUCCEEDED", output)
            assert {states[f"race/{arm}"] for arm in losers} == {"FAILED"}
