"""SIGKILL before and after every script call of a run that fails, is mended, replayed, rerun, paused and resumed."""

import os

import redis

from saltern_runtime.engine.operating import By
from saltern_runtime.errors import PermanentError
from saltern_runtime.graph import Context, Opens, Stage, node
from saltern_runtime.spec import Retry
from saltern_runtime.store.views import RunState
from tests.chaos.test_every_moment import each_death
from tests.support.checker import broken
from tests.support.graphs import graph_of

ME = By("token:1", "it is mended")


def world():
    return redis.Redis.from_url(os.environ["SALTERN_REDIS_URL"], decode_responses=True)


def touch(ctx):
    """Count a call under its key; refuse while the run is not mended."""
    with world() as client:
        client.hincrby(f"world:{ctx.run.id}", ctx.effect_key(), 1)
        if not client.exists(f"mended:{ctx.run.id}"):
            raise PermanentError("not today", code="refused")


@node("all", type="foreach@1")
def all_() -> list[int]:
    return [0, 1, 2]


@node("one", type="http.request@1")
def one(ctx: Context, *, item: int) -> int:
    if item:
        touch(ctx)
    return item


@node("all/yield", type="yield@1")
def all_yield(*, one: int) -> int:
    return one


@node("beside", type="http.request@1")
def beside(ctx: Context) -> str:
    return "fine"


@node("return", type="return@1")
def return_(*, all_: list[int], beside: str) -> list[int]:
    return all_


def make_graph(name):
    once = Retry(attempts=1)
    body = (Stage("all/one", nodes=(one,), retry=once), Stage("all/yield", nodes=(all_yield,)))
    stages = (
        Stage("all", nodes=(all_,), ends=Opens("item", body, result="all/yield", at_most=2)),
        Stage("beside", nodes=(beside,)),
        Stage("return", nodes=(return_,)),
    )
    return graph_of(name, *stages, deadline=60.0)


def mended(process, run_id):
    """Let the run fail, mend the world, and replay it."""
    if process.finish(run_id, 20).state is RunState.FAILED:
        process.service.store.client.set(f"mended:{run_id}", 1)
        process.service.operator.replay(run_id, "acme", ME)


def test_killed_everywhere_around_a_replay(here):
    """Wherever who fails, replays or goes on dies: replayed until it is, the run succeeds, with the keys that it had."""
    rescuer = here("chaos_replay", make_graph("chaos_replay"), lease=0.12, sweep=0.02)
    client, name = rescuer.service.store.client, rescuer.service.graph.name
    for run_id in each_death(rescuer, meanwhile=mended, more_than=24):
        mended(rescuer, run_id)
        assert broken(client, name) == []
        view = rescuer.finish(run_id, 20)
        assert (view.state, view.output) == ("SUCCEEDED", [0, 1, 2])
        assert len(client.hgetall(f"world:{run_id}")) == 2
        assert client.zcard(f"{rescuer.service.store.keys.shard(0)}dead") == 0


def begun_anew(process, run_id):
    """Let the run end in a mended world, and begin anew at a node of its loop."""
    process.service.store.client.set(f"mended:{run_id}", 1)
    process.finish(run_id, 20)
    process.service.operator.rerun(run_id, "acme", "one", ME)


def test_killed_everywhere_around_a_rerun(here):
    """Wherever who reruns or goes on dies: the run succeeds, each effect has a key for each time that it was begun, and nothing is left over."""
    rescuer = here("chaos_rerun", make_graph("chaos_rerun"), lease=0.12, sweep=0.02)
    client = rescuer.service.store.client
    for run_id in each_death(rescuer, meanwhile=begun_anew, more_than=40):
        view = rescuer.finish(run_id, 20)
        assert (view.state, view.output) == ("SUCCEEDED", [0, 1, 2])
        if not rescuer.service.operator.audit(run_id):  # who was to do it died before
            begun_anew(rescuer, run_id)
            assert rescuer.finish(run_id, 20).output == [0, 1, 2]
        keys = [key.rpartition(":")[2] for key in client.hkeys(f"world:{run_id}")]
        assert sorted(keys) == ["0", "0", "1", "1"]
        assert [entry["what"] for entry in rescuer.service.operator.audit(run_id)] == ["rerun"]
        assert client.exists(rescuer.service.store.keys.run(run_id, ":rerun")) == 0


def paused(process, run_id):
    """Pause the run after its first step, let what runs end, and resume it."""
    process.service.store.client.set(f"mended:{run_id}", 1)
    process.step()
    process.service.operator.pause(run_id, "acme", ME)
    while process.step():
        pass
    process.service.operator.resume(run_id, "acme", ME)


def test_killed_everywhere_around_a_pause(here):
    """Wherever who pauses or resumes dies: a paused run can be resumed, and ends as if it had not been."""
    rescuer = here("chaos_pause", make_graph("chaos_pause"), lease=0.12, sweep=0.02)
    client = rescuer.service.store.client
    for run_id in each_death(rescuer, meanwhile=paused, more_than=20):
        client.set(f"mended:{run_id}", 1)
        if rescuer.service.reader.state(run_id) is RunState.PAUSED:
            rescuer.service.operator.resume(run_id, "acme", ME)
        view = rescuer.finish(run_id, 20)
        assert (view.state, view.output) == ("SUCCEEDED", [0, 1, 2])
