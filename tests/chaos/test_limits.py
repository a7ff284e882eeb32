"""Limits of a connection with real workers: four processes may do no more together than they may, whoever is killed."""

import pytest

from tests.chaos.conftest import Site
from tests.support.checker import Watch
from tests.support.limits import at_a_time, too_soon


@pytest.fixture(scope="module")
def site(redis_server, tmp_path_factory):
    """Two workers of two processes each and two timers, for all tests of this module; the invariants are watched all the time."""
    path = tmp_path_factory.mktemp("limits") / "log"
    with path.open("w") as log:
        made = Site(redis_server.url, "chaos_limits", log, "chaos_limits")
        for start in (made.worker, made.worker, made.timers, made.timers):
            start()
        with Watch(redis_server.url, "chaos_limits") as watch:
            yield made
        made.close()
    assert watch.looks > 0
    assert watch.broken == []


def within(site, *run_ids):
    """See that the runs kept both limits together, and left nothing behind."""
    events = sorted((each for run_id in run_ids for each in site.service.events(run_id, limit=4000)), key=_moment)
    began = [each for each in events if each.type == "stage.started" and each.path.endswith("/ask")]
    assert too_soon(events, "/ask", 25.0) == []
    for run_id in run_ids:
        assert at_a_time(site.service.events(run_id, limit=4000), "/ask") <= 2
    client = site.service.store.client
    prefix = site.service.store.keys.shard(0)
    assert not client.exists(f"{prefix}line:crm", f"{prefix}turns:crm", f"{prefix}lines")
    assert client.zscore(f"{prefix}due", "l|crm") is None
    return began


def _moment(event):
    return tuple(int(part) for part in event.id.split("-"))


MOMENTS = [
    "before:answer", "after:answer", "before:effect:ask", "after:effect:ask", "before:advance", "after:advance", "after:open",
]  # fmt: skip


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_worker_is_killed(site, moment):
    """A process that is killed with a turn loses it with its lease; the limit holds all along, and no turn is gone for good."""
    site.arm(moment)
    run_id = site.start(items=30)
    site.finish(run_id, list(range(30)))
    assert site.armed() is None
    assert len(within(site, run_id)) >= 30


@pytest.mark.parametrize("moment", ["before:fail", "after:fail"])
def test_a_worker_is_killed_around_a_failure(site, moment):
    """A refused call gives its turn back, and takes another for its next attempt."""
    site.arm(moment)
    run_id = site.start(items=8, refuse="ask")
    site.finish(run_id, list(range(8)))
    assert site.armed() is None
    within(site, run_id)


def test_timers_are_killed(site):
    """One of two dies in the middle; the other lets in who waits."""
    site.arm("before:take_due")
    run_id = site.start(items=40)
    site.finish(run_id, list(range(40)))
    assert site.armed() is None
    within(site, run_id)


def test_runs_at_once_and_one_that_is_cancelled(site):
    """Many runs share one limit; one that is cancelled gives back what it had, and takes nothing more."""
    site.timers()
    ids = [site.start(items=10) for _ in range(8)]
    gone = site.start(items=200)
    site.until(gone, "stage.opened")
    site.service.cancel(gone, "acme")
    for run_id in ids:
        site.finish(run_id, list(range(10)))
    assert site.service.wait(gone, 20).state == "CANCELLED"
    assert len(within(site, *ids, gone)) >= 80


def test_redis_is_killed(own_redis, tmp_path):
    """SIGKILL and start on the same file while items wait for their turn: each of them runs."""
    with (tmp_path / "log").open("w") as log:
        site = Site(own_redis.url, "chaos_own", log, "chaos_limits")
        site.worker()
        site.timers()
        run_id = site.start(items=30)
        site.until(run_id, "stage.opened")
        own_redis.kill()
        own_redis.start()
        site.finish(run_id, list(range(30)))
        within(site, run_id)
        site.close()
