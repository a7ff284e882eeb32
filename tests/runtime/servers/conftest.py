"""Services on Redis as people run it: a cluster, sentinels, TLS, users with few rights."""

from contextlib import closing
from functools import partial

import pytest

from saltern_runtime.engine.one_process import InOneProcess
from saltern_runtime.graph import Context, Opens, Stage, node
from saltern_runtime.settings import Settings
from saltern_runtime.spec import Json
from saltern_runtime.store.failures import StoreUnfitError
from saltern_runtime.store.keys import shard_of
from saltern_runtime.store.store import Store
from tests.support.checker import broken, recorded_twice
from tests.support.graphs import graph_of

LARGE = 40_000
"""Bytes that are kept beside a run."""
make_graph = partial(graph_of, plan="5e44e451" * 8)


@node("each", type="foreach@1")
def each(*, input: list[Json]) -> list[Json]:  # noqa: A002 - the name that nodes read the input by
    return input


@node("double", type="python.call@1")
def double(ctx: Context, *, item: Json) -> Json:
    return f"{ctx.path}={item}"


@node("each/yield", type="yield@1")
def each_yield(*, double: Json) -> Json:
    return double


@node("large", type="template@1")
def large(*, each: list[Json]) -> str:
    return "x" * LARGE


@node("return", type="return@1")
def return_(*, each: list[Json], large: str) -> Json:
    return [*each, len(large)]


STAGES = (
    Stage(
        "each", nodes=(each,),
        ends=Opens("item", (Stage("each/double", nodes=(double,)), Stage("each/yield", nodes=(each_yield,))),
                   result="each/yield", at_most=3, on_error="stop"),
    ),
    Stage("large", nodes=(large,)),
    Stage("return", nodes=(return_,)),
)  # fmt: skip
"""A loop over the input, and a value that lies beside the run."""
GIVEN = ["a", "b", "c", "d"]
GAVE = [*(f"each[{index}]/double={item}" for index, item in enumerate(GIVEN)), LARGE]


def opened(url, service, **settings):
    """Open a service with its worker in this process."""
    fields = {
        "redis_url": url,
        "lease": 5.0,
        "sweep": 0.02,
        "socket_timeout": 5.0,
        "broker_url": "memory://",
    } | settings
    return InOneProcess(make_graph(service, *STAGES, deadline=60.0), Settings(**fields))


def start(process):
    return process.service.start(GIVEN, tenant="acme", trigger="api").run_id


def worked(process, run_id):
    """Work until a run is over, and see that it gave what it should."""
    view = process.finish(run_id, 60)
    assert (view.state, view.output) == ("SUCCEEDED", GAVE)


def ended_once(process, run_id):
    """See that a run ends as it should, with no outcome twice and every invariant kept."""
    worked(process, run_id)
    store = process.service.store
    client = store.at(store.keys.run(run_id))
    assert recorded_twice(client, store.keys.service, run_id) == []
    assert broken(client, store.keys.service, shard_of(run_id)) == []


def unfit(url, broker="memory://", **settings):
    """Return what a store says of its servers at start; nothing where they are fit."""
    chosen = Settings(redis_url=url, socket_timeout=5.0, broker_url=broker, **settings)
    with closing(Store("desk", chosen, patience=0.0)) as store:
        try:
            store.check()
        except StoreUnfitError as error:
            return str(error)
    return ""


@pytest.fixture
def on(service):
    """Open services of this test's own name."""
    made = []

    def make(url, **settings):
        made.append(opened(url, service, **settings))
        return made[-1]

    yield make
    for process in made:
        process.service.close()
