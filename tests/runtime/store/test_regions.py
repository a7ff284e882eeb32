"""What an open region keeps lasts as long as its run is open, as long as that may be replayed once it is over, and no longer."""

import json
from dataclasses import replace

import pytest

from saltern_runtime.spec.limits import AT_ONCE
from saltern_runtime.store import scripts
from saltern_runtime.store.calls import Opening, Outcome
from saltern_runtime.store.keys import new_nonce
from tests.runtime.store.conftest import dep
from tests.runtime.store.test_groups import group
from tests.runtime.store.test_operating import fail, operate
from tests.runtime.store.test_replay_under_way import swept


def opening(path, items):
    """Describe a region of so many items, all in its window; nobody works on its queue."""
    body = {"acts": [f"{path}[*]/x"], "vals": [f"{path}[*]/x"], "result": f"{path}[*]/x"}
    entries = [dep(f"{path}[*]/x", queue="other")]
    return Opening(["1"] * items, items, "stop", json.dumps(entries), json.dumps(body))


def opened(bench, claim, items=2):
    """Open a region; returns the key of what it keeps."""
    bench.bells += bench.store.open(claim, opening(claim.path, items), Outcome("SUCCEEDED", (), {}), None).bells
    bench.check()
    return bench.store.keys.run(claim.run, f":each:{claim.path}")


def lasts(bench, keys):
    """Return for how many ms the first of some keys lasts; -1 where all do for ever, -2 where one is gone."""
    return min({bench.client.pttl(key) for key in keys} - {-1}, default=-1)


def test_items_last_as_long_as_their_run_is_open(bench):
    """A run is kept until it is over, however late the timers that end it are; and so is what its loops keep."""
    made = bench.create(deadline=0.2, retention=0.1)
    each = opened(bench, bench.claim())
    assert lasts(bench, [bench.store.keys.run(made.run_id), each]) == -1


def test_items_that_were_never_opened_go_by_themselves(bench):
    """An attempt that kept items, and was lost before it opened, leaves nothing for ever."""
    bench.create(deadline=60.0, retention=60.0)
    claim = bench.claim()
    put = scripts.PutItems(run=claim.run, path=claim.path, nonce=claim.nonce, first=0)
    assert bench.store._send(0, put, "1", "2")[0] == "ok"
    assert 60_000 < bench.client.pttl(bench.store.keys.run(claim.run, ":each:a")) <= 120_000


@pytest.mark.parametrize("end", ["release", "fail", "lost"])
def test_a_cancelled_loop_leaves_nothing(bench, end):
    """However the worker ends that was to collect as its run was cancelled, nothing of the loop stays in the store."""
    made = bench.create()
    each = opened(bench, bench.claim(), items=1)
    bench.succeed(bench.claim(), values={"a[0]/x": "1"})
    claim = bench.claim()
    assert (claim.path, claim.verdict) == ("a", "collect")
    assert bench.store.cancel(made.run_id, "acme", '{"kind":"cancelled","code":"cancelled","message":"no"}')
    assert bench.state(made.run_id) == "CANCELLING"
    match end:
        case "release":
            bench.store.release(claim)
        case "fail":
            fail(bench, claim)
        case "lost":
            bench.trust_timers()
            bench.due_now(f"a|{made.run_id}|a")
            bench.sweep()
    bench.check()
    assert bench.state(made.run_id) == "CANCELLED"
    assert bench.client.exists(each) == 0


def many(bench, regions):
    """Make a run of a group with so many open regions, which failed and was swept; returns its id and their keys."""
    entries = [dep(f"r{n}", priority=9) for n in range(regions)]
    made = bench.create(*entries, dep("z"), group=group(), retention=50.0)
    claim, keys = bench.claim(), []
    while claim.path != "z":
        answer = bench.store.open(claim, opening(claim.path, 1), Outcome("SUCCEEDED", (), {}), new_nonce())
        keys.append(bench.store.keys.run(claim.run, f":each:{claim.path}"))
        claim = answer.claim
    fail(bench, claim)
    swept(bench)
    assert bench.state(made.run_id) == "FAILED"
    return made.run_id, keys


def test_a_replay_that_waits_for_its_turn_keeps_what_loops_keep(bench):
    """In batches while it stands in line; where it ends there it is kept as it was, and what loops keep with it."""
    run_id, keys = many(bench, 100)
    assert 0 < lasts(bench, keys) <= 50_000
    ahead = bench.create(group=group()).run_id
    assert operate(bench, "replay", run_id) == "ok"
    kept = sum(bench.client.pttl(key) == -1 for key in keys)
    assert kept <= AT_ONCE + 16, "a script touches so many at most, but for what lies in the same bucket"
    swept(bench)
    assert lasts(bench, keys) == -1
    bench.due_now(f"r|{run_id}")
    swept(bench)
    assert bench.state(run_id) == "TIMED_OUT"
    assert 0 < lasts(bench, keys) <= 50_000
    assert operate(bench, "replay", run_id) == "ok"
    swept(bench)
    bench.store.cancel(run_id, "acme", '{"kind":"cancelled","code":"cancelled","message":"no"}')
    swept(bench)
    assert bench.state(run_id) == "CANCELLED"
    assert bench.client.exists(*keys) == 0
    assert bench.state(ahead) == "QUEUED"


def test_a_replay_is_let_in_before_it_has_kept_all(bench):
    """What its loops keep is there, and none is forgotten."""
    run_id, keys = many(bench, 100)
    assert operate(bench, "replay", run_id) == "ok"
    swept(bench)
    acts = bench.acts(run_id)
    assert {acts[f"r{n}"]["s"] for n in range(100)} == {"SUSPENDED"}
    assert lasts(bench, keys) == -1


def test_items_that_are_gone_keep_no_timer_from_its_work(bench):
    """Where what a loop keeps was lost, that run alone stands still, until its deadline; the timers go on with all others."""
    made, claim = bench.create(deadline=60.0), bench.claim()
    other = bench.create(deadline=60.0).run_id
    each = bench.store.keys.run(made.run_id, ":each:a")
    bench.store.open(claim, replace(opening("a", 2), most=1), Outcome("SUCCEEDED", (), {}), None)
    bench.client.hset(bench.store.keys.run(made.run_id, ":acts"), "a", _with_room(bench.acts(made.run_id)["a"]))
    bench.client.delete(each)
    for member in (f"f|{made.run_id}|a", f"r|{other}", f"r|{made.run_id}"):
        bench.client.zadd(bench.key("due"), {member: 1})
        bench.store.take_due(0, "one")
    assert [bench.state(run) for run in (made.run_id, other)] == ["TIMED_OUT", "TIMED_OUT"]


def _with_room(act):
    act["c"]["l"] = []
    return json.dumps(act)
