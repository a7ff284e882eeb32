"""SIGKILL before and after every script call of a run whose items call through a limited connection."""

from saltern_runtime.graph import Connection, Context, Opens, Stage, node
from saltern_runtime.spec import Limits
from tests.chaos.test_every_moment import each_death
from tests.support.graphs import graph_of
from tests.support.limits import at_a_time


@node("all", type="foreach@1")
def all_() -> list[int]:
    return [1, 2, 3]


@node("ask", type="postgres.query@1", connection="crm")
def ask(ctx: Context, *, item: int) -> int:
    assert ctx.connection is not None
    return item


@node("all/yield", type="yield@1")
def all_yield(*, ask: int) -> int:
    return ask


@node("return", type="return@1")
def return_(*, all_: list[int]) -> list[int]:
    return all_


def make_graph(name):
    body = (Stage("all/ask", nodes=(ask,), queue="io"), Stage("all/yield", nodes=(all_yield,)))
    return graph_of(
        name,
        Stage("all", nodes=(all_,), ends=Opens("item", body, result="all/yield", at_most=3)),
        Stage("return", nodes=(return_,)),
        connections=(Connection("crm", connector="postgres", limits=Limits(per_second=50.0, concurrency=1)),),
        deadline=60.0,
    )


def test_killed_everywhere_around_a_limit(here):
    """Wherever a worker dies, with a turn or without, the next one gets it, one at a time, and none is left."""
    rescuer = here("chaos_limit", make_graph("chaos_limit"), lease=0.12, sweep=0.02)
    store = rescuer.service.store
    client, prefix = store.client, store.keys.shard(0)
    for run_id in each_death(rescuer, more_than=15):
        view = rescuer.finish(run_id, 20)
        assert (view.state, view.output) == ("SUCCEEDED", [1, 2, 3])
        assert at_a_time(rescuer.service.events(run_id), "/ask") == 1
        assert not client.exists(f"{prefix}line:crm", f"{prefix}turns:crm", f"{prefix}lines")
