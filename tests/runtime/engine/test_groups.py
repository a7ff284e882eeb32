"""Runs of which only so many go on at a time, by a field of their input: counted by tenant, across shards, however they were started."""

from datetime import timedelta
from functools import partial

import pytest

from saltern_runtime import Concurrency
from saltern_runtime.engine.groups import group_of
from saltern_runtime.engine.operating import By
from saltern_runtime.errors import IdempotencyConflictError, PermanentError, RunDroppedError, TooManyRunsError
from saltern_runtime.graph import Ask, Awaits, GraphError, Schedule, Sleeps, Stage, node
from saltern_runtime.spec import Retry
from saltern_runtime.store.keys import digest_of, shard_of
from saltern_runtime.store.store import Store
from tests.runtime.engine.conftest import make_graph
from tests.runtime.engine.test_starts import all_over, start
from tests.runtime.loops.test_foreach import loop, summaries_yield
from tests.support.checker import broken
from tests.support.until import passed, until


@node("wait", type="receive@1")
def wait() -> Ask:
    return Ask("", None)


WAITS = Stage("wait", nodes=(wait,), ends=Awaits(str))
QUEUE = Concurrency(1, key=("input.customer",))


def at(local, key):
    """Return a client of the node that holds a key."""
    store = local.opened[0].service.store
    return store.at(key) if store.settings.store.kind == "cluster" else local.client


@pytest.fixture
def begin(local):
    """Open a service whose runs wait for an answer, so many with the same customer at a time, and start runs of it."""
    opened = []

    def begin(customer, tenant="acme", limit=QUEUE, shards=1, **options):
        if not opened:
            opened.append(local.open(WAITS, shards=shards))
            opened[0].service.graph.concurrency = limit
        process = opened[0]
        run = process.service.start({"customer": customer, "n": 1}, tenant=tenant, trigger="api", **options).run_id
        process.finish(run, 0.05)
        return process, run

    yield begin
    store, name = opened[0].service.store, opened[0].service.graph.name
    for shard in range(store.settings.shards):
        here = at(local, store.keys.shard(shard))
        assert broken(here, name, shard) == []


def states(process, *runs):
    return [process.service.reader.state(run) for run in runs]


def answered(process, run):
    """Give a run what it waits for, and let what is behind it begin."""
    assert process.service.answer(run, "wait", "yes").status == "ok"
    assert process.finish(run, 10).state == "SUCCEEDED"
    while process.step() and process.bells.bells:
        pass


@pytest.mark.parametrize("shards", [1, 7])
def test_one_customer_at_a_time(begin, shards):
    """Another customer, and another tenant, do not wait; the second of the first one does until the first is over."""
    process, first = begin("ada", shards=shards)
    runs = [first, *(begin(*who)[1] for who in (("ada",), ("bob",), ("ada", "umbrella")))]
    assert states(process, *runs) == ["WAITING", "QUEUED", "WAITING", "WAITING"]
    answered(process, first)
    process.finish(runs[1], 0.05)
    assert states(process, runs[1]) == ["WAITING"]


def test_without_a_key_all_runs_count_together(begin):
    """Whatever they are given; null and what is not there are the same key."""
    process, first = begin("ada", limit=Concurrency(2))
    runs = [first, begin("bob")[1], begin("carl")[1]]
    assert states(process, *runs) == ["WAITING", "WAITING", "QUEUED"]
    assert (
        Concurrency(1, key=("input.a.b",)).values({"a": None})
        == Concurrency(1, key=("input.a.b",)).values({})
        == [None]
    )


@pytest.mark.parametrize("shards", [1, 7])
def test_a_run_in_the_way_is_named(begin, shards):
    """What is dropped raises with the run that was there first, and leaves no run; its key stays free, wherever that is known."""
    process, first = begin("ada", limit=Concurrency(1, key=("input.customer",), then="drop"), shards=shards)
    for number in range(7):
        with pytest.raises(RunDroppedError):
            begin("ada", idempotency_key=f"k{number}")
        other = begin(f"bob{number}", idempotency_key=f"k{number}")[1]
        assert states(process, other) == ["WAITING"]
        process.service.cancel(other, "acme")
    with pytest.raises(RunDroppedError) as caught:
        begin("ada", idempotency_key="k")
    assert caught.value.run_id == first
    assert len(process.service.list("acme").runs) == 8
    answered(process, first)
    assert states(*begin("ada", idempotency_key="k")) == ["WAITING"]


def test_a_key_of_another_shard_leads_to_one_run(begin):
    """A key is known where it lives, its run lives where its group does: the same key is the same run, another body is refused."""
    process, first = begin("ada", shards=7, idempotency_key="k0")
    for number in range(12):
        key = f"k{number}"
        made = process.service.start({"customer": "ada", "n": 1}, tenant="acme", trigger="api", idempotency_key=key)
        again = process.service.start({"n": 1, "customer": "ada"}, tenant="acme", trigger="api", idempotency_key=key)
        assert (made.fresh, again.fresh, again.run_id) == (number > 0, False, made.run_id)
        assert shard_of(made.run_id) == shard_of(first)
        with pytest.raises(IdempotencyConflictError) as caught:
            process.service.start({"customer": "bob", "n": 1}, tenant="acme", trigger="api", idempotency_key=key)
        assert caught.value.run_id == made.run_id
    assert len(process.service.list("acme", limit=200).runs) == 12


def test_a_key_whose_run_is_refused_stays_refused(local):
    """A tenant that has as many runs as it may is told so as often as it sends the same key, wherever that lives; later the key has its run made."""
    process = local.open(WAITS, shards=7, max_open_runs=7)
    process.service.graph.concurrency = QUEUE
    ask = partial(process.service.start, {"customer": "ada"}, tenant="acme", trigger="api")
    first = ask().run_id
    keys = [f"k{number}" for number in range(8)]
    for key in keys * 3:
        with pytest.raises(TooManyRunsError):
            ask(idempotency_key=key)
    assert process.service.cancel(first, "acme").state == "CANCELLED"
    assert ask(idempotency_key=keys[0]).run_id
    assert len(process.service.list("acme").runs) == 2


def test_what_ends_before_it_goes_on_leaves_nothing_to_do(local):
    """A run that was let in to be replayed, and ends before timers come by: they would have it go on without its turn, were it replayed again."""
    process = local.open(WAITS, deadline=0.1)
    service, due = process.service, f"{process.service.store.keys.shard(0)}due"
    service.graph.concurrency = QUEUE
    run = service.start({"customer": "ada"}, tenant="acme", trigger="api").run_id
    assert process.finish(run, 20).state == "TIMED_OUT"
    assert service.operator.replay(run, "acme", By("token:1")).verdict == "ok"
    assert local.client.zscore(due, f"v|{run}") is not None
    assert service.cancel(run, "acme").state == "CANCELLED"
    assert local.client.zscore(due, f"v|{run}") is None


def test_a_request_that_died_half_way_is_made_whole(begin, monkeypatch):
    """The key was kept, and the process ended before its run was made: who sends it again has that run made."""
    process, _ = begin("ada", shards=7)
    ask = partial(process.service.start, {"customer": "bob", "n": 1}, tenant="acme", trigger="api")
    keys = [f"k{number}" for number in range(12)]

    def dies(self, new):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Store, "create", dies)
        for key in keys:
            with pytest.raises(KeyboardInterrupt):
                ask(idempotency_key=key)
    runs = {ask(idempotency_key=key).run_id for key in keys}
    assert runs == {ask(idempotency_key=key).run_id for key in keys}
    assert runs <= {run.id for run in process.service.list("acme", limit=200).runs}
    assert len(runs) == len(keys)


CHILD = make_graph("score", WAITS, deadline=30.0, concurrency=Concurrency(1, key=("input.text",), then="drop"))


def test_one_that_another_pipeline_starts_counts_too(local):
    """The second one of a key fails its maker's node, which says why, and is not tried again; another key is let be."""
    process = local.open(start(graph=CHILD), shards=3)
    makers = [process.service.start(text, tenant="acme", trigger="api").run_id for text in ("a", "a", "b")]
    ended = [process.finish(maker, 10) for maker in makers]
    assert sorted(run.state for run in ended[:2]) == ["FAILED", "SUCCEEDED"]
    assert ended[2].state == "SUCCEEDED"
    assert {run.failure.code for run in ended if run.failure} == {"run-dropped"}
    children = [run.id for run in process.service.list("acme").runs if run.parent]
    assert len(children) == 2
    for child in children:
        process.service.answer(child, "s:wait", "yes")
    assert {run.state for run in all_over(process).values()} == {"SUCCEEDED", "FAILED"}


def test_a_run_that_is_let_in_is_worked_on_by_whoever_is_there(local):
    """A pipeline without a limit of its own starts runs that wait in line; each gets its turn."""
    child = make_graph("score", WAITS, deadline=30.0, concurrency=Concurrency(1))
    process = local.open(start(graph=child), shards=2)
    makers = [process.service.start(text, tenant="acme", trigger="api").run_id for text in ("a", "b", "c")]
    assert {process.finish(maker, 10).state for maker in makers} == {"SUCCEEDED"}
    seen = []

    def over():
        runs = process.service.list("acme").runs
        for run in runs:
            process.finish(run.id, 0.02)
        waiting = [run.id for run in runs if run.state == "WAITING"]
        assert len(waiting) <= 1
        for run in waiting:
            if process.service.answer(run, "s:wait", "yes").status == "ok":
                seen.append(run)
        return all(run.state == "SUCCEEDED" for run in runs)

    until(over)
    assert len(seen) == 3


@pytest.mark.parametrize(
    "made",
    [
        {"concurrency": Concurrency(0)},
        {"concurrency": Concurrency(1001)},
        {"concurrency": Concurrency(1, key=("customer",))},
        {"concurrency": Concurrency(1, then="later")},
        {"schedules": (Schedule("s", "* * * * *", overlap="forbid"),)},
        {"schedules": (Schedule("s", "* * * * *", jitter=-1.0),)},
        {"schedules": (Schedule("s", "* * * * *", overlap="drop"),), "concurrency": Concurrency(1)},
    ],
)
def test_what_no_store_keeps_to_fails_at_import(made):
    """A limit, key or way that is unknown, and a schedule whose runs would be in two groups, are errors of the graph."""
    with pytest.raises(GraphError):
        make_graph("wrong", Stage("wait", nodes=(wait,), ends=Awaits(str)), **made)


def elsewhere(process, given):
    """Return an idempotency key that lives in another shard than the run that it is for."""
    shards, group = process.service.settings.shards, group_of(process.service.graph, "acme", given)
    keys = (f"k{number}" for number in range(99))
    return next(key for key in keys if int(digest_of("acme", "api", key), 16) % shards != group.shard(shards))


@pytest.mark.parametrize("why", ["drop", "full"])
def test_a_key_of_another_shard_stays_free_where_nothing_is_made(local, why):
    """Whoever asks again is told the same, never led to a run that is not there; then the key takes a run, whatever its body."""
    cap = {"max_open_runs": 3} if why == "full" else {}
    process = local.open(WAITS, shards=3, retention=0.3, **cap)
    process.service.graph.concurrency = Concurrency(
        1, key=("input.customer",), then="queue" if why == "full" else "drop"
    )
    ask = partial(process.service.start, tenant="acme", trigger="api")
    given = {"customer": "ada"}
    key = elsewhere(process, given)
    first = ask(given).run_id
    for _ in range(2):
        with pytest.raises((RunDroppedError, TooManyRunsError)):
            ask(given, idempotency_key=key)
    process.service.cancel(first, "acme")
    assert until(lambda: process.service.get(first, "acme") is None)
    made = ask({"customer": "ada", "n": 2}, idempotency_key=key)
    assert made.fresh
    assert process.service.get(made.run_id, "acme") is not None


def test_a_key_of_another_shard_is_free_once_its_run_is_gone(local):
    """What is kept for less time by its end is made anew under another id, so its effects have keys of their own."""
    process = local.open(WAITS, shards=3, retention=60.0, retained={"cancelled": 0.1})
    process.service.graph.concurrency = QUEUE
    given = {"customer": "ada"}
    ask = partial(process.service.start, given, tenant="acme", trigger="api", idempotency_key=elsewhere(process, given))
    first = ask()
    assert not ask().fresh
    process.service.cancel(first.run_id, "acme")
    assert until(lambda: process.service.get(first.run_id, "acme") is None)
    second = ask()
    assert second.fresh
    assert second.run_id != first.run_id


def test_a_loop_of_a_replay_that_waits_in_line_for_long_goes_on(local):
    """What the loop had done is there when its turn comes, however long that takes; what is cancelled in the line leaves nothing behind."""
    fails = {"b"}

    @node("page", type="http.request@1")
    def page(*, story: str) -> str:
        if story in fails:
            raise PermanentError("no", code="no")
        return story.upper()

    stages = (
        Stage("summaries/page", nodes=(page,), retry=Retry(attempts=1)),
        Stage("summaries/yield", nodes=(summaries_yield,)),
    )
    process = local.open(*loop(*stages), retention=0.5)
    process.service.graph.concurrency = Concurrency(1)
    ask = partial(process.service.start, tenant="acme", trigger="api")
    runs = [ask(["a", "b", "c"]).run_id for _ in range(2)]
    assert [process.finish(run, 10).state for run in runs] == ["FAILED", "FAILED"]
    fails.clear()
    ahead = ask(["d"]).run_id
    process.service.operator.pause(ahead, "acme", By("me"))
    for run in runs:
        assert process.service.operator.replay(run, "acme", By("me")).verdict == "ok"
    passed(local.client, 800)  # longer than what failed is kept
    process.service.cancel(runs[1], "acme")
    process.service.cancel(ahead, "acme")
    view = process.finish(runs[0], 10)
    assert (view.state, view.output) == ("SUCCEEDED", ["A", "B", "C"])
    assert broken(local.client, local.name) == []
    assert until(lambda: not local.client.keys(f"*:{local.name}:*{runs[1]}*"))


def test_a_wait_of_a_replay_does_not_go_on_in_the_line(local):
    """It sleeps on for what was left of it once its run's turn comes."""
    fails = {"bad"}

    @node("nap", type="wait@1")
    def nap() -> timedelta:
        return timedelta(seconds=1.5)

    @node("refused", type="http.request@1")
    def refused() -> str:
        if fails:
            raise PermanentError("no", code="no")
        return ""

    stages = (Stage("nap", nodes=(nap,), ends=Sleeps()), Stage("refused", nodes=(refused,), retry=Retry(attempts=1)))
    process = local.open(*stages)
    process.service.graph.concurrency = Concurrency(1)
    ask = partial(process.service.start, 1, tenant="acme", trigger="api")
    run = ask().run_id
    assert process.finish(run, 10).state == "FAILED"
    fails.clear()
    ahead = ask().run_id
    process.service.operator.pause(ahead, "acme", By("me"))
    process.service.operator.replay(run, "acme", By("me"))
    passed(local.client, 1600)  # longer than the whole wait
    process.service.cancel(ahead, "acme")
    state = partial(process.service.reader.state, run)
    assert until(lambda: not process.step() and state() not in {"QUEUED", "RUNNING"})
    assert state() == "WAITING"
    assert process.finish(run, 10).state == "SUCCEEDED"


def test_a_replay_that_is_paused_in_the_line_sleeps_on_once_it_is_resumed(local):
    """It was let in meanwhile: a run all of which sleeps is WAITING."""

    @node("nap", type="wait@1")
    def nap() -> timedelta:
        return timedelta(seconds=50)

    process = local.open(Stage("nap", nodes=(nap,), ends=Sleeps()))
    process.service.graph.concurrency = Concurrency(1)
    operator = process.service.operator
    first = process.service.start(1, tenant="acme", trigger="api").run_id
    process.finish(first, 0.05)
    local.client.zadd(process.service.store.keys.shard(0) + "due", {f"r|{first}": 1})
    assert process.finish(first, 10).state == "TIMED_OUT"
    ahead = process.service.start(1, tenant="acme", trigger="api").run_id
    operator.replay(first, "acme", By("me"))
    operator.pause(first, "acme", By("me"))
    process.service.cancel(ahead, "acme")
    process.finish(first, 0.1)
    operator.resume(first, "acme", By("me"))
    process.finish(first, 0.1)
    assert states(process, first) == ["WAITING"]
    assert broken(local.client, local.name) == []


def test_a_key_of_another_shard_leads_to_its_run_for_as_long_as_that_is_replayed(local):
    """Who sends the request again while the replayed run is open is led to it, however late that is: there is no second one."""
    process = local.open(WAITS, shards=3, deadline=0.1)
    service = process.service
    service.graph.concurrency = QUEUE
    given = {"customer": "ada"}
    key = elsewhere(process, given)
    ask = partial(service.start, given, tenant="acme", trigger="api", idempotency_key=key)
    first = ask().run_id
    assert process.finish(first, 20).state == "TIMED_OUT"
    known = service.store.keys.idempotency(digest_of("acme", "api", key), 3)
    client = at(local, known)
    assert client.pexpire(known, 1000)  # as if most of its retention had passed
    assert service.operator.replay(first, "acme", By("me")).verdict == "ok"
    assert client.pttl(known) > service.graph.retention * 1000
    assert ask().run_id == first
