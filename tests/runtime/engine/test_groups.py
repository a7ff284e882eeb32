"""Runs of which only so many go on at a time, by a field of their input: counted by tenant, across shards, however they were started."""

from functools import partial

import pytest

from saltern_runtime import Concurrency
from saltern_runtime.engine.operating import By
from saltern_runtime.errors import IdempotencyConflictError, RunDroppedError, TooManyRunsError
from saltern_runtime.graph import Ask, Awaits, GraphError, Schedule, Stage, node
from saltern_runtime.store.keys import shard_of
from saltern_runtime.store.store import Store
from tests.runtime.engine.conftest import make_graph
from tests.runtime.engine.test_starts import all_over, start
from tests.support.checker import broken
from tests.support.until import until


@node("wait", type="receive@1")
def wait() -> Ask:
    return Ask("", None)


WAITS = Stage("wait", nodes=(wait,), ends=Awaits(str))
QUEUE = Concurrency(1, key=("input.customer",))


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
    client, name = opened[0].service.store.client, opened[0].service.graph.name
    assert [line for shard in range(opened[0].service.settings.shards) for line in broken(client, name, shard)] == []


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
