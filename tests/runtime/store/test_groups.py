"""Groups of runs: so many go on at a time, and what becomes of one more."""

from dataclasses import replace

import pytest

from saltern_runtime.store.calls import Group, NewRun
from saltern_runtime.store.keys import new_run_id
from saltern_runtime.store.operating import audited
from tests.runtime.store.conftest import dep


def group(over="queue", most=1, name="ab"):
    return Group(name, most, over)


NOTHING = NewRun(
    id="", plan="sha256:p", tenant="acme", trigger="api", input="{}", body="b", idempotency="", deadline=60.0, retention=60.0, entries=(),
    group=group(),
)  # fmt: skip
"""A run that has nothing to do."""


@pytest.fixture
def make(bench):
    return lambda *entries, **changes: bench.create(*entries, **({"group": group()} | changes))


def standing(bench, place, name="ab"):
    return bench.client.zrange(bench.key(f"{place}:{name}"), 0, -1)


def test_one_over_the_limit_waits_for_its_turn(bench, make):
    """The second run is made and has nothing READY; it begins in the call that ends the first one, and rings."""
    first, second, third = make().run_id, make().run_id, make().run_id
    assert (bench.state(second), bench.acts(second)) == ("QUEUED", {})
    assert standing(bench, "behind") == [second, third]
    bench.succeed(bench.claim())
    assert bench.state(first) == "SUCCEEDED"
    claim = bench.claim()
    assert claim.run == second
    bench.succeed(claim)
    bench.succeed(bench.claim())
    assert [bench.state(run) for run in (second, third)] == ["SUCCEEDED", "SUCCEEDED"]
    assert not bench.client.keys(bench.key("behind:*")) + bench.client.keys(bench.key("inside:*"))


def test_groups_and_runs_without_one_do_not_wait_for_each_other(bench, make):
    """Another key, and no key at all, go on beside a full group."""
    make()
    other, none = make(group=group(name="cd")).run_id, make(group=None).run_id
    assert [bench.acts(run)["a"]["s"] for run in (other, none)] == ["READY", "READY"]


def test_as_many_go_on_as_may(bench, make):
    """Three of five are inside at once, in the order in which they came."""
    runs = [make(group=group(most=3)).run_id for _ in range(5)]
    assert sorted(standing(bench, "inside")) == sorted(runs[:3])
    assert standing(bench, "behind") == runs[3:]


def test_one_over_the_limit_is_dropped(bench, make):
    """Nothing is made, and who is told hears of the run that is in the way; its key is free for another try."""
    first = make(group=group("drop")).run_id
    refused = make(group=group("drop"), idempotency="k")
    assert (refused.status, refused.run_id) == ("dropped", first)
    assert bench.client.hget(bench.key("stats"), "runs|CREATED") == "1"
    assert bench.client.hget(bench.key("stats"), "runs|DROPPED") == "1"
    bench.succeed(bench.claim())
    assert make(group=group("drop"), idempotency="k").status == "fresh"


def test_a_known_key_is_answered_though_its_group_is_full(bench, make):
    """Who sends the first request again is led to its run, and nothing is dropped or cancelled."""
    for over in ("drop", "cancel_previous"):
        first = make(group=group(over, name=over), idempotency=over)
        again = make(group=group(over, name=over), idempotency=over)
        assert (again.status, again.run_id, bench.state(first.run_id)) == ("known", first.run_id, "QUEUED")


def test_the_last_one_takes_the_place_of_those_before_it(bench, make):
    """Who stands behind is cancelled at once, who runs as soon as it has ended; only then the new one begins."""
    first = make(group=group("cancel_previous")).run_id
    claim = bench.claim()
    second, third = (make(group=group("cancel_previous")).run_id for _ in range(2))
    assert [bench.state(run) for run in (first, second, third)] == ["CANCELLING", "CANCELLED", "QUEUED"]
    assert bench.acts(third) == {}
    bench.succeed(claim)
    assert bench.state(first) == "CANCELLED"
    assert bench.reader.run(second).failure.code == "superseded"
    assert bench.claim().run == third


def test_only_as_many_are_cancelled_as_are_one_too_many(bench, make):
    """With two at a time, the third takes the place of the oldest alone."""
    runs = [make(group=group("cancel_previous", most=2)).run_id for _ in range(3)]
    assert [bench.state(run) for run in runs] == ["CANCELLED", "QUEUED", "QUEUED"]
    assert sorted(standing(bench, "inside")) == sorted(runs[1:])


@pytest.mark.parametrize("state", ["cancelled", "timed out"])
def test_one_that_ends_while_it_waits_leaves_the_line(bench, make, state):
    """Cancelled, or past its deadline, it never began; the next one comes in its place."""
    make()
    second = make().run_id
    third = make().run_id
    if state == "cancelled":
        bench.store.cancel(second, "acme", "{}")
    else:
        bench.due_now(f"r|{second}")
        bench.sweep()
    assert standing(bench, "behind") == [third]
    bench.succeed(bench.claim())
    assert bench.claim().run == third


def test_one_that_never_began_is_replayed_from_the_start(bench, make):
    """Its deadline came while it waited: a replay stands in line again, and runs it whole."""
    make()
    second = make().run_id
    bench.due_now(f"r|{second}")
    bench.sweep()
    assert bench.state(second) == "TIMED_OUT"
    assert bench.store.replay(second, "acme", "ab", audited("replay", "me", "")).verdict == "ok"
    bench.check()
    assert (bench.state(second), standing(bench, "behind")) == ("QUEUED", [second])
    bench.succeed(bench.claim())
    bench.sweep()
    claim = bench.claim()
    assert (claim.run, claim.path) == (second, "a")
    bench.succeed(claim)
    assert bench.state(second) == "SUCCEEDED"


def test_a_replay_waits_for_its_turn(bench, make):
    """What failed goes on once who came meanwhile is over; what had succeeded of it is not done again."""
    first = make().run_id
    answer = bench.succeed(bench.claim(), dep("b"), next_nonce="b1")
    bench.due_now(f"r|{first}")
    bench.sweep()
    assert bench.state(first) == "TIMED_OUT"
    make()
    replayed = bench.store.replay(first, "acme", "ab", audited("replay", "me", ""))
    bench.bells += replayed.bells
    bench.check()
    assert (bench.state(first), bench.acts(first)["b"]["s"]) == ("QUEUED", "TIMED_OUT")
    assert answer.claim.path == "b"
    bench.succeed(bench.claim())
    bench.sweep()
    claim = bench.claim()
    assert (claim.run, claim.path) == (first, "b")
    bench.succeed(claim)
    assert bench.state(first) == "SUCCEEDED"


def test_one_that_is_paused_in_line_keeps_its_place(bench, make):
    """It is let in when its turn comes, and goes on when it is resumed."""
    make()
    second = make().run_id
    bench.store.pause(second, "acme", "ab", audited("pause", "me", ""))
    bench.succeed(bench.claim())
    assert (bench.state(second), standing(bench, "inside")) == ("PAUSED", [second])
    bench.bells += bench.store.resume(second, "acme", "cd", audited("resume", "me", "")).bells
    bench.check()
    assert bench.claim().run == second


def test_many_that_do_nothing_pass_through(bench, make):
    """Runs without a stage end as soon as they are let in: 64 in one script, the rest by the timers."""
    make()
    runs = [bench.store.create(replace(NOTHING, id=new_run_id(0))).run_id for _ in range(100)]
    bench.succeed(bench.claim())
    assert len(standing(bench, "behind")) == 36
    bench.sweep()
    assert {bench.state(run) for run in runs} == {"SUCCEEDED"}


def test_who_waits_says_for_whom(bench, make):
    """A run in line names one that goes on, and how many came before it; one that goes on says nothing."""
    first, second, third = (make().run_id for _ in range(3))
    assert bench.reader.run(first).stranded == ""
    assert bench.reader.run(second).stranded == f"waits for its turn: {first} goes on"
    assert bench.reader.run(third).stranded == f"waits for its turn: {first} goes on, 1 came before it"
    bench.succeed(bench.claim())
    assert [bench.reader.run(run).stranded for run in (first, second)] == ["", ""]
    assert bench.reader.run(third).stranded == f"waits for its turn: {second} goes on"


def test_who_waits_for_several_says_how_many(bench, make):
    """Two of three go on at a time: the third one waits for either."""
    runs = [make(group=group(most=2)).run_id for _ in range(3)]
    said = bench.reader.run(runs[2]).stranded
    assert said in {f"waits for its turn: {run} and 1 more go on" for run in runs[:2]}
