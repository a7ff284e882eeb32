"""Limits of connections: who has no turn is claimed by nobody; turns are never lost, and never held twice."""

import json

import pytest

from saltern_runtime.store.calls import Failed, Outcome, Sleep
from tests.runtime.store.conftest import dep

FAILURE = '{"kind":"internal","code":"x","message":"m"}'


def limited(path="a", *, name="crm", c=None, r=None, t=None, **changes):
    limit = {"n": name, "c": c, "r": r, "t": t}
    return dep(path, limit={key: value for key, value in limit.items() if value is not None}, **changes)


@pytest.fixture
def limits(bench):
    return Limits(bench)


class Limits:
    """Short ways to look at lines and turns."""

    def __init__(self, bench):
        self.bench = bench

    def line(self, name="crm"):
        return self.bench.client.zrange(self.bench.key(f"line:{name}"), 0, -1)

    def turns(self, name="crm"):
        return dict(self.bench.client.zrange(self.bench.key(f"turns:{name}"), 0, -1, withscores=True))

    def claims(self):
        """Claim until nothing may go."""
        made = []
        while self.bench.bells:
            claim = self.bench.claim()
            if claim is not None:
                made.append(claim)
        return made

    def refill(self, seconds, name="crm"):
        """Let time pass for a rate."""
        key = self.bench.key(f"bucket:{name}")
        self.bench.client.hincrby(key, "at", -int(seconds * 1000))

    def due(self, name="crm"):
        return self.bench.client.zscore(self.bench.key("due"), f"l|{name}")

    def empty(self, name="crm"):
        left = [key for key in ("line", "turns") if self.bench.client.exists(self.bench.key(f"{key}:{name}"))]
        return not left and not self.bench.client.smembers(self.bench.key("lines")) and self.due(name) is None


def test_only_so_many_run_at_a_time(bench, limits):
    """The third waits in the line, where no worker sees it and no bell rings; it goes once a turn is given back."""
    for _ in range(3):
        bench.create(limited(c=2))
    first, second = limits.claims()
    assert len(limits.line()) == 1
    assert bench.client.zcard(bench.key("ready:q")) == 0
    answer = bench.succeed(first, next_nonce="third")
    assert answer.claim.run not in (first.run, second.run)
    assert limits.line() == []
    bench.succeed(second)
    bench.succeed(answer.claim)
    assert limits.empty()


def test_the_rest_of_the_queue_goes_on(bench, limits):
    """A hundred that must wait, all more urgent, keep nobody else."""
    for _ in range(100):
        bench.create(limited(c=1, priority=9))
    other = bench.create(dep("free", priority=0)).run_id
    first, second = limits.claims()
    assert (first.path, second.run) == ("a", other)
    assert len(limits.line()) == 99


def test_the_line_has_the_order_of_the_queue(bench, limits):
    """The most urgent first, then whoever stood longest."""
    runs = [bench.create(limited(c=1, priority=priority)).run_id for priority in (5, 5, 9, 5)]
    (claim,) = limits.claims()
    order = [claim.run]
    for number in range(3):
        claim = bench.succeed(claim, next_nonce=f"n{number}").claim
        order.append(claim.run)
    assert order == [runs[0], runs[2], runs[1], runs[3]]


ENDS = {
    "success": lambda bench, claim: bench.succeed(claim),
    "failure": lambda bench, claim: bench.store.fail(claim, Failed(FAILURE, None), None),
    "retry": lambda bench, claim: bench.store.fail(claim, Failed(FAILURE, 60.0), None),
    "sleep": lambda bench, claim: bench.store.suspend(claim, Sleep(60.0), Outcome("SUCCEEDED", ()), None),
    "shutdown": lambda bench, claim: bench.store.release(claim),
    "cancelled": lambda bench, claim: (bench.store.cancel(claim.run, "acme", FAILURE), bench.succeed(claim)),
}


@pytest.mark.parametrize("end", ENDS)
def test_a_turn_is_given_back_whatever_ends_it(bench, limits, end):
    """Once, also where the same call comes twice; then the next one goes."""
    bench.create(limited(c=1))
    (claim,) = limits.claims()
    waits = bench.create(limited(c=1, priority=9)).run_id
    ENDS[end](bench, claim)
    ENDS[end](bench, claim)
    bench.check()
    assert limits.turns() == {f"{waits}|a": 0.0}
    bench.bells.clear()
    bench.client.delete(bench.key("bells:q"))
    bench.client.zrem(bench.key("due"), "b|q|1", "b|q|2")
    bench.create(dep("rings"))
    assert limits.claims()[0].run == waits


def test_a_lost_worker_gives_its_turn_back(bench, limits):
    """It stands in the line again, behind whoever waited."""
    run_id = bench.create(limited(c=1)).run_id
    (claim,) = limits.claims()
    waits = bench.create(limited(c=1)).run_id
    bench.trust_timers()
    bench.due_now(f"a|{run_id}|a")
    bench.sweep()
    assert limits.turns() == {f"{waits}|a": 0.0}
    assert limits.line() == [f"{run_id}|a"]
    (second,) = limits.claims()
    assert bench.store.advance(claim, Outcome("SUCCEEDED", ()), None).status == "stale"
    assert limits.turns() == {f"{waits}|a": 1.0}
    bench.succeed(second)
    (third,) = limits.claims()
    assert (third.run, third.verdict) == (run_id, "lost")


def test_what_ends_in_the_line_leaves_it(bench, limits):
    """A run that is cancelled, or at its deadline, and an attempt whose time to live is over."""
    bench.create(limited(c=1))
    limits.claims()
    cancelled, late = bench.create(limited(c=1)).run_id, bench.create(limited(c=1)).run_id
    old = bench.create(limited(c=1, ttl=1)).run_id
    bench.store.cancel(cancelled, "acme", FAILURE)
    bench.due_now(f"r|{late}")
    bench.due_now(f"a|{old}|a")
    bench.sweep()
    assert (bench.state(cancelled), bench.state(late)) == ("CANCELLED", "TIMED_OUT")
    (claim,) = limits.claims()
    assert (claim.run, claim.verdict) == (old, "expired")
    assert limits.line() == []
    bench.succeed(claim)
    assert len(limits.turns()) == 1


def test_what_comes_next_in_a_run_waits_too(bench, limits):
    """A dependant goes with its own turn where there is one, and stands in line where there is none."""
    bench.create(dep("first"))
    (claim,) = limits.claims()
    answer = bench.succeed(claim, limited("b", c=1), limited("c", c=1), next_nonce="n1")
    assert (answer.claim.path, limits.turns()) == ("b", {f"{claim.run}|b": 1.0})
    assert limits.line() == [f"{claim.run}|c"]
    answer = bench.succeed(answer.claim, next_nonce="n2")
    assert (answer.claim.path, limits.turns()) == ("c", {f"{claim.run}|c": 1.0})


def test_a_turn_in_a_run_that_is_being_cancelled_goes_on(bench, limits):
    """Whoever would claim it passes it on, though another step of that run still runs."""
    gone = bench.create(dep("busy", priority=9), limited(c=1)).run_id
    busy = bench.claim()
    assert busy.path == "busy"
    waits = bench.create(limited(c=1)).run_id
    assert limits.turns() == {f"{gone}|a": 0.0}
    state, bells = bench.store.cancel(gone, "acme", FAILURE)
    bench.bells += bells
    assert state == "CANCELLING"
    assert [claim.run for claim in limits.claims()] == [waits]
    bench.succeed(busy)
    assert limits.turns() == {f"{waits}|a": 1.0}


def test_what_is_only_settled_takes_no_turn(bench, limits):
    """A skip calls nothing."""
    bench.create(limited(c=1))
    limits.claims()
    bench.create(limited(c=1, live=0, dead=1))
    (claim,) = limits.claims()
    assert claim.verdict == "skip"
    assert len(limits.turns()) == 1


def test_a_rate_lets_so_many_begin(bench, limits):
    """A second's worth at once, then as time passes; the timers let the next ones in."""
    for _ in range(6):
        bench.create(limited(r=2.0))
    assert len(limits.claims()) == 2
    assert len(limits.line()) == 4
    assert limits.due() is not None
    limits.refill(0.5)
    bench.due_now("l|crm")
    bench.sweep()
    assert len(limits.claims()) == 1
    limits.refill(60)
    bench.due_now("l|crm")
    bench.sweep()
    assert len(limits.claims()) == 2
    assert len(limits.line()) == 1


def test_a_rate_of_less_than_one(bench, limits):
    """One every so many seconds; the timer is as far away."""
    for _ in range(2):
        bench.create(limited(r=0.1))
    assert len(limits.claims()) == 1
    seconds, micros = bench.client.time()
    assert 9_000 < limits.due() - (seconds * 1000 + micros // 1000) <= 10_000
    assert bench.client.pttl(bench.key("bucket:crm")) > 10_000


def test_a_rate_holds_however_late_the_workers_are(bench, limits):
    """While none came for an hour no more turns are given than may begin at once."""
    for _ in range(10):
        bench.create(limited(r=2.0))
    for _ in range(5):
        limits.bench.client.hset(bench.key("bucket:crm"), mapping={"left": 2, "at": 0})
        bench.client.zadd(bench.key("due"), {"l|crm": 0})
        bench.sweep()
    assert len(limits.turns()) == 2
    assert len(limits.claims()) == 2
    assert len(limits.line()) == 8


def test_both_limits(bench, limits):
    """The tighter one counts: here the rate first, then the slots."""
    for _ in range(5):
        bench.create(limited(c=3, r=2.0))
    claims = limits.claims()
    assert len(claims) == 2
    limits.refill(60)
    bench.due_now("l|crm")
    bench.sweep()
    claims += limits.claims()
    assert len(claims) == 3
    assert len(limits.line()) == 2
    bench.succeed(claims[0])
    assert len(limits.claims()) == 1


def test_each_tenant_has_its_own(bench, limits):
    """One that waits keeps no other tenant."""
    for tenant in ("acme", "acme", "other|x"):
        bench.create(limited(c=1, t=True), tenant=tenant)
    assert [claim.tenant for claim in limits.claims()] == ["acme", "other|x"]
    assert limits.line("crm|acme") != []
    assert bench.reader.figures().limited == {"crm": 1}


def test_what_waits_is_counted(bench, limits):
    """By connection, for the metrics; nothing is left of it when nobody waits."""
    for _ in range(3):
        bench.create(limited(c=1))
    bench.create(limited(name="model", r=1.0))
    bench.create(limited(name="model", r=1.0))
    claims = limits.claims()
    assert bench.reader.figures().limited == {"crm": 2, "model": 1}
    for run in bench.reader.runs("acme", 10, None).runs:
        bench.store.cancel(run.id, "acme", FAILURE)
    for claim in claims:
        bench.succeed(claim)
    assert bench.reader.figures().limited == {}
    assert limits.empty()


def test_many_are_let_in_by_and_by(bench, limits):
    """At most 64 in one call, the timers do the rest at once."""
    for _ in range(150):
        bench.create(limited(c=1))
    (claim,) = limits.claims()
    acts = {run.id: bench.acts(run.id)["a"] for run in bench.reader.runs("acme", 200, None).runs}
    for run_id, record in acts.items():  # a version with other limits is next in line
        if record["s"] == "READY":
            record["j"]["c"] = 500
            bench.client.hset(bench.store.keys.run(run_id, ":acts"), "a", json.dumps(record))
    bench.store.advance(claim, Outcome("SUCCEEDED", ()), None)
    assert (len(limits.turns()), len(limits.line())) == (64, 85)
    bench.sweep()
    bench.sweep()
    assert (len(limits.turns()), len(limits.line())) == (149, 0)


def unanswered(bench, queue="old"):
    """Let the bells of a queue ring in vain for half a minute."""
    for _ in range(5):
        bench.due_now(f"b|{queue}|1")
        bench.sweep()


def test_a_turn_that_nobody_takes_goes_on(bench, limits):
    """Where a queue has lost its workers, such as an old version's, the turn goes to the next in line; its owner waits behind them."""
    old = bench.create(limited(c=1, queue="old", priority=9)).run_id
    new = bench.create(limited(c=1)).run_id
    unanswered(bench)
    bench.due_now(f"a|{old}|a")
    bench.sweep()
    assert limits.turns() == {f"{new}|a": 0.0}
    assert limits.line() == [f"{old}|a"]
    assert bench.client.zcard(bench.key("ready:old")) == 0


def test_a_turn_waits_for_workers_that_are_busy(bench, limits):
    """Where bells are answered its owner keeps it, however long that takes, and is looked at again."""
    first, _ = (bench.create(limited(c=1)).run_id for _ in range(2))
    bench.due_now(f"a|{first}|a")
    bench.sweep()
    assert limits.turns() == {f"{first}|a": 0.0}
    seconds, _ = bench.client.time()
    assert bench.client.zscore(bench.key("due"), f"a|{first}|a") / 1000 <= seconds + 31


def test_alone_it_keeps_its_turn(bench, limits):
    """Nobody else wants it."""
    run_id = bench.create(limited(c=1, queue="old")).run_id
    unanswered(bench)
    bench.due_now(f"a|{run_id}|a")
    bench.sweep()
    assert limits.turns() == {f"{run_id}|a": 0.0}
    assert len(limits.claims()) == 1


def test_scripts_sent_twice(bench, limits):
    """A claim that was lost on the way is shown again, with the one turn that it took."""
    bench.create(limited(c=1))
    bench.create(limited(c=1))
    bell = bench.bells.pop(0)
    first = bench.store.answer(bell, "n1")
    again = bench.store.answer(bell, "n1")
    assert first.claim == again.claim
    outcome = Outcome("SUCCEEDED", ())
    answers = [bench.store.advance(first.claim, outcome, "n2") for _ in range(2)]
    assert answers[0].claim == answers[1].claim
    assert limits.turns() == {f"{answers[0].claim.run}|a": 1.0}
    bench.check()


def test_reconciling_puts_back_what_must_wait(bench, limits):
    """In the line, not in the queue; who has a turn, in the queue."""
    first, second = (bench.create(limited(c=1)).run_id for _ in range(2))
    bench.client.delete(bench.key("ready:q"), bench.key("line:crm"))
    bench.store.reconcile(first)
    bench.store.reconcile(second)
    bench.check()
    assert limits.turns() == {f"{first}|a": 0.0}
    assert limits.line() == [f"{second}|a"]


def test_a_queue_without_limits_costs_what_it_did(bench):
    """Its scripts ask the server as often as before there were limits: not a call more, but for the run that is counted as RUNNING now."""
    made = bench.create(dep("a"))
    bell = made.bells[0]
    bench.client.config_resetstat()
    claim = bench.store.answer(bell, "n1").claim
    answer = bench.store.advance(claim, Outcome("SUCCEEDED", (dep("b"), dep("c"))), "n2")
    bench.store.fail(answer.claim, Failed(FAILURE, 0.0), None)
    bench.store.take_due(0, "one", "n3")
    stats = bench.client.info("commandstats")
    calls = {name.removeprefix("cmdstat_"): each["calls"] for name, each in stats.items()}
    asked = ("hget", "hmget", "hset", "zadd", "zrem", "zrange", "zcard", "zscore", "sadd", "srem", "time")
    assert [calls.get(name, 0) for name in asked] == [8, 7, 15, 9 + 1, 4 + 1, 4, 4, 0, 0, 0, 4]
