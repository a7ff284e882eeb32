"""migrate: a run that stands still goes on with another plan, in the store alone."""

import pytest

from saltern_runtime.store.calls import Failed, Outcome, Sleep
from saltern_runtime.store.keys import new_nonce, new_run_id, queue_name
from saltern_runtime.store.operating import audited
from tests.runtime.store.conftest import dep
from tests.runtime.store.test_operating import WHY, operate
from tests.runtime.store.test_versions import NEW, OLD, look

BEFORE, AFTER = (queue_name(plan, "default") for plan in (OLD, NEW))
SAID = audited("migrate", "token:1", "the prompt was wrong")


def old(path, **changes):
    return dep(path, queue=BEFORE, **changes)


def migrate(bench, run_id, nonce=None, tenant="acme", was=OLD):
    done = bench.store.migrate(run_id, tenant, nonce or new_nonce(), SAID, was=was, plan=NEW)
    bench.bells += done.bells
    bench.check()
    return done.verdict


def test_what_is_ready_waits_for_workers_of_the_new_plan(bench):
    """Its place in the old queue goes, a bell of the new one rings; it is counted with the new version, and audited."""
    made = bench.create(old("a"), old("b"), plan=OLD)
    bench.bells.clear()
    assert migrate(bench, made.run_id) == "ok"
    assert bench.client.zcard(bench.key(f"ready:{BEFORE}")) == 0
    assert {bell.queue for bell in bench.bells} == {AFTER}
    assert (look(bench, OLD), look(bench, NEW).open) == (None, 1)
    assert bench.reader.run(made.run_id).plan == NEW
    claims = [bench.claim(), bench.claim()]
    assert {claim.path for claim in claims} == {"a", "b"}
    assert [entry["what"] for entry in bench.store.audit(made.run_id)] == ["migrate"]
    assert "run.migrated" in bench.events(made.run_id)


def test_it_may_be_sent_twice(bench):
    """The same call again answers the same; another one is told that the run is of another plan."""
    made = bench.create(old("a"), plan=OLD)
    first = bench.store.migrate(made.run_id, "acme", "aa", SAID, was=OLD, plan=NEW)
    assert first.bells
    assert bench.store.migrate(made.run_id, "acme", "aa", SAID, was=OLD, plan=NEW) == first
    assert migrate(bench, made.run_id) == "moved"
    assert len(bench.store.audit(made.run_id)) == 1


def test_a_paused_run_stands_in_no_queue_until_it_is_resumed(bench):
    """Nothing of it is left in the old queue, where a worker of then would take it once it is resumed."""
    made = bench.create(old("a"), plan=OLD)
    operate(bench, "pause", made.run_id)
    bench.bells.clear()
    assert migrate(bench, made.run_id) == "ok"
    for queue in (BEFORE, AFTER):
        assert bench.client.zcard(bench.key(f"ready:{queue}")) == 0
    operate(bench, "resume", made.run_id)
    assert bench.client.zcard(bench.key(f"ready:{BEFORE}")) == 0
    assert bench.claim().path == "a"


def test_what_sleeps_or_waits_to_be_tried_again_wakes_in_the_new_queue(bench):
    """At the moment at which it would have been."""
    made = bench.create(old("a"), old("b"), old("c"), plan=OLD)
    a, b, c = sorted((bench.claim(), bench.claim(), bench.claim()), key=lambda claim: claim.path)
    bench.store.fail(a, Failed(WHY, 30.0), None)
    bench.store.suspend(b, Sleep(0.001, None, None), Outcome("SUSPENDED", (), {}), None)
    bench.succeed(c)
    assert migrate(bench, made.run_id) == "ok"
    assert {path: bench.acts(made.run_id)[path]["q"] for path in "ab"} == {"a": AFTER, "b": AFTER}
    for path in "ab":
        bench.due_now(f"a|{made.run_id}|{path}")
    bench.sweep()
    assert bench.client.zcard(bench.key(f"ready:{AFTER}")) == 2
    assert bench.client.zcard(bench.key(f"ready:{BEFORE}")) == 0


def test_what_takes_back_is_in_the_new_queue(bench):
    """A compensation that was noted before runs with the workers of the new plan."""
    made = bench.create(old("a"), old("b"), plan=OLD)
    a, b = sorted((bench.claim(), bench.claim()), key=lambda claim: claim.path)
    undo = old("a/compensate", reads='["a"]')
    bench.store.advance(a, Outcome("SUCCEEDED", (), {"a": "1"}, undo=undo), None)
    bench.store.release(b)
    assert migrate(bench, made.run_id) == "ok"
    bench.bells = [bell for bell in bench.bells if bell.queue == AFTER]
    assert bench.store.fail(bench.claim(), Failed(WHY, None), None).status == "ok"
    assert bench.acts(made.run_id)["a/compensate"]["q"] == AFTER
    bench.check()


def test_a_limited_activation_gives_its_turn_back(bench):
    """It stands in the line anew, and has a turn in the new queue."""
    limit = {"n": "crm", "c": 1}
    made = bench.create(old("a", limit=limit), old("b", limit=limit), plan=OLD)
    assert migrate(bench, made.run_id) == "ok"
    assert bench.client.zcard(bench.key(f"ready:{AFTER}")) == 1
    assert bench.client.zcard(bench.key(f"ready:{BEFORE}")) == 0


def test_what_is_not_moved(bench):
    """While something runs; once it is over or being cancelled; another tenant's; one that another run made, or an older runtime; one that keeps too much."""
    made = bench.create(old("a"), old("b"), plan=OLD)
    claim = bench.claim()
    assert migrate(bench, made.run_id) == "busy"
    assert migrate(bench, made.run_id, was=NEW) == "moved"
    assert migrate(bench, made.run_id, tenant="other") == "missing"
    assert bench.store.migrate("nonsense", "acme", "aa", SAID, was=OLD, plan=NEW).verdict == "missing"
    bench.store.cancel(made.run_id, "acme", WHY)
    assert migrate(bench, made.run_id) == "late"
    bench.succeed(claim)
    assert migrate(bench, made.run_id) == "late"
    child = bench.create(old("a"), plan=OLD, parent=made.run_id, pipeline="x", root="s:", id=new_run_id(0))
    assert migrate(bench, child.run_id) == "started"
    large = bench.create(old("a"), plan=OLD)
    key = bench.store.keys.run(large.run_id, ":acts")
    bench.client.hset(key, mapping={f"b{index}": "B:1:1:0" for index in range(512)})
    assert migrate(bench, large.run_id) == "large"
    bench.client.hset(bench.store.keys.run(large.run_id), "layout", 1)
    assert migrate(bench, large.run_id) == "older"
    assert bench.reader.run(child.run_id).plan == OLD


@pytest.mark.parametrize("flag", ["resuming", "reviving", "swept"])
def test_what_timers_are_putting_back_is_not_moved(bench, flag):
    """They go through the run's records in pages."""
    made = bench.create(old("a"), plan=OLD)
    bench.client.hset(bench.store.keys.run(made.run_id), flag, "17")
    assert bench.store.migrate(made.run_id, "acme", "aa", SAID, was=OLD, plan=NEW).verdict == "busy"
