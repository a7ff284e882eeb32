"""SIGKILL before and after every script call of a run that starts others, in a loop and linked, and is cancelled on the way."""

import time

import pytest

from saltern_runtime import Context, Starts
from saltern_runtime.graph import Ask, Awaits, Opens, Stage, node
from tests.chaos.test_every_moment import each_death
from tests.support.graphs import graph_of


@node("send", type="http.request@1")
def send(ctx: Context, *, input: int) -> int:  # noqa: A002 - as generated code has it
    return input + 1


@node("return", type="return@1")
def gives(*, send: int) -> int:
    return send


@node("each", type="foreach@1")
def each() -> list[int]:
    return [0, 1]


@node("s", type="start.leaf@1")
def s(*, item: int) -> int:
    return item


@node("each/yield", type="yield@1")
def each_yield(*, s: str) -> str:
    return s


@node("return", type="return@1")
def return_(*, each: list[str]) -> list[str]:
    return each


LEAF = graph_of("leaf", Stage("send", nodes=(send,)), Stage("return", nodes=(gives,)), deadline=60.0)


def started_by(rescuer, run_id):
    """Return the runs that a run has made."""
    page = rescuer.service.list("acme", limit=200)
    return [rescuer.service.get(run.id, "acme") for run in page.runs if run.parent == run_id]


@pytest.mark.parametrize("linked", [False, True])
def test_killed_everywhere_in_a_start(here, linked):
    """Wherever a worker dies, each start makes one run, whose id is its value, and each of these runs does its work once."""
    body = (
        Stage("each/s", nodes=(s,), ends=Starts(LEAF, linked=linked)),
        Stage("each/yield", nodes=(each_yield,)),
    )
    name = f"chaos_start_{linked}".lower()
    graph = graph_of(
        name,
        Stage("each", nodes=(each,), ends=Opens("item", body, result="each/yield", at_most=2)),
        Stage("return", nodes=(return_,)),
        deadline=60.0,
    )
    rescuer = here(name, graph, lease=0.12, sweep=0.02)
    for run_id in each_death(rescuer, more_than=12):
        view = rescuer.finish(run_id, 20)
        assert view.state == "SUCCEEDED"
        for child in view.output:
            assert rescuer.finish(child, 20).state == "SUCCEEDED"
        children = started_by(rescuer, run_id)
        assert sorted(child.id for child in children) == sorted(view.output)
        assert sorted(child.output for child in children) == [1, 2]


@node("ask", type="receive@1")
def ask() -> Ask:
    return Ask("", None)


@node("s", type="start.asks@1")
def begins() -> None:
    return None


begins.name = "s"


@node("rest", type="receive@1")
def rest(*, s: str) -> Ask:
    return Ask(s, None)


ASKS = graph_of("asks", Stage("ask", nodes=(ask,), ends=Awaits(str)), deadline=60.0)


def cancelled_on_the_way(process, run_id):
    """Cancel a run once it, and what it made, has come to wait, and work until nothing is linked to it."""
    process.finish(run_id, 0.1)
    process.service.cancel(run_id, "acme")
    work_until_unlinked(process)


def work_until_unlinked(process):
    end = time.monotonic() + 10
    while process.service.store.client.keys("*chaos_start_cancelled*:linked"):
        assert time.monotonic() < end
        process.step()


def test_cancelled_while_workers_die(here):
    """Wherever a worker dies whose run is cancelled meanwhile, no linked run stays open."""
    name = "chaos_start_cancelled"
    stages = (
        Stage("s", nodes=(begins,), ends=Starts(ASKS, linked=True)),
        Stage("rest", nodes=(rest,), ends=Awaits(str)),
    )
    rescuer = here(name, graph_of(name, *stages, deadline=60.0), lease=0.12, sweep=0.02)
    for run_id in each_death(rescuer, None, cancelled_on_the_way, more_than=12):
        rescuer.service.cancel(run_id, "acme")
        assert rescuer.finish(run_id, 20).state == "CANCELLED"
        work_until_unlinked(rescuer)
        assert {rescuer.finish(child.id, 20).state for child in started_by(rescuer, run_id)} <= {"CANCELLED"}
