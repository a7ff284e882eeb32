"""take_due: the timers' script; reconcile."""

from saltern_runtime.store.calls import Failed, Swept
from tests.runtime.store.conftest import dep


def lose(bench, run_id, path="a"):
    """Let a lease run out."""
    bench.due_now(f"a|{run_id}|{path}")
    return bench.sweep()


def test_a_lost_worker_is_a_verdict(bench):
    """A lease that ran out makes its activation READY with the verdict lost, counted, and rings a bell."""
    made = bench.create()
    bench.claim()
    bench.trust_timers()
    assert lose(bench, made.run_id)[1] != ()
    claim = bench.claim()
    assert (claim.verdict, claim.lost, claim.attempt) == ("lost", 1, 2)


def test_a_timed_out_attempt_is_a_verdict(bench):
    """Past its hard deadline it is no lost worker: the verdict is timeout, to be settled without an attempt."""
    made = bench.create(dep("a", timeout=0))
    bench.claim()
    bench.trust_timers()
    lose(bench, made.run_id)
    claim = bench.claim()
    assert (claim.verdict, claim.lost, claim.attempt) == ("timeout", 0, 1)


def test_no_lease_expires_around_a_gap(bench):
    """Until the timers have swept one whole lease without a gap no lease runs out; what then does is no lost worker."""
    made = bench.create()
    bench.claim()
    lose(bench, made.run_id)
    assert bench.acts(made.run_id)["a"]["s"] == "RUNNING"
    assert bench.client.zscore(bench.key("due"), f"a|{made.run_id}|a") > 1
    bench.trust_timers()
    lose(bench, made.run_id)
    claim = bench.claim()
    assert (claim.verdict, claim.lost) == ("lost", 0)


def test_what_ran_out_before_the_gap_was_over_is_no_lost_worker(bench):
    """Also where no sweep fell between its end and that of the gap: the timers come by just after."""
    made = bench.create()
    bench.claim()
    bench.trust_timers()
    seconds, micros = bench.client.time()
    now = seconds * 1000 + micros // 1000
    bench.client.hset(bench.key("sweep"), "since", now - 5000)  # one lease ago: the gap is over now
    bench.client.zadd(bench.key("due"), {f"a|{made.run_id}|a": now - 10})
    bench.sweep()
    assert (bench.claim().verdict, bench.acts(made.run_id)["a"]["l"]) == ("lost", 0)


def test_an_extended_claim_forgets_the_gap(bench):
    """A worker that lived through the outage and dies later counts as lost."""
    made = bench.create()
    claim = bench.claim()
    lose(bench, made.run_id)
    bench.store.extend(claim)
    bench.trust_timers()
    lose(bench, made.run_id)
    assert bench.claim().lost == 1


def test_a_lost_settler_leaves_the_verdict(bench):
    """Whoever was only settling a skip and died leaves the skip to be settled."""
    made = bench.create()
    bench.succeed(bench.claim(), dep("b", dead=1), next_nonce="n")
    bench.trust_timers()
    lose(bench, made.run_id, "b")
    assert bench.claim().verdict == "skip"


def test_time_to_live(bench):
    """A first attempt that nobody began in time gets the verdict expired; one that was begun never does."""
    made = bench.create(dep("a", ttl=0))
    bench.due_now(f"a|{made.run_id}|a")
    bench.sweep()
    assert bench.claim().verdict == "expired"


def test_the_deadline_closes_a_run(bench):
    """At its deadline a run is TIMED_OUT whatever it does, and nothing of it is left in queues or timers."""
    made = bench.create(dep("a"), dep("b"))
    bench.claim()
    bench.due_now(f"r|{made.run_id}")
    bench.sweep()
    view = bench.reader.run(made.run_id)
    assert (view.state, view.failure.code) == ("TIMED_OUT", "run-deadline")
    assert sorted(act["s"] for act in bench.acts(made.run_id).values()) == ["CANCELLED", "TIMED_OUT"]
    assert bench.client.zcard(bench.key("ready:q")) == 0
    assert not [member for member in bench.client.zrange(bench.key("due"), 0, -1) if made.run_id in member]


def test_a_lost_bell_is_rung_again(bench):
    """A bell that nobody answered is rung again, with the same serial, and the wait doubles."""
    bell = bench.create().bells[0]
    waits = []
    for _ in range(8):
        bench.due_now(f"b|q|{bell.slot}")
        again = bench.sweep()[1][0]
        assert (again.slot, again.serial, again.again) == (bell.slot, bell.serial, True)
        waits.append(bench.client.hget(bench.key("bells:q"), f"rung:{bell.slot}").split("|")[1])
    assert waits == ["2000", "4000", "8000", "16000", "32000", "60000", "60000", "60000"]


def test_a_bell_with_nothing_behind_it_is_taken_back(bench):
    """Where the work is gone, the slot falls idle; the message that still travels is stale."""
    made = bench.create()
    bench.store.cancel(made.run_id, "acme", "{}")
    bench.due_now("b|q|1")
    bench.sweep()
    assert bench.client.hget(bench.key("bells:q"), "out") == "0"
    assert bench.store.answer(made.bells[0], "n").status == "stale"


def test_two_replicas_do_it_once(bench):
    """What one replica did is not due for the other; the same call of one replica again gives its first answer."""
    made = bench.create()
    bench.claim()
    bench.trust_timers()
    bench.due_now(f"a|{made.run_id}|a")
    first = bench.store.take_due(0, "one", "nonce")
    assert first[0] == 1
    assert bench.store.take_due(0, "two", "other") == Swept(0, ())
    assert bench.store.take_due(0, "one", "nonce") == first
    assert bench.acts(made.run_id)["a"]["l"] == 1


def test_at_most_64_at_a_time(bench):
    """One call touches a bounded number of entries."""
    for _ in range(70):
        made = bench.create()
        bench.due_now(f"r|{made.run_id}")
    bench.client.zrem(bench.key("due"), "b|q|1", "b|q|2")  # bells, which may be due by now
    assert [bench.store.take_due(0, "one")[0] for _ in range(2)] == [64, 6]
    bench.check()


def test_reconcile_puts_back_what_must_be_there(bench):
    """Timers, places in queues and bells that a broken server forgot come back, and no state changes."""
    made = bench.create(dep("a"), dep("b"), dep("c"))
    waits, runs = bench.claim(), bench.claim()
    bench.store.fail(waits, Failed('{"kind":"internal"}', 60.0), None)
    before = bench.acts(made.run_id)
    bench.client.delete(bench.key("due"), bench.key("ready:q"), bench.key("bells:q"))
    bench.bells = list(bench.store.reconcile(made.run_id))
    bench.check()
    assert bench.acts(made.run_id) == before
    assert bench.store.reconcile(made.run_id) == ()
    assert bench.claim().path not in (waits.path, runs.path)


def test_reconcile_rings_bells_that_the_broker_forgot(bench):
    """Rung bells are due at once, since their messages may be gone."""
    made = bench.create()
    bench.store.reconcile(made.run_id)
    assert [bell.again for bell in bench.sweep()[1]] == [True]
