"""Versions of a service: what each has open, and whether workers of it are there."""

import json
import re
from dataclasses import replace

import pytest

from saltern_runtime.engine.dispatch import InProcess
from saltern_runtime.engine.sweeper import Sweeper
from saltern_runtime.store.calls import Failed, NewRun
from saltern_runtime.store.keys import new_nonce, new_run_id, queue_name
from saltern_runtime.store.operating import audited
from saltern_runtime.store.store import Store, StoreUnavailableError
from saltern_runtime.store.versions import SILENT, announce, is_counted, read_versions
from tests.runtime.store.conftest import dep
from tests.runtime.store.test_operating import WHY

OLD, NEW = "sha256:" + "a" * 64, "sha256:" + "b" * 64
QUEUE = queue_name(OLD, "default")


def look(bench, plan=OLD):
    """Return a version, None where nothing is said of it."""
    return next((found for found in read_versions(bench.store).all if found.plan == plan), None)


def silence(bench, seconds, queue=QUEUE):
    """Let it be so long ago that a worker of a queue was seen."""
    seen = bench.client.zscore(bench.key("seen"), queue)
    bench.client.zadd(bench.key("seen"), {queue: seen - seconds * 1000})


def test_open_runs_are_counted_by_version(bench):
    """From a run's creation to its end, whatever it does in between; the states say what holds a version."""
    first = bench.create(dep("a", queue=QUEUE), plan=OLD)
    bench.create(dep("a", queue=QUEUE), plan=OLD)
    bench.create(dep("a", queue=queue_name(NEW, "default")), plan=NEW)
    assert [(found.plan, found.open) for found in read_versions(bench.store).all] == [(OLD, 2), (NEW, 1)]
    bench.store.pause(first.run_id, "acme", new_nonce(), audited("pause", "me", ""))
    found = look(bench)
    assert (found.open, found.states, found.ready) == (2, {"PAUSED": 1, "QUEUED": 1}, 2)
    assert found.oldest == pytest.approx(read_versions(bench.store).at, abs=60)
    bench.store.cancel(first.run_id, "acme", WHY)
    assert look(bench).open == 1
    bench.check()


def test_a_run_without_an_entry_is_over_at_once(bench):
    """What is over as it is made was never open."""
    created = bench.store.create(
        NewRun(new_run_id(0), OLD, "acme", "api", "{}", "b", "", deadline=60.0, retention=60.0, entries=())
    )
    assert bench.state(created.run_id) == "SUCCEEDED"
    assert look(bench) is None
    assert read_versions(bench.store).gone == (OLD,)
    bench.check()


def test_a_replay_opens_a_run_again(bench):
    """A version that had drained has an open run once more; said twice, it is one."""
    made = bench.create(dep("a", queue=QUEUE), plan=OLD)
    bench.store.fail(bench.claim(), Failed(WHY, None), None)
    assert look(bench) is None
    for _ in range(2):
        bench.store.replay(made.run_id, "acme", "aa", audited("replay", "me", ""))
    assert look(bench).open == 1
    bench.check()


def test_a_run_that_takes_back_is_open_until_that_is_done(bench):
    """COMPENSATING is no end."""
    made = bench.create(dep("a", queue=QUEUE), dep("b", queue=QUEUE), plan=OLD)
    claims = {claim.path: claim for claim in (bench.claim(), bench.claim())}
    bench.client.rpush(bench.store.keys.run(made.run_id, ":undo"), '{"path":"x/compensate","need":1,"join":"all","live":0,"dead":0,"queue":"q","priority":5,"reads":"[]","timeout":9}')  # fmt: skip
    bench.store.fail(claims["a"], Failed(WHY, None), None)
    assert look(bench).states == {"COMPENSATING": 1}
    bench.check()


def test_workers_say_that_they_are_there(bench):
    """A version with workers is told of without a run; once they are silent it is served no more, and not told of."""
    announce(bench.store, OLD, [QUEUE])
    found = look(bench)
    assert (found.open, found.is_served, found.unserved) == (0, True, 0)
    assert found.seen == pytest.approx(read_versions(bench.store).at, abs=60)
    silence(bench, SILENT + 1)
    assert look(bench) is None
    bench.create(dep("a", queue=QUEUE), plan=OLD)
    assert (look(bench).is_served, look(bench).unserved, look(bench).stranded) == (False, 1, 1)
    announce(bench.store, OLD, [QUEUE])
    assert (look(bench).is_served, look(bench).unserved, look(bench).stranded) == (True, 0, 0)


def test_workers_of_one_queue_do_nothing_for_another(bench):
    """What waits in a queue that nobody takes from is stranded, though others work at that version."""
    announce(bench.store, OLD, [QUEUE])
    bench.create(dep("a", queue=QUEUE), dep("b", queue=queue_name(OLD, "files")), plan=OLD)
    assert (look(bench).unserved, look(bench).ready, look(bench).stranded) == (0, 2, 1)


def wait_for(bench, run_id, seconds):
    """Let what is READY of a run have become so earlier."""
    for path, act in bench.acts(run_id).items():
        act["w"] -= int(seconds * 1000)
        bench.client.hset(bench.store.keys.run(run_id, ":acts"), path, json.dumps(act))


def test_a_run_says_that_no_worker_comes(bench):
    """Which version and queue, since when, how many runs of it are open, what to do; and nothing while one may come."""
    made = bench.create(dep("a", queue=QUEUE), plan=OLD)
    assert bench.reader.run(made.run_id).stranded == ""
    wait_for(bench, made.run_id, SILENT)
    assert bench.reader.run(made.run_id).stranded == (
        "no worker of version aaaaaaaa (queue default) has ever been seen; 1 run of it is open: "
        "start its workers, or cancel the run and start it again"
    )
    announce(bench.store, OLD, [QUEUE])
    assert bench.reader.run(made.run_id).stranded == ""
    silence(bench, SILENT + 1)
    bench.create(plan=OLD)
    told = bench.reader.run(made.run_id).stranded
    assert re.match(
        r"no worker of version aaaaaaaa \(queue default\) has been seen since \d{4}-\S+ \S+Z; 2 runs of it are open: ",
        told,
    )


def test_a_run_that_needs_no_worker_says_nothing(bench):
    """While it is paused, and once it is over, nobody is missed."""
    made = bench.create(dep("a", queue=QUEUE), plan=OLD)
    wait_for(bench, made.run_id, SILENT)
    bench.store.pause(made.run_id, "acme", new_nonce(), audited("pause", "me", ""))
    assert bench.reader.run(made.run_id).stranded == ""
    bench.store.cancel(made.run_id, "acme", WHY)
    assert bench.reader.run(made.run_id).stranded == ""


def test_every_shard_is_counted(bench):
    """The figures of a version are those of all shards together."""
    store = Store(bench.store.keys.service, replace(bench.store.settings, shards=3))
    for shard in (0, 1, 1, 2):
        store.create(
            NewRun(new_run_id(shard), OLD, "acme", "api", "{}", "b", "", deadline=60.0, retention=60.0, entries=(dep("a", queue=QUEUE),))
        )  # fmt: skip
    announce(store, OLD, [QUEUE])
    (found,) = read_versions(store).all
    assert (found.open, found.states, found.ready, found.is_served) == (4, {"QUEUED": 4}, 4, True)
    store.close()


def test_what_an_older_runtime_made_is_counted_by_the_first_sweep(bench):
    """Before it nothing is said to be complete; reconciling lists what is open, nothing that is over, and leaves to a later runtime what is its."""
    made, over = (bench.create(dep("a", queue=QUEUE), plan=OLD) for _ in range(2))
    bench.store.cancel(over.run_id, "acme", WHY)
    later = bench.create(plan=OLD)
    bench.client.hset(bench.store.keys.run(later.run_id), "layout", 99)
    bench.client.delete(bench.key(f"open:{OLD}"), bench.key("versions"))
    assert (look(bench), read_versions(bench.store).is_counted) == (None, False)
    Sweeper(bench.store, InProcess(), bench.reader).sweep()
    assert (look(bench).open, read_versions(bench.store).is_counted) == (1, True)
    assert bench.client.zrange(bench.key(f"open:{OLD}"), 0, -1) == [made.run_id]
    assert is_counted(bench.store)


def test_a_worker_that_reaches_no_store_hears_of_it(bench):
    """Whoever watches the store learns that it cannot be reached."""
    store = Store("nobody", replace(bench.store.settings, redis_url="redis://127.0.0.1:1/0"))
    with pytest.raises(StoreUnavailableError):
        announce(store, OLD, [QUEUE])
