"""pause, resume, replay, discard: what people do to runs, in the store alone."""

import pytest

from saltern_runtime.store.calls import Failed
from saltern_runtime.store.keys import new_nonce
from saltern_runtime.store.letters import Letters, Wanted
from saltern_runtime.store.operating import audited
from tests.runtime.store.conftest import dep

WHY = '{"kind":"external-permanent","code":"refused","message":"no","node":"a"}'
SAID = audited("did", "token:1", "because")


def operate(bench, what, run_id, nonce=None, tenant="acme"):
    """Do something to a run; returns the verdict."""
    done = getattr(bench.store, what)(run_id, tenant, nonce or new_nonce(), SAID)
    bench.bells += done.bells
    bench.check()
    return done.verdict


def fail(bench, claim, **how):
    answer = bench.store.fail(claim, Failed(WHY, None, **how), None)
    bench.bells += answer.bells
    bench.check()


def test_nothing_begins_while_a_run_is_paused(bench):
    """What runs is recorded; what it makes READY, and what was READY, is claimed by nobody until the run is resumed."""
    made = bench.create(dep("a"), dep("b"))
    first = bench.claim()
    assert operate(bench, "pause", made.run_id) == "ok"
    assert bench.state(made.run_id) == "PAUSED"
    answer = bench.succeed(first, dep("c"), next_nonce=new_nonce())
    assert answer.claim is None
    bench.bells = [bell for bell in bench.bells if bell.path]
    while bench.bells:
        assert bench.claim() is None
    assert {path: act["s"] for path, act in bench.acts(made.run_id).items()} == {
        "a": "SUCCEEDED",
        "b": "READY",
        "c": "READY",
    }
    assert operate(bench, "resume", made.run_id) == "ok"
    assert {bench.claim().path, bench.claim().path} == {"b", "c"}
    assert bench.state(made.run_id) == "RUNNING"


def test_pause_and_resume_may_be_sent_twice(bench):
    """The same call again answers the same; another one is told that it is so already."""
    made = bench.create()
    assert [operate(bench, "pause", made.run_id, "aa") for _ in range(2)] == ["ok", "ok"]
    assert operate(bench, "pause", made.run_id) == "done"
    first = bench.store.resume(made.run_id, "acme", "bb", SAID)
    assert bench.store.resume(made.run_id, "acme", "bb", SAID) == first
    assert operate(bench, "resume", made.run_id) == "done"
    assert bench.state(made.run_id) == "QUEUED"
    assert [entry["what"] for entry in bench.store.audit(made.run_id)] == ["did", "did"]


def test_what_comes_again_after_the_opposite_changes_nothing(bench):
    """Somebody resumed, or paused, before the call was sent again whose reply was lost: it answers `ok`, and does not undo that."""
    made = bench.create()
    operate(bench, "pause", made.run_id, "aa")
    operate(bench, "resume", made.run_id, "bb")
    assert (operate(bench, "pause", made.run_id, "aa"), bench.state(made.run_id)) == ("ok", "QUEUED")
    operate(bench, "pause", made.run_id, "cc")
    assert (operate(bench, "resume", made.run_id, "bb"), bench.state(made.run_id)) == ("ok", "PAUSED")
    assert len(bench.store.audit(made.run_id)) == 3
    bench.store.cancel(made.run_id, "acme", "{}")
    assert operate(bench, "pause", made.run_id, "cc") == "ok"
    assert bench.state(made.run_id) == "CANCELLED"


def test_waits_retries_and_lost_leases_of_a_paused_run_are_held(bench):
    """Timers go on counting: what becomes READY by them waits for the end of the pause."""
    made = bench.create(dep("a"), dep("b"))
    one, two = bench.claim(), bench.claim()
    bench.store.fail(one, Failed(WHY, 30.0), None)
    operate(bench, "pause", made.run_id)
    bench.trust_timers()
    bench.due_now(f"a|{made.run_id}|{one.path}")
    bench.due_now(f"a|{made.run_id}|{two.path}")
    bench.sweep()
    assert {act["s"] for act in bench.acts(made.run_id).values()} == {"READY"}
    assert bench.client.zcard(bench.key("ready:q")) == 0
    operate(bench, "resume", made.run_id)
    assert bench.client.zcard(bench.key("ready:q")) == 2


def test_a_paused_run_ends_by_its_deadline_or_when_it_is_cancelled(bench):
    """A pause stops no clock, and no hand."""
    first, second = bench.create(), bench.create()
    for made in (first, second):
        operate(bench, "pause", made.run_id)
    bench.due_now(f"r|{first.run_id}")
    bench.sweep()
    assert bench.state(first.run_id) == "TIMED_OUT"
    assert bench.store.cancel(second.run_id, "acme", WHY)[0] == "CANCELLED"
    assert operate(bench, "pause", first.run_id) == "late"
    assert operate(bench, "resume", first.run_id) == "done"


def test_many_that_are_ready_are_put_back_in_pages(bench):
    """A resume puts back about 64 at once; the timers take the rest."""
    made = bench.create(*[dep(f"e{index}") for index in range(60)])
    answer = bench.succeed(bench.claim(), *[dep(f"f{index}") for index in range(60)], next_nonce="a1")
    answer = bench.succeed(answer.claim, *[dep(f"g{index}") for index in range(60)], next_nonce="a2")
    operate(bench, "pause", made.run_id)
    while bench.bells:  # an answer passes sixteen over, and rings for the rest
        assert bench.claim() is None
    assert bench.client.zcard(bench.key("ready:q")) == 0
    operate(bench, "resume", made.run_id)
    assert bench.client.zscore(bench.key("due"), f"q|{made.run_id}") is not None
    for _ in range(10):
        bench.sweep()
    assert bench.client.zcard(bench.key("ready:q")) == 177
    bench.succeed(answer.claim)


def test_a_replay_goes_on_from_what_failed(bench):
    """What had succeeded stays; what failed begins anew with all attempts, what the end cut off too; the letter is dealt with."""
    made = bench.create(dep("a"), dep("b"), dep("c"))
    done, bad, open_ = bench.claim(), bench.claim(), bench.claim()
    bench.succeed(done, dep("d", need=2), values={done.path: "1"})
    fail(bench, bad)
    assert operate(bench, "replay", made.run_id) == "ok"
    assert bench.client.zcard(bench.key("dead")) == bench.client.zcard(bench.key("dead:acme")) == 0
    assert bench.succeed(open_).status == "stale"
    claims = {claim.path: claim for claim in (bench.claim(), bench.claim())}
    assert set(claims) == {bad.path, open_.path}
    assert (claims[bad.path].attempt, claims[bad.path].failures) == (2, 0)
    bench.succeed(claims[bad.path], dep("d", need=2))
    bench.succeed(claims[open_.path])
    bench.succeed(bench.claim())
    view = bench.reader.run(made.run_id)
    assert (view.state, view.failure) == ("SUCCEEDED", None)
    assert "run.replayed" in bench.events(made.run_id)
    assert bench.client.hget(bench.store.keys.run(made.run_id), "generation") == "1"
    assert bench.client.ttl(bench.store.keys.run(made.run_id)) > 0


def test_a_replay_may_be_sent_twice(bench):
    """The same call again makes nothing ready twice, and answers with the first bells."""
    made = bench.create()
    fail(bench, bench.claim())
    first = bench.store.replay(made.run_id, "acme", "cc", SAID)
    assert bench.store.replay(made.run_id, "acme", "cc", SAID) == first
    bench.check()
    assert operate(bench, "replay", made.run_id) == "open"


def test_a_replayed_run_lives_as_long_as_before(bench):
    """Its deadline counts anew, its keys expire only after its next end, and it may fail and be replayed again."""
    made = bench.create(deadline=50.0)
    key = bench.store.keys.run(made.run_id)
    for generation in (1, 2):
        fail(bench, bench.claim())
        assert bench.client.ttl(key) > 0
        assert operate(bench, "replay", made.run_id) == "ok"
        assert {
            bench.client.ttl(bench.store.keys.run(made.run_id, part))
            for part in ("", ":acts", ":vals", ":events", ":audit")
        } == {-1}
        left = int(bench.client.hget(key, "deadline")) / 1000 - bench.client.time()[0]
        assert 48 < left <= 51
        assert bench.client.hget(key, "generation") == str(generation)
    bench.due_now(f"r|{made.run_id}")
    bench.sweep()
    assert bench.state(made.run_id) == "TIMED_OUT"
    assert operate(bench, "replay", made.run_id) == "ok"
    bench.succeed(bench.claim())
    assert bench.state(made.run_id) == "SUCCEEDED"


def test_a_big_run_is_replayed_in_pages(bench):
    """About 64 activations go on at once; meanwhile the run cannot end by having nothing open."""
    made = bench.create(*[dep(f"e{index}") for index in range(60)])
    claim = bench.succeed(bench.claim(), *[dep(f"f{index}") for index in range(60)], next_nonce="a1").claim
    claim = bench.succeed(claim, *[dep(f"g{index}") for index in range(60)], next_nonce="a2").claim
    fail(bench, claim)
    assert operate(bench, "replay", made.run_id) == "open", "what it left is not all closed yet"
    for _ in range(10):
        bench.sweep()
    assert operate(bench, "replay", made.run_id) == "ok"
    assert bench.client.zscore(bench.key("due"), f"v|{made.run_id}") is not None
    for _ in range(10):
        bench.sweep()
    assert bench.client.zcard(bench.key("ready:q")) == 178


def test_a_failure_while_a_replay_is_under_way_ends_it(bench):
    """What was not put back yet stays as it is, and the next replay finds it all."""
    made = bench.create(*[dep(f"e{index}", priority=9 if index == 0 else 1) for index in range(60)])
    claim = bench.claim()
    first = bench.succeed(claim, *[dep(f"f{index}") for index in range(60)], next_nonce="a1").claim
    first = bench.succeed(first, *[dep(f"g{index}") for index in range(60)], next_nonce="a2").claim
    fail(bench, first)
    for _ in range(10):
        bench.sweep()
    while bench.bells:  # rung before; nothing is there any more
        assert bench.claim() is None
    operate(bench, "replay", made.run_id)
    fail(bench, bench.claim())
    assert bench.state(made.run_id) == "FAILED"
    for _ in range(10):
        bench.sweep()
    assert operate(bench, "replay", made.run_id) == "ok"
    for _ in range(10):
        bench.sweep()
    assert bench.client.zcard(bench.key("ready:q")) == 178


@pytest.mark.parametrize(
    ("ending", "verdict"),
    [
        ("nothing", "open"),
        ("success", "succeeded"),
        ("cancel", "cancelled"),
        ("older", "older"),
        ("gone", "missing"),
        ("tenant", "missing"),
    ],
)
def test_what_is_not_replayed(bench, ending, verdict):
    """Each has its reason; and the run stays as it was."""
    made = bench.create()
    claim = bench.claim()
    if ending == "success":
        bench.succeed(claim)
    elif ending == "cancel":
        bench.store.cancel(made.run_id, "acme", WHY)
        bench.succeed(claim)
    elif ending != "nothing":
        fail(bench, claim)
    if ending == "older":
        bench.client.hset(bench.store.keys.run(made.run_id), "layout", 1)
    before = bench.client.hgetall(bench.store.keys.run(made.run_id))
    run_id = "0-" + "f" * 24 if ending == "gone" else made.run_id
    assert operate(bench, "replay", run_id, tenant="other" if ending == "tenant" else "acme") == verdict
    assert bench.client.hgetall(bench.store.keys.run(made.run_id)) == before


def test_letters_are_listed_filtered_and_paged(bench):
    """Newest first, of one tenant, by what failed and how; a broken cursor is a ValueError."""
    letters = Letters(bench.store, "p")
    made = [bench.create() for _ in range(5)]
    for _ in range(4):
        fail(bench, bench.claim())
    bench.store.fail(bench.claim(), Failed(WHY.replace("refused", "gone"), None), None)
    other = bench.create(tenant="other")
    fail(bench, bench.claim())
    page = letters.page("acme", 3, None, Wanted())
    rest = letters.page("acme", 3, page.cursor, Wanted())
    listed = [*page.letters, *rest.letters]
    assert sorted(letter.run for letter in listed) == sorted(each.run_id for each in made)
    assert [letter.at for letter in listed] == sorted((letter.at for letter in listed), reverse=True)
    assert rest.cursor is None
    assert [letter.failure.code for letter in letters.page("acme", 9, None, Wanted(code="gone")).letters] == ["gone"]
    assert letters.page("acme", 9, None, Wanted(node="b")).letters == ()
    assert len(letters.page("acme", 9, None, Wanted(node="a", kind="external-permanent", pipeline="p")).letters) == 5
    assert letters.page("acme", 9, None, Wanted(since=page.letters[0].at + 10)).letters == ()
    assert letters.page("acme", 9, None, Wanted(until=page.letters[0].at - 1000)).letters == ()
    assert [letter.run for letter in letters.page("other", 9, None, Wanted()).letters] == [other.run_id]
    for cursor in ("x", "1", "1.", "1.zz", "-1.0-" + "a" * 24):
        with pytest.raises(ValueError, match="cursor"):
            letters.page("acme", 3, cursor, Wanted())


def test_a_letter_is_discarded_once(bench):
    """With who and why; the run stays FAILED, and its metrics no longer count it as waiting."""
    made = bench.create()
    claim = bench.claim()
    fail(bench, claim)
    assert bench.store.discard(made.run_id, claim.path, "other", SAID).verdict == "missing"
    assert bench.store.discard(made.run_id, claim.path, "acme", SAID).verdict == "ok"
    assert bench.store.discard(made.run_id, claim.path, "acme", SAID).verdict == "missing"
    assert bench.reader.figures().dead_letters == 0
    assert [(entry["what"], entry["by"], entry["why"]) for entry in bench.store.audit(made.run_id)] == [
        ("did", "token:1", "because")
    ]
    assert bench.client.ttl(bench.store.keys.run(made.run_id, ":audit")) > 0
    assert bench.state(made.run_id) == "FAILED"
