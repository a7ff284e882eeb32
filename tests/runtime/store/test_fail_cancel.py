"""fail and cancel: waiting for the next attempt, and the ways in which a run ends badly."""

from saltern_runtime.store.calls import Failed
from tests.runtime.store.conftest import dep

WHY = '{"kind":"external-transient","code":"rate-limited","message":"429","node":"a"}'


def test_a_retry_waits_and_wakes(bench):
    """A failed attempt waits out its delay; then it is READY, and the next claim counts one failure."""
    made = bench.create()
    answer = bench.store.fail(bench.claim(), Failed(WHY, 30.0), "n")
    bench.check()
    assert answer.claim is None
    assert bench.acts(made.run_id)["a"]["s"] == "RETRY_WAIT"
    assert bench.sweep() == (0, ())
    bench.due_now(f"a|{made.run_id}|a")
    assert [bell.path for bell in bench.sweep()[1]] == ["a"]
    claim = bench.claim()
    assert (claim.attempt, claim.failures) == (2, 1)
    event = next(e for e in bench.reader.events(made.run_id, "0", 0, 99) if e.type == "stage.retrying")
    assert (event.data["delay"], event.data["failure"]["code"]) == (30, "rate-limited")


def test_fail_sent_twice_answers_the_same(bench):
    """The same call again counts no second failure, and gives the same next claim, even after the wait is over."""
    made = bench.create(dep("a"), dep("b"))
    claim = bench.claim()
    first = bench.store.fail(claim, Failed(WHY, 30.0), "n")
    assert bench.store.fail(claim, Failed(WHY, 30.0), "n") == first
    bench.due_now(f"a|{made.run_id}|{claim.path}")
    bench.sweep()
    assert bench.store.fail(claim, Failed(WHY, 30.0), "n") == first
    assert bench.acts(made.run_id)[claim.path]["f"] == 1


def test_a_final_failure_ends_the_run(bench):
    """Without a next attempt the run is FAILED with the reason, what waited is cancelled, and a dead letter is left."""
    made = bench.create(dep("a"), dep("b"), dep("c"))
    first, other = bench.claim(), bench.claim()
    bench.store.fail(first, Failed(WHY, None), None)
    bench.check()
    view = bench.reader.run(made.run_id)
    assert (view.state, view.failure.code) == ("FAILED", "rate-limited")
    assert sorted(act["s"] for act in bench.acts(made.run_id).values()) == ["CANCELLED", "CANCELLED", "DEAD"]
    assert bench.client.zrange(bench.key("dead"), 0, -1) == [f"{made.run_id}|{first.path}"]
    assert bench.succeed(other).status == "ended"
    assert bench.client.zcard(bench.key("ready:q")) == 0


def test_a_big_run_is_closed_in_pages(bench):
    """What a run leaves behind is closed at most about 64 at a time; the timers take the rest."""
    made = bench.create()
    deps = [dep(f"d{index}") for index in range(60)]
    first = bench.succeed(bench.claim(), *deps, next_nonce="n").claim
    second = bench.succeed(first, *[dep(f"e{index}") for index in range(60)], next_nonce="m").claim
    third = bench.succeed(second, *[dep(f"f{index}") for index in range(60)], next_nonce="o").claim
    bench.store.fail(third, Failed(WHY, None), None)
    assert bench.client.zscore(bench.key("due"), f"c|{made.run_id}") is not None
    for _ in range(10):
        if bench.store.take_due(0, "one")[0] == 0:
            break
    bench.check()
    assert not [member for member in bench.client.zrange(bench.key("due"), 0, -1) if made.run_id in member]


def test_cancel_before_anything_runs(bench):
    """With nothing RUNNING the run is CANCELLED at once, and stays so."""
    made = bench.create()
    assert bench.store.cancel(made.run_id, "acme", WHY)[0] == "CANCELLED"
    assert bench.store.cancel(made.run_id, "acme", WHY)[0] == "CANCELLED"
    bench.check()
    assert bench.claim() is None
    assert bench.acts(made.run_id)["a"]["s"] == "CANCELLED"


def test_cancel_waits_for_what_runs(bench):
    """Under CANCELLING nothing becomes ready, and the last RUNNING activation closes the run."""
    made = bench.create(dep("a"), dep("b"))
    claim, other = bench.claim(), bench.claim()
    assert bench.store.cancel(made.run_id, "acme", WHY)[0] == "CANCELLING"
    bench.succeed(claim, dep("c"), values={"a": "1"})
    assert bench.state(made.run_id) == "CANCELLING"
    assert "c" not in bench.acts(made.run_id)
    bench.store.fail(other, Failed(WHY, 1.0), None)
    bench.check()
    assert bench.state(made.run_id) == "CANCELLED"


def test_cancel_with_a_lost_worker(bench):
    """A lease that runs out under CANCELLING closes the run too; so does a claim that is handed back."""
    for end in ("lease", "release"):
        made = bench.create()
        claim = bench.claim()
        bench.store.cancel(made.run_id, "acme", WHY)
        if end == "release":
            bench.store.release(claim)
        else:
            bench.trust_timers()
            bench.due_now(f"a|{made.run_id}|a")
            bench.sweep()
        bench.check()
        assert bench.state(made.run_id) == "CANCELLED"


def test_cancel_of_others_and_of_nothing(bench):
    """Another tenant's run is not there; neither is one that never was, nor nonsense."""
    made = bench.create()
    assert bench.store.cancel(made.run_id, "other", WHY)[0] is None
    assert bench.store.cancel("0-" + "0" * 24, "acme", WHY)[0] is None
    assert bench.store.cancel("nonsense", "acme", WHY)[0] is None
    assert bench.state(made.run_id) == "QUEUED"


def test_cancel_of_an_ended_run(bench):
    """A terminal state is never left."""
    made = bench.create()
    bench.succeed(bench.claim())
    assert bench.store.cancel(made.run_id, "acme", WHY)[0] == "SUCCEEDED"
