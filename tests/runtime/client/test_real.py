"""Both clients over the real API, engine and store."""

import threading
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest

from saltern_runtime.client import (
    ConflictError,
    InvalidRequestError,
    LetterFilter,
    NotFoundError,
    NotOverError,
    NotSucceededError,
    OutputError,
    RefusedTokenError,
    RunFilter,
)
from saltern_runtime.models import Model
from saltern_runtime.store.calls import NewRun
from saltern_runtime.store.keys import new_run_id
from saltern_runtime.store.versions import announce
from tests.support.listening import listening
from tests.support.operated import Input, Output
from tests.support.until import until

NOBODY = f"0-{'0' * 24}"


def test_a_run_from_its_start_to_its_output(ours, orders):
    """Input and output are the generated models; the run comes with its nodes."""
    started = ours.start(Input(id="a"))
    assert (started.created, started.run) == (True, None)
    with orders.working():
        run = ours.wait(started.id, 20)
    assert run.output == Output(charged="A")
    assert (run.state, run.is_over, run.input) == ("SUCCEEDED", True, {"id": "a"})
    assert [(node.id, node.state) for node in run.nodes] == [("charge", "SUCCEEDED"), ("return", "SUCCEEDED")]
    assert ours.get(started.id) == run


def test_without_models_everything_is_plain_json(plain, orders):
    """A client works where the generated package is not."""
    (run,) = orders.started("a")
    assert plain.get(run).output == {"charged": "A"}
    with orders.working():
        assert plain.start({"id": "b"}, wait=20).run.output == {"charged": "B"}


def test_one_key_starts_one_run(ours, orders):
    """The same key and input lead to the first run, another input under that key is an error."""
    first, again = (ours.start(Input(id="a"), idempotency_key="k") for _ in range(2))
    assert (again.id, first.created, again.created) == (first.id, True, False)
    with pytest.raises(InvalidRequestError) as refused:
        ours.start(Input(id="b"), idempotency_key="k")
    assert (refused.value.status, refused.value.code) == (422, "idempotency-key-reused")


def test_what_a_service_finds_is_told(plain):
    """Findings name their places in what was sent."""
    with pytest.raises(InvalidRequestError, match="invalid-request") as refused:
        plain.start({"id": 7})
    (finding,) = refused.value.findings
    assert finding.pointer == "#/id"


def test_a_wrong_input_is_not_sent(ours, orders):
    """A typed client checks what it is given; the service hears nothing of it."""
    with pytest.raises(ValueError, match="Input"):
        ours.start({"id": 7})
    assert list(ours.list()) == []


def test_a_run_that_takes_too_long(ours):
    """Waiting has an end, at which the error says how the run stands; it is a TimeoutError."""
    run = ours.start(Input(id="a")).id
    with pytest.raises(TimeoutError, match=f"the run {run} is QUEUED after 1 s") as late:
        ours.wait(run, 1)
    assert isinstance(late.value, NotOverError)
    assert (late.value.run, late.value.state) == (run, "QUEUED")


def test_a_run_that_failed_has_no_output(ours, orders):
    """Asking for it says why."""
    (bad,) = orders.started("bad")
    run = ours.wait(bad, 1)
    assert (run.failure.code, run.failure.node, run.failure.status) == ("refused", "charge", 402)
    with pytest.raises(NotSucceededError, match=r"is FAILED: .*refused"):
        _ = run.output


def test_an_output_of_another_type_can_be_looked_at(connect, orders):
    """A run of another plan is shown all the same; only its output cannot be read, and the error does not repeat it."""

    class Other(Model):
        total: int

    (run,) = orders.started("private")
    with connect(orders.url, orders.token, input=Input, output=Other) as client:
        found = client.get(run)
        assert (found.state, found.raw_output) == ("SUCCEEDED", {"charged": "PRIVATE"})
        with pytest.raises(OutputError, match="charged, total") as wrong:
            _ = found.output
    assert "PRIVATE" not in f"{wrong.value!r} {wrong.value.__cause__!r}"


def test_pages_are_gone_through(ours, orders, monkeypatch):
    """A listing has all runs, however many a page takes, newest first; it asks for a page when that is needed."""
    monkeypatch.setattr("saltern_runtime.client.calls.runs.__defaults__", (2,))
    runs = orders.started(*(f"a{n}" for n in range(5)), "bad")
    found = list(ours.list())
    assert sorted(run.id for run in found) == sorted(runs)
    assert [run.created_at for run in found] == sorted((run.created_at for run in found), reverse=True)
    assert [run.id for run in ours.list(RunFilter(state=["FAILED"]))] == runs[-1:]
    hour = timedelta(hours=1)
    now = datetime.now(UTC)
    assert list(ours.list(RunFilter(since=now + hour))) == []
    assert len(list(ours.list(RunFilter(state=["FAILED", "SUCCEEDED"], trigger="api", until=now + hour)))) == 6


def test_events_are_followed_to_the_end(ours, orders):
    """What was, what is, and nothing after the end; an id goes on behind it."""
    run = ours.start(Input(id="a")).id
    following = ours.follow(run)
    first = next(following)
    assert (first.type, first.is_end) == ("run.created", False)
    orders.finish(run)
    rest = list(following)
    assert [event.path for event in rest if event.type == "stage.succeeded"] == ["charge", "return"]
    assert (rest[-1].type, rest[-1].is_end) == ("run.succeeded", True)
    assert [event.id for event in ours.follow(run, after=rest[-2].id)] == [rest[-1].id]
    assert list(ours.follow(run, after=rest[-1].id)) == []


def test_a_replayed_run_is_followed_through_both_ends(ours, orders):
    """The event of an end that a replay took back is not the last one."""
    (run,) = orders.started("bad")
    orders.broken.clear()
    ours.replay(run)
    orders.finish(run)
    ends = [event.type for event in ours.follow(run) if event.is_end]
    assert ends == ["run.failed", "run.succeeded"]


def test_a_service_that_starts_anew_is_followed_on(connect, orders):
    """Where the connection breaks, the client goes on behind the last event that it saw: none is missing, none comes twice."""
    backends = dict(orders.app.state.saltern_backends)
    with ExitStack() as first:
        url = first.enter_context(listening(orders.app))
        with connect(url, orders.token) as client:
            run = client.start({"id": "a"}).id
            following = client.follow(run)
            seen = [next(following)]
            first.close()
            orders.app.state.saltern_backends = backends
            with listening(orders.app, at=int(url.rpartition(":")[2])):
                orders.finish(run)
                seen += following
    assert [event.id for event in seen] == [event.id for event in orders.worker.service.events(run)]


def test_a_run_is_paused_resumed_and_cancelled(ours, orders):
    """Each answers with the run as it is then, and what was done stands in the audit with its reason."""
    run = ours.start(Input(id="a")).id
    assert ours.pause(run, "the bank is closed").state == "PAUSED"
    assert ours.pause(run).state == "PAUSED"
    assert ours.resume(run, "it is open").state == "QUEUED"
    assert ours.cancel(run, "no need").state in ("CANCELLING", "CANCELLED")
    entries = ours.audit(run)
    assert [(entry.what, entry.why) for entry in entries][:2] == [
        ("pause", "the bank is closed"),
        ("resume", "it is open"),
    ]
    assert {entry.by[:6] for entry in entries} == {"token:"}


def test_a_run_is_started_again(ours, orders):
    """With its own input or a changed one, once for a key; what the pipeline does not take is not sent."""
    (run,) = orders.started("bad")
    same, changed = ours.again(run, reason="try"), ours.again(run, Input(id="good"), idempotency_key="k")
    assert ours.again(run, Input(id="good"), idempotency_key="k").id == changed.id
    with orders.working():
        assert ours.wait(same.id, 20).state == "FAILED"
        assert ours.wait(changed.id, 20).output == Output(charged="GOOD")
    assert [(entry.what, entry.run, entry.why) for entry in ours.audit(run)] == [
        ("again", same.id, "try"),
        ("again", changed.id, ""),
    ]
    assert ours.audit(changed.id)[0].of == run
    with pytest.raises(NotFoundError):
        ours.again(NOBODY)


def test_a_run_begins_anew_at_a_node(ours, orders):
    """It ends once more; the audit says where it began; what is not there is refused by its code."""
    (run,) = orders.started("good")
    assert ours.rerun(run, "return", "once more").is_over is False
    with orders.working():
        assert ours.wait(run, 20).output == Output(charged="GOOD")
    assert [(entry.what, entry.node, entry.why) for entry in ours.audit(run)] == [("rerun", "return", "once more")]
    with pytest.raises(InvalidRequestError) as refused:
        ours.rerun(run, "other")
    assert refused.value.code == "node-unknown"
    with pytest.raises(NotFoundError):
        ours.rerun(NOBODY, "return")


def test_what_a_run_is_in_no_state_for(ours, orders):
    """The code says in which state it is."""
    good, bad = orders.started("good", "bad")
    for call, run, code in (
        (ours.replay, good, "run-succeeded"),
        (ours.pause, good, "run-over"),
        (ours.pause, bad, "run-over"),
    ):
        with pytest.raises(ConflictError) as refused:
            call(run)
        assert (refused.value.status, refused.value.code) == (409, code)


def test_dead_letters_are_found_replayed_and_discarded(ours, orders):
    """One is looked at, one replayed, one discarded; each then is none."""
    one, two, _ = orders.started("bad1", "bad2", "good")
    letters = list(ours.dead_letters())
    assert {letter.run for letter in letters} == {one, two}
    assert letters[0].failure.code == "refused"
    assert ours.dead_letters_of(one) == tuple(each for each in letters if each.run == one)
    assert list(ours.dead_letters(LetterFilter(node="other"))) == []
    orders.broken.clear()
    assert ours.replay(one).is_over is False
    assert orders.finish(one).output == {"charged": "BAD1"}
    assert ours.discard(two, "charge", "the customer is gone").state == "FAILED"
    assert list(ours.dead_letters()) == []
    with pytest.raises(NotFoundError) as gone:
        ours.discard(two, "charge")
    assert gone.value.code == "letter-not-found"


def test_many_letters_are_done_batch_by_batch(ours, orders, monkeypatch):
    """What became of each comes with its batch, before the next one is begun."""
    monkeypatch.setattr("saltern_runtime.engine.operating.MOST", 2)
    runs = orders.started(*(f"bad{n}" for n in range(5)))
    batches = ours.discard_letters(LetterFilter(code="refused"), "they are old")
    first = next(batches)
    assert [done.verdict for done in first.items] == ["ok", "ok"]
    assert len(list(ours.dead_letters())) == 3
    assert [len(batch.items) for batch in batches] == [2, 1]
    assert list(ours.dead_letters()) == []
    assert [entry.what for entry in ours.audit(runs[0])] == ["discard"]
    more = orders.started("bad", "bad")
    orders.broken.clear()
    assert {done.run for batch in ours.replay_letters() for done in batch.items} == set(more)
    assert {orders.finish(run).state for run in more} == {"SUCCEEDED"}


def test_a_person_decides(connect, asking):
    """A decision ends the wait; a second one is told what the first one was."""
    with connect(asking.url, asking.token) as client:
        run = client.start({"id": "a"}).id
        with asking.working():
            assert until(lambda: client.get(run).awaits)
            (awaited,) = client.get(run).awaits
            assert (awaited.path, awaited.choices, awaited.text) == ("asked", ("approve", "reject"), "Pay a?")
            assert client.decide(run, "asked", "approve", comment="fine") is True
            assert client.wait(run, 20).output == {"charged": "A approve fine"}
        with pytest.raises(NotFoundError) as gone:
            client.decide(run, "elsewhere", "approve")
        assert gone.value.code == "not-awaited"


def test_an_answer_that_is_none(connect, asking):
    """The service says what is wrong with it, and the run waits on."""
    with connect(asking.url, asking.token) as client:
        run = client.start({"id": "a"}).id
        with asking.working():
            assert until(lambda: client.get(run).awaits)
        for value in ({"decision": "perhaps"}, "approve", None):
            with pytest.raises(InvalidRequestError) as refused:
                client.answer(run, "asked", value)
            assert refused.value.code == "answer-refused"
        assert client.get(run).state == "WAITING"


def test_runs_that_are_not_there(plain):
    """No id becomes another path: whatever it is, there is no such run."""
    for run in (NOBODY, "x", "", "..", "../dead-letters/replay", "a/b", "a?b", "ü", "dead letters"):
        for call in (plain.get, plain.cancel, plain.pause, plain.audit, plain.dead_letters_of):
            with pytest.raises(NotFoundError) as missing:
                call(run)
            assert missing.value.code == "run-not-found"
        with pytest.raises(NotFoundError):
            list(plain.follow(run))
        with pytest.raises(NotFoundError):
            plain.wait(run, 5)


def test_a_token_that_is_not_known(connect, orders):
    """It is refused, once, and no error shows it."""
    token = "saltern_not_this_one"
    with connect(orders.url, token) as client:
        for call in (lambda: client.get(NOBODY), lambda: list(client.list()), lambda: list(client.follow(NOBODY))):
            with pytest.raises(RefusedTokenError, match="token-unknown") as refused:
                call()
            assert token not in f"{refused.value!r}{refused.value}{client!r}"


def test_both_follow_while_many_do(ours, orders):
    """Ten who follow one run all see all of it."""
    run = ours.start(Input(id="a")).id
    seen = [[] for _ in range(10)]
    threads = [threading.Thread(target=lambda into=into: into.extend(ours.follow(run))) for into in seen]
    for thread in threads:
        thread.start()
    orders.finish(run)
    for thread in threads:
        thread.join(20)
    assert {tuple(event.id for event in each) for each in seen} == {
        tuple(event.id for event in orders.worker.service.events(run))
    }


def test_versions_say_what_is_open_and_who_works(plain, orders):
    """The version that new runs are of, its open runs by state, and whether a worker was seen; others by their digest alone."""
    made = plain.start({"id": "a"}).id
    plain.pause(made)
    found = plain.versions()
    (version,) = found.versions
    assert (version.plan, version.version) == (plain.get(made).plan, plain.get(made).plan[7:15])
    assert (version.current, version.open, version.states) == (True, 1, {"PAUSED": 1})
    assert (version.served, version.seen_at, found.counted) == (False, None, False)
    assert version.oldest_at <= found.at
    plain.cancel(made)
    announce(orders.worker.service.store, "sha256:" + "e" * 64, ["eeeeeeee.default"])
    orders.started("b")
    found = plain.versions()
    assert {each.version: (each.current, each.open, each.served) for each in found.versions} == {
        version.version: (True, 0, True),
        "eeeeeeee": (False, 0, True),
    }
    assert (found.counted, found.gone) == (True, ())
    assert found.instance


def test_a_run_is_moved_to_the_current_version(plain, orders):
    """It goes on there, and the audit says where to; what is not as it was said, or no digest, is refused."""
    store, service = orders.worker.service.store, orders.worker.service
    old, now = "sha256:" + "e" * 64, service.plans.plan
    service.prepare()
    store.client.set(f"{store.keys.shard(0)}plan:{old}", service.plans.shape)
    entries = tuple({**each, "queue": "eeeeeeee.default"} for each in service.plans.entries)
    text = '{"id":"a"}'
    new = NewRun(new_run_id(0), old, "acme", "api", text, "b", "", deadline=60.0, retention=60.0, entries=entries)
    run = store.create(new).run_id
    for was, plan, code in ((now, now, "run-moved"), (old, old, "version-not-current")):
        with pytest.raises(ConflictError) as refused:
            plain.migrate(run, was, plan)
        assert refused.value.code == code
    with pytest.raises(InvalidRequestError):
        plain.migrate(run, "eeeeeeee", now)
    assert plain.migrate(run, old, now, "the prompt was wrong").plan == now
    assert orders.finish(run).output == {"charged": "A"}
    (entry,) = plain.audit(run)
    assert (entry.what, entry.plan, entry.why) == ("migrate", now, "the prompt was wrong")
    with pytest.raises(NotFoundError):
        plain.migrate(NOBODY, old, now)


def test_versions_that_are_not_alike(plain, orders):
    """Whatever the caller has proven: another node, and the run stays."""
    store, service = orders.worker.service.store, orders.worker.service
    old = "sha256:" + "f" * 64
    store.client.set(f"{store.keys.shard(0)}plan:{old}", service.plans.shape.replace("charge", "charges"))
    new = NewRun(
        new_run_id(0), old, "acme", "api", "{}", "b", "", deadline=60.0, retention=60.0, entries=service.plans.entries
    )
    run = store.create(new).run_id
    with pytest.raises(ConflictError) as refused:
        plain.migrate(run, old, service.plans.plan)
    assert refused.value.code == "versions-unlike"
    assert plain.get(run).plan == old
