"""Loops of runs that go on after their end: what they had is there, and nothing else."""

from datetime import timedelta

from saltern_runtime.graph import Context, Sleeps, Stage, node
from tests.runtime.engine import test_stop
from tests.runtime.engine.test_replay import started
from tests.runtime.engine.test_rerun import rerun
from tests.runtime.loops.test_foreach import loop


def test_a_loop_beside_a_stop_goes_on_where_the_run_begins_anew_at_that(local):
    """The run had succeeded early, with the loop cut off; a rerun in which nothing stops it does the items that are left."""
    calls = []

    @node("end", type="stop@1")
    def end(ctx: Context, *, input: list[str]) -> None:  # noqa: A002 - as generated code calls it
        calls.append(ctx.attempt)
        if len(calls) == 1:
            return test_stop.flow.stop(ctx, state="succeeded", output=None)
        return None

    @node("page", type="wait@1")
    def page() -> timedelta:
        return timedelta(seconds=0.4)

    @node("summaries/yield", type="yield@1")
    def summaries_yield(*, story: str) -> str:
        return story.upper()

    body = (
        Stage("summaries/page", nodes=(page,), ends=Sleeps()),
        Stage("summaries/yield", nodes=(summaries_yield,), after=("summaries/page",)),
    )
    owner, returned = loop(*body, at_most=1)
    process = local.open(
        owner, returned, Stage("end", nodes=(end,), after=("nap",)), Stage("nap", nodes=(nap,), ends=Sleeps())
    )
    run_id, view = started(process, ["a", "b"])
    assert (view.state, view.output) == ("SUCCEEDED", None)
    view = rerun(local, process, run_id, "end")
    assert (view.state, view.output) == ("SUCCEEDED", ["A", "B"])


@node("nap", type="wait@1")
def nap() -> timedelta:
    return timedelta(seconds=0.1)
