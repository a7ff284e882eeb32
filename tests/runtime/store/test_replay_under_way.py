"""What ends while a replay is under way, and letters of runs that are kept for longer."""

from saltern_runtime.store.calls import Outcome
from saltern_runtime.store.keys import new_nonce
from saltern_runtime.store.letters import Letters, Wanted
from tests.runtime.store.conftest import dep
from tests.runtime.store.test_operating import SAID, WHY, fail, operate
from tests.support.until import until


def big(bench, **changes):
    """Make a run with some 180 activations, all READY but those done; returns it with the claim that is held."""
    made = bench.create(*[dep(f"e{index}", priority=9 if index == 0 else 1) for index in range(60)], **changes)
    claim = bench.claim()
    claim = bench.succeed(claim, *[dep(f"f{index}") for index in range(60)], next_nonce="a1").claim
    claim = bench.succeed(claim, *[dep(f"g{index}") for index in range(60)], next_nonce="a2").claim
    return made, claim


def swept(bench):
    for _ in range(12):
        bench.sweep()


def drained(bench):
    while bench.bells:
        assert bench.claim() is None


def test_a_run_that_takes_back_while_its_replay_is_under_way(bench):
    """What it must take back is taken back, once and before the run is over."""
    made, claim = big(bench)
    fail(bench, claim)
    swept(bench)
    drained(bench)
    operate(bench, "replay", made.run_id)
    assert bench.client.zscore(bench.key("due"), f"v|{made.run_id}") is not None
    one = bench.claim()
    answer = bench.store.advance(one, Outcome("SUCCEEDED", (), {}, undo=dep("u/compensate")), new_nonce())
    bench.bells += answer.bells
    bench.check()
    fail(bench, answer.claim)
    assert bench.state(made.run_id) == "COMPENSATING"
    swept(bench)
    assert bench.state(made.run_id) == "COMPENSATING"
    bench.check()
    undo = bench.claim()
    while undo is None:
        undo = bench.claim()
    assert undo.path == "u/compensate"
    assert bench.succeed(undo).status == "ok"
    assert bench.state(made.run_id) == "FAILED"


def test_a_deadline_while_a_replay_of_compensations_is_under_way(bench):
    """What was to be taken back again, and was not for want of time, can be tried again later; nothing stays behind."""
    made, claim = big(bench)
    names = {f"u{index}/compensate" for index in range(20)}
    for name in sorted(names):
        answer = bench.store.advance(claim, Outcome("SUCCEEDED", (), {}, undo=dep(name)), new_nonce())
        bench.bells += answer.bells
        claim = answer.claim
    fail(bench, claim)
    assert taken_back(bench, made, failure=WHY) == names
    bench.client.hset(bench.store.keys.run(made.run_id), "owes", 1)  # as their letters say
    assert operate(bench, "replay", made.run_id) == "ok"
    owed = bench.store.keys.run(made.run_id, ":owed")
    assert bench.client.exists(owed)
    assert bench.client.zscore(bench.key("due"), f"v|{made.run_id}") is not None, "it is under way"
    bench.client.zadd(bench.key("due"), {f"r|{made.run_id}": 1})
    swept(bench)
    assert bench.state(made.run_id) == "FAILED"
    assert bench.client.ttl(owed) > 0
    letters = {letter.path for letter in Letters(bench.store, "p").page("acme", 99, None, Wanted()).letters}
    assert letters & names
    assert operate(bench, "replay", made.run_id) == "ok"
    assert taken_back(bench, made) == names
    assert bench.client.exists(owed) == 0


def taken_back(bench, made, failure=None):
    """Take back all that is to be taken back, or fail to; returns what that was."""
    seen = set()
    for _ in range(200):
        swept(bench)
        if bench.state(made.run_id) != "COMPENSATING":
            return seen
        claims = [bench.claim() for _ in range(len(bench.bells))]
        for claim in filter(None, claims):
            seen.add(claim.path)
            outcome = Outcome("FAILED" if failure else "SUCCEEDED", (), {}, failure=failure)
            bench.bells += bench.store.advance(claim, outcome, None).bells
            bench.check()
    raise AssertionError(f"{made.run_id} does not end")


def test_letters_outlive_those_of_runs_that_are_kept_for_less_long(bench):
    """A run of another pipeline, with a shorter retention, takes no letters away but of runs that are gone."""
    made = bench.create(retention=3600.0)
    fail(bench, bench.claim())
    for key in ("dead", "dead:acme"):
        member = bench.client.zrange(bench.key(key), 0, 0)[0]
        bench.client.zincrby(bench.key(key), -100_000, member)  # as if it were 100 s ago
    bench.create(retention=60.0)
    fail(bench, bench.claim())
    page = Letters(bench.store, "p").page("acme", 9, None, Wanted())
    assert made.run_id in {letter.run for letter in page.letters}
    assert bench.store.discard(made.run_id, page.letters[-1].path, "acme", SAID).verdict == "ok"


def test_letters_of_runs_that_are_gone_wait_for_nobody(bench):
    """Once the last run with a letter is gone, no letter is counted as waiting, and nothing of it stays in the store."""
    bench.create(deadline=0.5, retention=0.3)
    fail(bench, bench.claim())
    assert bench.reader.figures().dead_letters == 1
    assert until(lambda: bench.reader.figures().dead_letters == 0, 10)
    assert bench.client.exists(bench.key("dead"), bench.key("dead:acme")) == 0


def test_a_key_leads_to_its_run_for_as_long_as_that_is_replayed(bench):
    """A request that is sent again while the run is open makes no second one, however late it was replayed."""
    made = bench.create(idempotency="key", deadline=60.0, retention=60.0)
    fail(bench, bench.claim())
    (idem,) = bench.client.keys(bench.key("idem:*"))
    bench.client.pexpire(idem, 1000)  # as if the run had failed at its deadline, and most of its retention had passed
    assert operate(bench, "replay", made.run_id) == "ok"
    assert bench.client.ttl(idem) > 110
