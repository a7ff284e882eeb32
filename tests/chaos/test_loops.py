"""A foreach with real workers: SIGKILL at several moments, Redis killed; and schedules with two timers."""

import time

import pytest

from tests.chaos.conftest import Site
from tests.support.checker import Watch

OUTPUT = [0, 1, 2, 4, 5, 6, 7, 8, 9]


@pytest.fixture(scope="module")
def site(redis_server, tmp_path_factory):
    """One worker of two processes and two timers, for all tests of this module; the invariants are watched all the time."""
    path = tmp_path_factory.mktemp("loops") / "log"
    with path.open("w") as log:
        made = Site(redis_server.url, "chaos_loops", log, "chaos_digest")
        made.worker()
        made.timers()
        made.timers()
        with Watch(redis_server.url, "chaos_loops") as watch:
            yield made
        made.close()
    assert watch.looks > 0
    assert watch.broken == []


@pytest.mark.parametrize("moment", ["after:put_items", "after:open", "before:advance", "before:fail"])
def test_a_worker_is_killed_in_a_foreach(site, moment):
    """Wherever a child dies, the list is whole and in order, and each item has one effect key, tried at most once more."""
    site.arm(moment)
    run_id = site.start(items=10, refuse="tell")
    view = site.finish(run_id, OUTPUT)
    assert site.armed() is None
    effects = site.effects(run_id)
    assert len(effects) == 9
    assert max(effects.values()) <= 3
    shown = view.nodes[0].items
    assert (shown.total, shown.done, shown.failed, shown.running) == (10, 9, 1, 0)


def test_redis_is_killed_in_a_foreach(own_redis, tmp_path):
    """SIGKILL and start on the same file while items run: the list is whole, and no worker counts as lost."""
    with (tmp_path / "log").open("w") as log:
        site = Site(own_redis.url, "chaos_own", log, "chaos_digest")
        site.worker()
        site.timers()
        with Watch(own_redis.url, site.name) as watch:
            run_id = site.start(items=30, slow="tell", seconds=0.6)
            site.until(run_id, "stage.started", "stories[1]/tell")
            own_redis.kill()
            time.sleep(0.3)
            own_redis.start()
            site.finish(run_id, [index for index in range(30) if index != 3])
        site.close()
    assert watch.broken == []


def test_two_timers_fire_one_run_for_each_tick(site):
    """Two replicas make up for twenty ticks, one of them is killed meanwhile: twenty runs, in the order of their ticks."""
    store = site.service.store
    key = store.keys.shard(0) + "schedules"
    end = time.monotonic() + 20
    while not store.client.hexists(key, "hourly"):
        assert time.monotonic() < end
        time.sleep(0.05)
    tick, _, signature = store.client.hget(key, "hourly").partition(" ")
    site.arm("after:tick")
    store.client.hset(key, "hourly", f"{int(tick) - 20 * 3_600_000} {signature}")
    while len(site.service.list("default", limit=100).runs) < 20 or site.armed():
        assert time.monotonic() < end
        time.sleep(0.05)
    time.sleep(0.3)
    runs = site.service.list("default", limit=100).runs
    assert len(runs) == 20
    for run in runs:
        assert run.trigger == "schedule:hourly"
        site.finish(run.id, [0])
    assert sum(process.poll() is not None for process in site.processes) == 1
