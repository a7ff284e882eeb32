"""SIGKILL before and after every call of a run whose nodes are cached: one is asked anew in each run, one is known after the first."""

from saltern_runtime import Context, RunInfo
from saltern_runtime.graph import Stage, node
from tests.chaos.test_every_moment import each_death
from tests.support.graphs import graph_of


def ask(ctx: Context, *, prompt: str) -> str:
    """Answer as a vendor would."""
    return prompt.upper()


@node("fresh", type="llm.chat@1", cache=60.0)
def fresh(ctx: Context, *, run: RunInfo) -> str:
    return ctx.cached(ask)(ctx, prompt=f"run {run.id}")


@node("known", type="llm.chat@1", cache=60.0)
def known(ctx: Context, *, fresh: str) -> str:
    return ctx.cached(ask)(ctx, prompt="always" if fresh else "never")


@node("return", type="return@1")
def return_(*, fresh: str, known: str) -> list[str]:
    return [fresh, known]


def test_killed_everywhere_around_a_cache(here):
    """Wherever a worker dies, also between the call and the keeping of its value, the run has the value that was asked for."""
    stages = (Stage("fresh", nodes=(fresh,)), Stage("known", nodes=(known,)), Stage("return", nodes=(return_,)))
    rescuer = here("chaos_cache", graph_of("chaos_cache", *stages, deadline=60.0), lease=0.12, sweep=0.02)
    for moment, run_id in enumerate(each_death(rescuer, more_than=6), 1):
        view = rescuer.finish(run_id, 20)
        assert (view.state, view.output) == ("SUCCEEDED", [f"RUN {run_id.upper()}", "ALWAYS"])
        hits = {each.id: each.cached for each in view.nodes}
        assert hits["known"] == (moment > 1)
