"""SIGKILL before and after every script call of a race: of its winner, of who decides it, and of the losers that are cancelled."""

from datetime import timedelta

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
def race(*, race_a: str | Skipped, race_b: str | Skipped) -> list[str]:
    return [each for each in (race_a, race_b) if each is not SKIPPED]


@node("return", type="return@1")
def return_(*, race: list[str]) -> list[str]:
    return race


def make_graph(name):
    def arm(owner, *body):
        opens = Opens("", body, result=f"{owner.id}/yield", at_most=1, on_skip="null", gather=only)
        return Stage(owner.id, nodes=(owner,), ends=opens, on_error="continue")

    stages = (
        arm(race_a, Stage("race/a/step", nodes=(step,)), Stage("race/a/yield", nodes=(race_a_yield,))),
        arm(race_b, Stage("race/b/nap", nodes=(nap,), ends=Sleeps()), Stage("race/b/yield", nodes=(race_b_yield,))),
        Stage("race", nodes=(race,), when=(On("race/a", "success"), On("race/b", "success")), quorum=1),
        Stage("return", nodes=(return_,)),
    )
    return graph_of(name, *stages, deadline=60.0)


def test_killed_everywhere_in_a_race(here):
    """Wherever a worker dies, the race is decided once, and the run does not wait for the loser."""
    rescuer = here("chaos_race", make_graph("chaos_race"), lease=0.12, sweep=0.02)
    for run_id in each_death(rescuer, more_than=15):
        view = rescuer.finish(run_id, 20)
        assert (view.state, view.output) == ("SUCCEEDED", ["a"])
        assert {each.id: each.state for each in view.nodes}["race/b"] == "FAILED"
