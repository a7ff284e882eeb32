"""SIGKILL before and after every script call of a run that a node ends while another sleeps."""

from datetime import timedelta

from saltern_runtime.graph import Context, Sleeps, Stage, node
from saltern_runtime.nodes import flow
from tests.chaos.test_every_moment import each_death
from tests.support.graphs import graph_of


@node("first", type="set@1")
def first() -> int:
    return 1


@node("end", type="stop@1")
def end(ctx: Context, *, first: int) -> None:
    return flow.stop(ctx, state="succeeded", output=first)


@node("nap", type="wait@1")
def nap() -> timedelta:
    return timedelta(seconds=50)


@node("return", type="return@1")
def return_(*, nap: None) -> int:
    return 2


def make_graph(name):
    stages = (
        Stage("first", nodes=(first,)),
        Stage("nap", nodes=(nap,), ends=Sleeps()),
        Stage("end", nodes=(end,)),
        Stage("return", nodes=(return_,)),
    )
    return graph_of(name, *stages, deadline=60.0)


def test_killed_everywhere_around_a_stop(here):
    """Wherever a worker dies, the run ends as the stop says, and what slept is cancelled."""
    rescuer = here("chaos_stop", make_graph("chaos_stop"), lease=0.12, sweep=0.02)
    for run_id in each_death(rescuer, more_than=5):
        view = rescuer.finish(run_id, 20)
        assert (view.state, view.output) == ("SUCCEEDED", 1)
        assert {each.id: each.state for each in view.nodes}["nap"] in ("CANCELLED", "BLOCKED")
