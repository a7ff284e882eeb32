"""What the store counts for the metrics, and that reading it costs the same however many runs there are."""

import json

import pytest

from saltern_runtime.store.calls import Failed
from tests.runtime.store.conftest import dep

OPEN = ("QUEUED", "RUNNING", "WAITING", "PAUSED", "CANCELLING", "COMPENSATING")


def failure(kind):
    return json.dumps({"kind": kind, "code": "busy", "message": "later"})


def states(bench):
    return {state: count for state, count in bench.reader.figures().open.items() if count}


def test_open_runs_are_counted_by_their_state(bench):
    """From their start to their end, each in one state; those that are over in none."""
    bench.create(dep("a"))
    bench.create(dep("a"))
    assert states(bench) == {"QUEUED": 2}
    claim = bench.claim()
    assert states(bench) == {"QUEUED": 1, "RUNNING": 1}
    bench.succeed(claim)
    assert states(bench) == {"QUEUED": 1}
    assert set(bench.reader.figures().open) == set(OPEN)


@pytest.mark.parametrize("end", ["cancel", "deadline", "failure", "nothing to do"])
def test_a_run_that_is_over_counts_as_open_no_more(bench, end):
    """However it ended."""
    if end == "nothing to do":
        bench.create(entries=())
    else:
        run = bench.create(dep("a")).run_id
    if end == "cancel":
        bench.store.cancel(run, "acme", failure("cancelled"))
    elif end == "deadline":
        bench.due_now(f"r|{run}")
        bench.sweep()
    elif end == "failure":
        bench.store.fail(bench.claim(), Failed(failure("internal"), None), None)
    if end != "nothing to do":
        assert states(bench) == {}
    bench.check()


def test_the_age_of_the_oldest_open_run(bench):
    """It is that of the first one that is open in the state."""
    run = bench.create(dep("a")).run_id
    bench.create(dep("a"))
    bench.client.zincrby(bench.key("state:QUEUED"), -90_000, run)
    figures = bench.reader.figures()
    assert 90 <= figures.eldest["QUEUED"] < 120
    assert figures.eldest["RUNNING"] == 0


def test_how_far_the_timers_are_behind(bench):
    """It is the age of the first thing that is due; 0 where nothing is."""
    run = bench.create(dep("a")).run_id
    assert bench.reader.figures().lag == 0
    seconds, _ = bench.client.time()
    bench.client.zadd(bench.key("due"), {f"r|{run}": (seconds - 30) * 1000})
    assert 30 <= bench.reader.figures().lag < 60
    bench.sweep()
    assert bench.reader.figures().lag == 0


def test_bells_that_called_to_nothing_are_counted(bench):
    """One that rang twice, and one whose work somebody else had taken; a call that is sent again only once."""
    bench.create(dep("a"))
    bell = bench.bells[0]
    bench.claim("n1")
    assert "vain" not in bench.reader.figures().counts
    bench.store.answer(bell, "n2")
    assert bench.reader.figures().counts["vain"] == 1
    bench.create(dep("a"))
    bench.create(dep("a"))
    first, second = bench.bells
    claim = bench.store.answer(first, "n3").claim
    bench.succeed(claim, next_nonce="n4")
    for _ in range(2):
        bench.store.answer(second, "n5")
    assert bench.reader.figures().counts["vain"] == 2


def test_leases_that_were_lost_are_counted(bench):
    """By stage, once however often the sweep is sent."""
    run = bench.create(dep("a")).run_id
    bench.claim()
    bench.trust_timers()
    bench.due_now(f"a|{run}|a")
    for _ in range(2):
        bench.sweep("same")
    assert bench.reader.figures().counts["lost|a"] == 1


def test_retries_are_counted_by_the_class_of_the_error(bench):
    """Codes may be anybody's; classes are few."""
    bench.create(dep("a"))
    bench.store.fail(bench.claim(), Failed(failure("external-transient"), 1.0), None)
    assert bench.reader.figures().counts["retries|a|external-transient"] == 1


def test_reading_costs_the_same_however_many_runs_there_are(bench):
    """The same commands, none of which looks through runs."""
    costs = []
    bench.reader.figures()  # opens its connection
    for many in (1, 40):
        for _ in range(many):
            bench.create(dep("a"))
        bench.client.config_resetstat()
        bench.reader.figures()
        stats = bench.client.info("commandstats")
        costs.append({name: each["calls"] for name, each in stats.items() if name != "cmdstat_config|resetstat"})
    assert costs[0] == costs[1]
    assert not {"cmdstat_keys", "cmdstat_scan", "cmdstat_zrangebyscore"} & set(costs[0])
