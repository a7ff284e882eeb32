"""Limits of connections as workers see them: threads that answer bells at once never run more than may run."""

import threading
import time

import pytest

from saltern_runtime.engine.service import Service
from saltern_runtime.engine.stages import Plans
from saltern_runtime.errors import PermanentError, TransientError
from saltern_runtime.graph import Connection, Context, GraphError, Opens, Stage, node
from saltern_runtime.settings import Settings
from saltern_runtime.spec import Limits, Retry
from saltern_runtime.store.link import StoreUnfitError
from saltern_runtime.store.views import TERMINAL
from saltern_runtime.web import PipelineRouter, build_app
from tests.runtime.engine.conftest import make_graph
from tests.support.checker import broken
from tests.support.limits import at_a_time, too_soon

TRIES = []


@node("all", type="foreach@1")
def all_(*, input: int) -> list[int]:  # noqa: A002 - as generated code calls it
    return list(range(input))


@node("ask", type="postgres.query@1", connection="crm")
def ask(ctx: Context, *, item: int) -> int:
    time.sleep(0.002)  # it takes a moment, so that calls which may overlap do
    TRIES.append(item)
    if item == 2 and TRIES.count(2) == 1:
        raise TransientError("later", code="busy")
    return item


@node("all/yield", type="yield@1")
def all_yield(*, ask: int) -> int:
    return ask


@node("return", type="return@1")
def return_(*, all_: list[int]) -> list[int]:
    return all_


def stages():
    body = (
        Stage("all/ask", nodes=(ask,), retry=Retry(attempts=3, base=0.0)),
        Stage("all/yield", nodes=(all_yield,)),
    )
    return (
        Stage("all", nodes=(all_,), ends=Opens("item", body, result="all/yield", at_most=16)),
        Stage("return", nodes=(return_,)),
    )


def crm(**limits):
    return (Connection("crm", connector="postgres", limits=Limits(**limits)),)


@pytest.fixture(autouse=True)
def _untried():
    TRIES.clear()


def together(process, run_ids, threads=6):
    """Answer bells in several threads, and sweep in this one, until all runs are over."""
    bells, stop = process.bells.bells, threading.Event()

    def work():
        while not stop.is_set():
            try:
                bell = bells.popleft()
            except IndexError:
                stop.wait(0.001)
                continue
            process.engine.answer(bell)

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    end = time.monotonic() + 30
    while any(process.service.reader.state(run_id) not in TERMINAL for run_id in run_ids):
        assert time.monotonic() < end
        process.sweeper.sweep()
        stop.wait(0.01)
    stop.set()
    for worker in workers:
        worker.join()


@pytest.mark.parametrize(("limits", "most"), [({"concurrency": 3}, 3), ({"concurrency": 2, "per_second": 60.0}, 2)])
def test_threads_share_a_limit(local, redis_client, service, limits, most):
    """Two runs of thirty items each: all come through, never more at a time, none too soon, also around a retry."""
    process = local.open(*stages(), connections=crm(**limits), bells=6)
    ids = [process.service.start(30, tenant="acme", trigger="api").run_id for _ in range(2)]
    together(process, ids)
    assert broken(redis_client, service) == []
    assert [process.service.reader.run(run_id).output for run_id in ids] == [list(range(30))] * 2
    events = [process.service.events(run_id, limit=2000) for run_id in ids]
    assert all(1 <= at_a_time(each, "/ask") <= most for each in events)
    both = sorted((event for each in events for event in each), key=lambda event: event.at)
    assert too_soon(both, "/ask", limits.get("per_second", 1e9)) == []
    assert len(TRIES) == 61


def test_saltern_run_keeps_them(local):
    """One process without a broker waits for the rate as any other."""
    view = local.run(*stages(), given=8, connections=crm(per_second=4.0), deadline=60.0)
    assert view.output == list(range(8))
    events = local.opened[0].service.events(view.id)
    assert too_soon(events, "/ask", 4.0) == []
    assert events[-1].at - events[0].at > 1.0, "nine attempts, four of them at once"


def test_an_item_that_fails_gives_its_turns_back(local):
    """What of it stood in line or had a turn is cancelled with it; the next item goes."""

    @node("bad", type="set@1")
    def bad(*, item: int) -> int:
        if item % 2 == 0:
            raise PermanentError("no", code="refused")
        return item

    @node("all/yield", type="yield@1")
    def both(*, ask: int, bad: int) -> int:
        return ask + bad

    body = (
        Stage("all/bad", nodes=(bad,), priority=9),
        Stage("all/ask", nodes=(ask,)),
        Stage("all/yield", nodes=(both,)),
    )
    opens = Opens("item", body, result="all/yield", at_most=2, on_error="continue")
    first = Stage("all", nodes=(all_,), ends=opens)
    view = local.run(first, stages()[1], given=6, connections=crm(concurrency=1))
    assert view.output == [2, 6, 10]
    assert not set(TRIES) & {0, 2, 4}


def test_shards_share_a_limit():
    """Each shard has an equal part, so that all together never do more; a slot cannot be halved."""
    graph = make_graph("p", *stages(), connections=crm(concurrency=7, per_second=5.0, by="tenant"))
    part = Plans(graph, 2).stages["all/ask"].limit
    assert part == {"n": "crm", "c": 3, "r": 2.5, "t": True}
    assert Plans(graph, 2).stages["all"].limit is None
    with pytest.raises(StoreUnfitError, match="which 8 shards cannot share: set SALTERN_SHARDS to 7"):
        Service(graph, Settings(shards=8))


def test_shards_share_a_cap():
    """Each has an equal part of a tenant's open runs; what leaves a shard with none lets no API start, and neither does a number below none."""
    graph = make_graph("p", *stages(), connections=crm(concurrency=8))
    assert [Service(graph, Settings(shards=2, max_open_runs=most)).cap for most in (0, 2, 7)] == [None, 1, 3]
    router = PipelineRouter(graph, output=int)
    for most in (1, -1):
        with pytest.raises(StoreUnfitError, match=f"have {most} open runs, which 2 shards cannot share"):
            build_app(router, Settings(shards=2, max_open_runs=most))
        with pytest.raises(StoreUnfitError):
            Service(graph, Settings(shards=2, max_open_runs=most))


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({}, "say nothing"),
        ({"per_second": 0.0}, "lets 0.0 attempts begin"),
        ({"per_second": float("nan")}, "lets nan attempts begin"),
        ({"concurrency": 0}, "lets 0 attempts run"),
        ({"concurrency": 1, "by": "user"}, "counts by the unknown 'user'"),
    ],
)
def test_limits_that_let_nothing_through(limits, message):
    """A graph with them is refused at import."""
    with pytest.raises(GraphError, match=message):
        make_graph("p", *stages(), connections=crm(**limits))
