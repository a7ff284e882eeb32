"""advance: record, make ready, claim, in one."""

import pytest

from saltern_runtime.store.calls import Outcome
from tests.runtime.store.conftest import dep


def test_a_chain_is_claimed_on_the_way(bench):
    """It records the outcome and hands the next stage of the same run with its inputs, in one call."""
    made = bench.create()
    claim = bench.claim()
    answer = bench.succeed(claim, dep("b", reads='["a"]'), values={"a": "41"}, next_nonce="n2")
    assert (answer.claim.path, answer.claim.values, answer.bells) == ("b", {"a": "41"}, ())
    end = bench.succeed(answer.claim, values={"return": "42"}, next_nonce="n3")
    assert end.claim is None
    view = bench.reader.run(made.run_id)
    assert (view.state, view.output) == ("SUCCEEDED", 42)
    assert bench.events(made.run_id)[-2:] == ["stage.succeeded", "run.succeeded"]


def test_sent_twice_answers_the_same(bench):
    """The same call again records nothing, readies nothing, and gives the same claim and bells."""
    made = bench.create()
    claim = bench.claim()
    outcome = Outcome("SUCCEEDED", (dep("b"), dep("c"), dep("d", queue="other")), {"a": "1"})
    first = bench.store.advance(claim, outcome, "n2")
    events = bench.events(made.run_id)
    assert bench.store.advance(claim, outcome, "n2") == first
    assert first.claim is not None
    assert {bell.queue for bell in first.bells} == {"q", "other"}
    assert bench.events(made.run_id) == events
    bench.check()


def test_a_join_waits_for_all(bench):
    """A dependant is READY at its last arrival, not before."""
    made = bench.create(dep("a"), dep("b"))
    first, second = bench.claim(), bench.claim()
    join = dep("join", need=2, reads='["a","b"]')
    bench.succeed(first, join, values={first.path: "1"})
    assert bench.acts(made.run_id)["join"] == "B:1:0:0"
    answer = bench.succeed(second, join, values={second.path: "2"}, next_nonce="n")
    assert answer.claim.values == {first.path: "1", second.path: "2"}


@pytest.mark.parametrize(
    ("join", "live", "dead", "verdict"),
    [("all", 1, 0, ""), ("all", 0, 1, "skip"), ("all", 1, 1, "skip"), ("any", 1, 1, ""), ("any", 0, 2, "skip")],
)
def test_gates(bench, join, live, dead, verdict):
    """Join all skips at one dead edge, join any where none is alive; a skip is READY for a worker to settle."""
    made = bench.create()
    answer = bench.succeed(bench.claim(), dep("b", join=join, live=live, dead=dead, reads='[""]'), next_nonce="n")
    assert answer.claim.verdict == verdict
    assert answer.claim.attempt == (0 if verdict else 1)
    assert ("stage.started" in bench.events(made.run_id)[3:]) == (not verdict)


def test_a_skip_leaves_no_value(bench):
    """A skipped stage is terminal without a value, and the run goes on to succeed."""
    made = bench.create()
    skip = bench.succeed(bench.claim(), dep("b", dead=1), next_nonce="n").claim
    after = bench.store.advance(skip, Outcome("SKIPPED", (dep("c", reads='["b"]'),)), "m").claim
    assert after.values == {}
    bench.succeed(after)
    assert bench.state(made.run_id) == "SUCCEEDED"
    assert bench.acts(made.run_id)["b"]["s"] == "SKIPPED"


def test_more_urgent_work_goes_first(bench):
    """The next stage of the same run waits where something more urgent is ready in its queue."""
    bench.create()
    claim = bench.claim()
    bench.create(dep("urgent", priority=9))
    answer = bench.succeed(claim, dep("b"), next_nonce="n")
    assert answer.claim.path == "urgent"
    assert len(answer.bells) + len(bench.bells) >= 1


def test_while_draining_nothing_is_claimed(bench):
    """Without a next nonce the dependants wait for others, and their bell is rung."""
    bench.create()
    answer = bench.succeed(bench.claim(), dep("b"))
    assert answer.claim is None
    assert [bell.path for bell in answer.bells] == ["b"]


def test_a_lost_claim_records_nothing(bench):
    """Whoever lost the lease is stale: no value, no state, only an event."""
    made = bench.create()
    claim = bench.claim()
    bench.trust_timers()
    bench.due_now(f"a|{made.run_id}|a")
    bench.sweep()
    assert bench.succeed(claim, values={"a": "1"}).status == "stale"
    assert bench.acts(made.run_id)["a"]["s"] == "READY"
    assert bench.client.hexists(bench.store.keys.run(made.run_id, ":vals"), "a") is False
    assert bench.events(made.run_id)[-1] == "stage.late"


def test_an_ended_run_records_nothing(bench):
    """After the deadline closed the run, an outcome is an audit event alone."""
    made = bench.create()
    claim = bench.claim()
    bench.due_now(f"r|{made.run_id}")
    bench.sweep()
    assert bench.state(made.run_id) == "TIMED_OUT"
    assert bench.succeed(claim, values={"return": "1"}).status == "ended"
    assert bench.reader.run(made.run_id).output is None


def test_an_unknown_run_is_gone(bench):
    """A run that expired is no error."""
    made = bench.create()
    claim = bench.claim()
    bench.client.delete(bench.store.keys.run(made.run_id))
    assert bench.store.advance(claim, Outcome("SUCCEEDED", ()), None).status == "gone"


def test_failed_where_the_run_goes_on(bench):
    """on_error continue: the stage is FAILED with its reason, its dependants go on without its value."""
    made = bench.create()
    failure = '{"kind":"internal","code":"x","message":"m"}'
    outcome = Outcome("FAILED", (dep("b", dead=1), dep("c", reads='["a"]')), failure=failure)
    answer = bench.store.advance(bench.claim(), outcome, "n")
    assert bench.acts(made.run_id)["a"]["s"] == "FAILED"
    assert answer.claim.path in ("b", "c")
    assert "stage.failed" in bench.events(made.run_id)


def test_ended_runs_expire(bench):
    """All keys of a terminal run go after its retention."""
    made = bench.create()
    bench.succeed(bench.claim(), values={"a": "1"})
    for part in ("", ":acts", ":vals", ":events"):
        assert 0 < bench.client.pttl(bench.store.keys.run(made.run_id, part)) <= 60_000


def test_a_big_result_is_kept_by_reference(bench):
    """A value over 32 KB stands beside the run; who reads it gets the whole of it."""
    bench.create()
    text = '"' + "x" * 40_000 + '"'
    answer = bench.succeed(bench.claim(), dep("b", reads='["a"]'), values={"a": text}, next_nonce="n")
    assert answer.claim.values == {"a": text}
