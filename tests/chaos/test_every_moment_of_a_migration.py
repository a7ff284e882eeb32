"""SIGKILL before and after every script call of a run that is moved to another version while it waits."""

import os

import redis

from saltern_runtime.engine.one_process import InOneProcess
from saltern_runtime.engine.operating import By
from saltern_runtime.graph import Ask, Awaits, Context, Stage, node
from tests.chaos.test_every_moment import each_death
from tests.support.graphs import graph_of
from tests.support.until import until

ME = By("token:1", "the prompt was wrong")
NAME = "chaos_migrate"
BEFORE, AFTER = "a" * 64, "b" * 64


def touch(ctx):
    """Count a call under its key."""
    with redis.Redis.from_url(os.environ["SALTERN_REDIS_URL"]) as client:
        client.hincrby(f"world:{ctx.run.id}", ctx.effect_key(), 1)


@node("one", type="http.request@1")
def one(ctx: Context) -> str:
    touch(ctx)
    return "one"


@node("asked", type="receive@1")
def asked(*, one: str) -> Ask:
    return Ask(one, None)


@node("two", type="http.request@1")
def two(ctx: Context, *, asked: str) -> str:
    touch(ctx)
    return asked


@node("return", type="return@1")
def return_(*, one: str, two: str) -> str:
    return f"{one} {two}"


def version(plan):
    stages = (
        Stage("one", nodes=(one,)),
        Stage("asked", nodes=(asked,), ends=Awaits(str)),
        Stage("two", nodes=(two,)),
        Stage("return", nodes=(return_,)),
    )
    return graph_of(NAME, *stages, plan=plan, deadline=60.0)


def beside(process):
    """Return a worker of the newer version on a process's own connections."""
    newer = InOneProcess(version(AFTER), process.service.settings)
    store = process.service.store
    newer.service.store = newer.service.reader._store = newer.sweeper._store = store
    newer.engine.store = newer.engine.leases.store = store
    return newer


def moved(process, run_id, newer=None):
    """Let the run come to wait, move it, give it its answer, and let the newer version end it."""
    newer = newer or beside(process)
    view = process.service.get(run_id, "acme")
    while view.plan.endswith(BEFORE) and view.state != "WAITING":
        process.step()
        view = process.service.get(run_id, "acme")
    if view.plan.endswith(BEFORE):
        assert newer.service.migrate(view, view.plan, by=ME).verdict == "ok"
    newer.service.answer(run_id, "asked", "yes")
    return newer.finish(run_id, 20)


def test_killed_everywhere_around_a_migration(here):
    """Wherever who works or moves it dies: the run is of one version or the other, never between, and ends on the newer one."""
    rescuer = here(NAME, version(BEFORE), lease=0.12, sweep=0.02)
    newer = beside(rescuer)
    client = rescuer.service.store.client
    newer.service.prepare()
    for run_id in each_death(rescuer, meanwhile=moved, more_than=12):
        view = moved(rescuer, run_id, newer)
        assert (view.state, view.output) == ("SUCCEEDED", "one yes"), view
        assert view.plan.endswith(AFTER)
        assert client.hlen(f"world:{run_id}") == 2
        assert until(lambda: client.zcard(f"{rescuer.service.store.keys.shard(0)}open:sha256:{BEFORE}") == 0)
        assert [entry["what"] for entry in rescuer.service.store.audit(run_id)] == ["migrate"]
