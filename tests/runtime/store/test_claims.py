"""answer, extend and release: who holds an activation."""

from saltern_runtime.store.calls import Bell
from tests.runtime.store.conftest import dep


def test_answering_claims_with_inputs(bench):
    """Answering a bell claims the most urgent activation and brings the values that it reads."""
    made = bench.create(dep("a", reads='["","b"]'))
    claim = bench.claim()
    assert (claim.run, claim.path, claim.attempt, claim.tenant) == (made.run_id, "a", 1, "acme")
    assert claim.values == {"": '{"n":1}'}
    assert bench.state(made.run_id) == "RUNNING"
    assert bench.events(made.run_id) == ["run.created", "run.started", "stage.started"]


def test_an_answer_sent_twice_is_the_same_claim(bench):
    """The slot remembers its last answer; nothing is claimed twice."""
    bell = bench.create(dep("a"), dep("b")).bells[0]
    first = bench.store.answer(bell, "nonce")
    assert bench.store.answer(bell, "nonce") == first
    assert first.claim is not None


def test_a_doubled_bell_returns_at_once(bench):
    """A bell that was answered before is stale, whoever brings it."""
    bell = bench.create().bells[0]
    bench.store.answer(bell, "one")
    assert bench.store.answer(bell, "two") == bench.store.answer(Bell(0, "q", 2, 99), "x")
    assert bench.store.answer(bell, "two").status == "stale"


def test_urgency_goes_before_age(bench):
    """A higher priority is claimed first; among equals the older one."""
    bench.create(dep("old"))
    bench.create(dep("urgent", priority=9))
    bench.create(dep("young"))
    first = bench.claim()
    order = [first.path]
    while (claim := bench.succeed(first, next_nonce=f"n{len(order)}").claim) is not None:
        order.append(claim.path)
        first = claim
    assert order == ["urgent", "old", "young"]


def test_a_backlog_rings_a_handful_of_bells(bench):
    """However much waits, no more bells are out than there are slots."""
    bells = [bell for _ in range(50) for bell in bench.create().bells]
    assert sorted(bell.slot for bell in bells) == [1, 2]
    assert bench.client.hget(bench.key("bells:q"), "out") == "2"


def test_extend_keeps_a_claim(bench):
    """It moves the lease on, as often as it is called."""
    made = bench.create()
    claim = bench.claim()
    bench.due_now(f"a|{made.run_id}|a")
    assert bench.store.extend(claim) == bench.store.extend(claim) == "ok"
    assert bench.client.zscore(bench.key("due"), f"a|{made.run_id}|a") > 1


def test_extend_tells_that_the_run_is_over(bench):
    """A worker whose run was cancelled hears `ended`; one whose claim went to another hears `stale`."""
    made = bench.create()
    claim = bench.claim()
    bench.store.cancel(made.run_id, "acme", "{}")
    assert bench.store.extend(claim) == "ended"
    other = bench.create()
    lost = bench.claim()
    bench.trust_timers()
    bench.due_now(f"a|{other.run_id}|a")
    bench.sweep()
    assert bench.store.extend(lost) == "stale"


def test_extend_goes_on_while_a_run_is_paused(bench):
    """What runs as its run is paused comes to its end; and a claim that another took, or that sleeps now, is `stale` all the same."""
    made = bench.create()
    claim = bench.claim()
    bench.store.pause(made.run_id, "acme", "aa", "{}")
    assert bench.store.extend(claim) == "ok"
    bench.store.release(claim)
    assert bench.store.extend(claim) == "stale"


def test_release_counts_no_attempt(bench):
    """A claim that is handed back is READY again in its old place, as if it had not been claimed."""
    made = bench.create()
    claim = bench.claim()
    released = bench.store.release(claim)
    assert released.status == "ok"
    assert bench.store.release(claim) == released
    bench.check()
    act = bench.acts(made.run_id)["a"]
    assert (act["s"], act["a"]) == ("READY", 0)
    bench.bells += released.bells
    assert bench.claim().attempt == 1


def test_release_of_a_lost_claim_changes_nothing(bench):
    """Only the holder can hand back."""
    made = bench.create()
    claim = bench.claim()
    bench.succeed(claim)
    assert bench.store.release(claim).status == "ended"
    assert bench.state(made.run_id) == "SUCCEEDED"
