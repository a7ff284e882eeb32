"""How many runs of a tenant are open is counted, and some may be refused over a cap."""

import pytest

from saltern_runtime.store.calls import Failed, Outcome, Stopped
from saltern_runtime.store.keys import new_run_id
from tests.runtime.store.conftest import dep

FAILURE = '{"kind":"internal","code":"x","message":"m"}'


def opened(bench):
    return {tenant: int(count) for tenant, count in bench.client.hgetall(bench.key("tenants")).items()}


def late(bench, claim):
    bench.due_now(f"r|{claim.run}")
    bench.sweep()


ENDS = {
    "success": lambda bench, claim: bench.store.advance(claim, Outcome("SUCCEEDED", (), {}), None),
    "failure": lambda bench, claim: bench.store.fail(claim, Failed(FAILURE, None), None),
    "stop": lambda bench, claim: bench.store.stop(claim, Stopped("SUCCEEDED", "1", "{}"), None),
    "deadline": late,
    "cancelled": lambda bench, claim: (bench.store.cancel(claim.run, "acme", FAILURE), bench.store.release(claim)),
}


@pytest.mark.parametrize("end", ENDS)
def test_a_run_counts_until_it_is_over(bench, end):
    """Whatever ends it, once, also where the same call comes twice; a tenant that has none is not listed."""
    bench.create(tenant="acme")
    other = bench.create(tenant="other").run_id
    assert opened(bench) == {"acme": 1, "other": 1}
    claim = bench.claim()
    ENDS[end](bench, claim)
    bench.check()
    assert opened(bench) == {"other": 1}
    if end != "deadline":
        ENDS[end](bench, claim)
    assert opened(bench) == {"other": 1}
    bench.store.cancel(other, "other", FAILURE)
    assert opened(bench) == {}


def test_a_run_without_stages_is_over_at_once(bench):
    """It counts in and out in one."""
    bench.create(entries=())
    assert opened(bench) == {}


def test_a_run_that_takes_back_what_it_did_is_open(bench):
    """Until the last of it is taken back."""
    bench.create()
    undo = dep("undo/compensate")
    first = bench.claim()
    second = bench.store.advance(first, Outcome("SUCCEEDED", [dep("b")], {}, undo=undo), "02").claim
    bench.bells += bench.store.fail(second, Failed(FAILURE, None), None).bells
    assert (bench.state(first.run), opened(bench)) == ("COMPENSATING", {"acme": 1})
    bench.succeed(bench.claim())
    assert (bench.state(first.run), opened(bench)) == ("FAILED", {})


def test_a_replay_counts_again(bench):
    """A run that goes on is open once more, however often the call comes; pausing changes nothing."""
    run = bench.create().run_id
    bench.store.fail(bench.claim(), Failed(FAILURE, None), None)
    assert opened(bench) == {}
    for _ in range(2):
        bench.store.replay(run, "acme", "0a", "{}")
        assert opened(bench) == {"acme": 1}
    bench.store.pause(run, "acme", "0b", "{}")
    assert opened(bench) == {"acme": 1}
    bench.check()


def test_runs_of_an_earlier_runtime_are_not_counted(bench):
    """They were not when they began; one that is replayed begins anew."""
    run = bench.create().run_id
    bench.client.hdel(bench.store.keys.run(run), "shared")
    bench.client.delete(bench.key("tenants"))
    bench.store.fail(bench.claim(), Failed(FAILURE, None), None)
    assert opened(bench) == {}
    bench.store.replay(run, "acme", "0a", "{}")
    assert opened(bench) == {"acme": 1}
    bench.store.cancel(run, "acme", FAILURE)
    assert opened(bench) == {}
    bench.check()


def test_one_over_the_cap_is_not_made(bench):
    """Nothing of it is there, and it is counted as refused; another tenant's is made, and so is one once a run has ended."""
    for _ in range(2):
        bench.create(cap=2)
    before = set(bench.client.keys(bench.key("*")))
    refused = bench.create(cap=2, idempotency="k", id=new_run_id(0))
    assert (refused.status, refused.open, refused.bells) == ("full", 2, ())
    assert set(bench.client.keys(bench.key("*"))) == before
    assert bench.reader.figures().counts["refused"] == 1
    assert bench.create(cap=2, tenant="other").status == "fresh"
    bench.succeed(bench.claim())
    assert bench.create(cap=2, idempotency="k").status == "fresh"


def test_a_known_key_is_answered_over_the_cap(bench):
    """With its first run, or as a conflict; the call that made a run comes through again, too."""
    run = new_run_id(0)
    bench.create(cap=1, idempotency="k", id=run)
    assert bench.create(cap=1, idempotency="k").status == "known"
    assert bench.create(cap=1, idempotency="k", body="other").status == "conflict"
    assert bench.create(cap=1, idempotency="k", id=run).status == "fresh"
    assert bench.create(cap=1, idempotency="other").status == "full"


def test_who_has_no_cap_is_never_refused(bench):
    """Schedules, runs that others start, and replays: they count, so that what has a cap is refused."""
    for _ in range(3):
        assert bench.create().status == "fresh"
    assert opened(bench) == {"acme": 3}
    assert bench.create(cap=3).status == "full"
