"""Loops of runs that go on after their end: what they had is there, and nothing else."""

from datetime import timedelta

import pytest

from saltern_runtime.errors import PermanentError
from saltern_runtime.graph import Context, Opens, Sleeps, Stage, node
from saltern_runtime.spec import Retry
from tests.runtime.engine import test_stop
from tests.runtime.engine.test_replay import replayed, started
from tests.runtime.engine.test_rerun import rerun
from tests.runtime.loops.test_foreach import loop
from tests.support.operated import World

ONCE = Retry(attempts=1)


@pytest.fixture
def world():
    return World()


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


def test_what_takes_something_back_begins_anew_without_what_it_had(local, world):
    """A value that its first try left is not read in place of one that is skipped now."""
    seen = []

    @node("hotel", type="http.request@1")
    def hotel() -> str:
        return "booking"

    @node("late", type="http.request@1")
    def late() -> None:
        raise PermanentError("no", code="no")

    @node("hotel/compensate", type="compensate@1")
    def compensate() -> list[None]:
        return [None]

    @node("asked", type="http.request@1")
    def asked(ctx: Context) -> str:
        return world.call(ctx, "asked")

    @node("undo", type="http.request@1")
    def undo(ctx: Context, *, asked: str) -> None:
        world.call(ctx, "undo")

    compensate.name = "hotel_compensate"
    body = (
        Stage("hotel/compensate/asked", nodes=(asked,), retry=ONCE),
        Stage("hotel/compensate/undo", nodes=(undo,), retry=ONCE),
    )
    undoes = Stage(
        "hotel/compensate",
        nodes=(compensate,),
        compensates="hotel",
        on_error="continue",
        ends=Opens("", body, result=""),
    )
    process = local.open(
        Stage("hotel", nodes=(hotel,)), undoes, Stage("late", nodes=(late,), after=("hotel",), retry=ONCE)
    )

    def cut_off(name):
        """Let the run's deadline come while it takes back what it did."""
        names = local.client.hkeys(process.service.store.keys.run(run_id, ":vals"))
        seen.append((name, [each for each in names if each.startswith("hotel/compensate[")]))
        if len(seen) == 2:
            local.client.zadd(process.service.store.keys.shard(0) + "due", {f"r|{run_id}": 1})
            process.sweeper.sweep()
            assert process.service.reader.state(run_id) == "FAILED"

    world.before = cut_off
    run_id = process.service.start(1, tenant="acme", trigger="api").run_id
    assert process.finish(run_id, 20).state == "FAILED"
    replayed(local, process, run_id, world)
    assert [name for name, _ in seen] == ["asked", "undo", "asked", "undo"]
    assert seen[1][1], "what the first one gave is kept for the second"
    assert not seen[2][1], "what begins anew finds nothing"
