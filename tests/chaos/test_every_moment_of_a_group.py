"""SIGKILL before and after every script call of runs of which only one goes on at a time, made by the one that dies."""

from itertools import pairwise

import pytest

from saltern_runtime import Concurrency
from saltern_runtime.graph import Stage, node
from tests.chaos.test_every_moment import each_death
from tests.support.graphs import graph_of


@node("first", type="set@1")
def first(*, input: int) -> int:  # noqa: A002 - as generated code has it
    return input


@node("return", type="return@1")
def return_(*, first: int) -> int:
    return first


def span(rescuer, run_id):
    """Return from when to when something of a run went on, by its events; Unix ms."""
    moments = [
        int(event.id.partition("-")[0]) for event in rescuer.service.events(run_id) if event.type != "run.created"
    ]
    return moments[0], moments[-1]


@pytest.mark.parametrize("then", ["queue", "cancel_previous"])
def test_killed_everywhere_around_a_group(here, then):
    """Wherever a worker dies that makes two more runs and works on all, each ends, one after the other, and nothing is left behind."""
    name = f"chaos_group_{then}"
    stages = (Stage("first", nodes=(first,)), Stage("return", nodes=(return_,)))
    rescuer = here(
        name, graph_of(name, *stages, deadline=60.0, concurrency=Concurrency(1, then=then)), lease=0.12, sweep=0.02
    )
    store = rescuer.service.store

    def two_more(process, run_id):
        for number in (2, 3):
            key = f"{run_id} {number}"
            made = process.service.start(number, tenant="acme", trigger="api", idempotency_key=key).run_id
        return process.finish(made, 20)

    for run_id in each_death(rescuer, 1, two_more, more_than=10):
        assert two_more(rescuer, run_id).output == 3
        runs = [run.id for run in rescuer.service.list("acme", limit=3).runs][::-1]
        assert runs[0] == run_id
        ended = [rescuer.finish(run, 20) for run in runs]
        assert {run.state for run in ended} <= ({"SUCCEEDED"} if then == "queue" else {"SUCCEEDED", "CANCELLED"})
        spans = sorted(span(rescuer, run.id) for run in ended if run.state == "SUCCEEDED")
        assert all(one[1] <= other[0] for one, other in pairwise(spans))
        assert store.client.keys(store.keys.shard(0) + "inside:*") == []
