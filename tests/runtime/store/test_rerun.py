"""rerun: what it forgets and tells again, page by page; what ends while it is under way; sent twice."""

from saltern_runtime.store.keys import new_nonce
from saltern_runtime.store.rerunning import read_ended
from tests.runtime.store.conftest import dep
from tests.runtime.store.test_operating import SAID, fail, operate
from tests.runtime.store.test_replay_under_way import big, drained, swept


def batch(**parts):
    """Make a batch of some parts."""
    return {part: [] for part in ("stages", "acts", "vals", "counts", "told", "arrive")} | parts


def ended(bench, made):
    return read_ended(bench.store, made.run_id, lambda *_: [])


def rerun(bench, run, batches, nonce=None):
    """Begin a run anew; returns the verdict."""
    done = bench.store.rerun(run, "acme", nonce or new_nonce(), SAID, batches)
    bench.bells += done.bells
    bench.check()
    return done.verdict


def over(bench, **given):
    """Make a run of two stages, one behind the other, that succeeded."""
    made = bench.create(dep("a"), **given)
    claim = bench.succeed(bench.claim(), dep("b"), next_nonce=new_nonce()).claim
    bench.succeed(claim)
    assert bench.state(made.run_id) == "SUCCEEDED"
    return made


B = (batch(stages=["b"], acts=["b"], arrive=[dep("b")]),)


def test_sent_twice_it_answers_the_same(bench):
    """The first bells again; another call is told that the run is open, and afterwards that it is another one."""
    made = over(bench)
    was = ended(bench, made)
    first = bench.store.rerun(was, "acme", "aa", SAID, B)
    bench.bells += first.bells
    assert first.verdict == "ok"
    bench.check()
    assert bench.store.rerun(was, "acme", "aa", SAID, B) == first
    assert rerun(bench, was, B) == "open"
    claim = bench.claim()
    assert (claim.path, claim.epoch) == ("b", 1)
    bench.succeed(claim)
    assert bench.state(made.run_id) == "SUCCEEDED"
    assert rerun(bench, was, B) == "changed"
    assert bench.state(made.run_id) == "SUCCEEDED"
    assert bench.store.rerun(was, "other", "bb", SAID, B).verdict == "missing"
    assert [entry["what"] for entry in bench.store.audit(made.run_id)] == ["did"]


def test_what_is_handed_over_is_dropped_where_nobody_comes(bench):
    """Batches of a call that was refused, or whose caller died, have an end; those of another are not touched."""
    made = over(bench)
    was = ended(bench, made)
    assert bench.store.rerun(was, "other", "bb", SAID, B).verdict == "missing"
    key = bench.store.keys.run(made.run_id, ":rerun:bb")
    assert 0 < bench.client.ttl(key) <= 3600
    assert rerun(bench, was, B) == "ok"
    assert bench.client.exists(key)


def test_all_is_kept_as_long_as_the_run_goes_on(bench):
    """As in a replay: nothing of it expires before it is over again, and then all does."""
    made = over(bench)
    keys = [bench.store.keys.run(made.run_id, part) for part in ("", ":acts", ":vals", ":events")]
    assert min(bench.client.ttl(key) for key in keys) > 0
    assert rerun(bench, ended(bench, made), B) == "ok"
    assert {bench.client.ttl(key) for key in keys} == {-1}
    bench.succeed(bench.claim())
    assert min(bench.client.ttl(key) for key in keys) > 0


def many(bench):
    """Make a run of some 180 activations that failed, and the batches with which all of it begins anew, at `e1`."""
    made, claim = big(bench)
    fail(bench, claim)
    swept(bench)
    drained(bench)
    names = [f"{letter}{index}" for letter in "efg" for index in range(60)]
    forget = [batch(stages=names[at : at + 30], acts=names[at : at + 30]) for at in range(0, 180, 30)]
    told = [[name, "B:1:0:0"] for name in names[60:]]
    tell = [batch(told=told[at : at + 60]) for at in range(0, 120, 60)]
    return made, [*forget, *tell, batch(arrive=[dep("e1"), dep("f1", need=2)])]


def test_nothing_begins_before_all_is_forgotten(bench):
    """It is forgotten in pages; meanwhile the run is open, and nothing of it is claimed."""
    made, batches = many(bench)
    assert rerun(bench, ended(bench, made), batches) == "ok"
    key = bench.store.keys.run(made.run_id, ":rerun")
    pages = 0
    while bench.client.exists(key):
        assert bench.state(made.run_id) == "RUNNING"
        assert not bench.bells
        bench.sweep()
        bench.check()
        pages += 1
    assert pages > 4
    swept(bench)
    assert {path for path, act in bench.acts(made.run_id).items() if isinstance(act, dict)} == {"e1", "f1"}
    claims = [bench.claim(), bench.claim()]
    assert {(claim.path, claim.epoch) for claim in claims} == {("e1", 1), ("f1", 1)}


def test_a_run_that_ends_while_its_rerun_is_under_way(bench):
    """Its deadline ends it; a replay goes on with what was to be forgotten, and then with what is to begin."""
    made, batches = many(bench)
    assert rerun(bench, ended(bench, made), batches) == "ok"
    bench.sweep()
    bench.client.zadd(bench.key("due"), {f"r|{made.run_id}": 1})
    swept(bench)
    assert bench.state(made.run_id) == "TIMED_OUT"
    key = bench.store.keys.run(made.run_id, ":rerun")
    assert bench.client.ttl(key) > 0
    assert ended(bench, made).is_begun
    assert operate(bench, "replay", made.run_id) == "ok"
    assert bench.client.ttl(key) == -1
    swept(bench)
    assert not bench.client.exists(key)
    assert {path for path, act in bench.acts(made.run_id).items() if isinstance(act, dict)} == {"e1", "f1"}
