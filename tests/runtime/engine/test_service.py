"""The facade: starting, looking, cancelling; and how a worker stops."""

import threading
import time

import pytest

from saltern_runtime.engine.celery import CeleryDispatcher, message_queue
from saltern_runtime.engine.dispatch import Silent
from saltern_runtime.engine.places import stage_of
from saltern_runtime.errors import IdempotencyConflictError, PayloadTooLargeError
from saltern_runtime.graph import GraphError, Stage, node
from saltern_runtime.observe.metrics import Collector
from saltern_runtime.settings import Settings
from saltern_runtime.store.calls import Bell


@node("return", type="return@1")
def echo(*, input: dict) -> dict:  # noqa: A002 - the name that nodes read the input by
    return input


ECHO = Stage("return", nodes=(echo,))


def test_an_idempotency_key_starts_one_run(local):
    """The same key with the same input is the first run, however the input's keys stand; with another it is refused."""
    service = local.open(ECHO, shards=3).service
    first = service.start({"a": 1, "b": 2}, tenant="acme", trigger="api", idempotency_key="k")
    again = service.start({"b": 2, "a": 1}, tenant="acme", trigger="api", idempotency_key="k")
    assert (first.fresh, again.fresh, again.run_id) == (True, False, first.run_id)
    with pytest.raises(IdempotencyConflictError):
        service.start({"a": 2}, tenant="acme", trigger="api", idempotency_key="k")
    other = service.start({"a": 2}, tenant="other", trigger="api", idempotency_key="k")
    assert other.fresh


def test_an_input_over_the_limit_starts_nothing(local):
    """Too large an input is refused before anything is written."""
    service = local.open(ECHO, max_payload=100).service
    with pytest.raises(PayloadTooLargeError):
        service.start("x" * 100, tenant="acme", trigger="api")
    assert service.list("acme").runs == ()


def test_any_json_survives(local):
    """What JSON can hold comes back as it was: lone surrogates, NUL, emptiness under any key."""
    given = {"": None, "a|b": "\u0000", "é": ["😀", 1.5, True, {}]}
    assert local.run(ECHO, given=given).output == given
    process = local.opened[-1]
    run_id = process.service.start({"x": "\ud800"}, tenant="acme", trigger="api").run_id
    assert process.service.get(run_id, "acme").input == {"x": "\ud800"}


def test_runs_of_all_shards_are_listed(local):
    """A listing merges the shards, newest first."""
    process = local.open(ECHO, shards=4)
    ids = [process.service.start({"n": n}, tenant="acme", trigger="api").run_id for n in range(9)]
    for run_id in ids:
        assert process.finish(run_id, 20).state == "SUCCEEDED"
    page = process.service.list("acme", limit=5)
    rest = process.service.list("acme", limit=5, cursor=page.cursor)
    assert len({run_id.split("-")[0] for run_id in ids}) > 1
    assert sorted(run.id for run in page.runs + rest.runs) == sorted(ids)
    assert rest.cursor is None


def test_wait_returns_when_the_run_is_over(local):
    """Waiting blocks on the run's events, not on a clock; it gives up at its time-out with the run as it is."""
    process = local.open(ECHO)
    run_id = process.service.start({}, tenant="acme", trigger="api").run_id
    assert process.service.wait(run_id, 0.05).state == "QUEUED"
    worker = threading.Thread(target=process.finish, args=(run_id, 20))
    worker.start()
    assert process.service.wait(run_id, 20).output == {}
    worker.join()
    with pytest.raises(LookupError):
        process.service.wait("0-" + "0" * 24, 1)


def test_cancel_is_seen_by_its_tenant_alone(local):
    """A cancelled run says why; another tenant's attempt finds nothing."""
    service = local.open(ECHO).service
    run_id = service.start({}, tenant="acme", trigger="api").run_id
    assert service.cancel(run_id, "other") is None
    view = service.cancel(run_id, "acme", "no longer needed")
    assert (view.state, view.failure.message) == ("CANCELLED", "no longer needed")


def test_a_draining_worker_passes_its_bell_on(local):
    """While it drains a worker claims nothing, and a bell that still reached it rings elsewhere."""
    process = local.open(ECHO)
    run_id = process.service.start({}, tenant="acme", trigger="api").run_id
    process.engine.drain.begin()
    bell = process.bells.bells.popleft()
    process.engine.answer(bell)
    assert list(process.bells.bells) == [bell]
    assert process.service.get(run_id, "acme").state == "QUEUED"


def test_a_drain_hands_back_what_cannot_finish(local):
    """Close to the end of the grace period the lease thread releases the claim; no attempt is counted."""
    started, go_on = threading.Event(), threading.Event()

    @node("return", type="return@1")
    def slow() -> int:
        started.set()
        go_on.wait(20)
        return 1

    process = local.open(Stage("return", nodes=(slow,)), grace=0.0)
    run_id = process.service.start({}, tenant="acme", trigger="api").run_id
    worker = threading.Thread(target=process.engine.answer, args=(process.bells.bells.popleft(),))
    worker.start()
    started.wait(20)
    process.engine.drain.begin()
    after = "0"
    while "stage.released" not in [event.type for event in process.service.events(run_id, "0", 0)]:
        after = process.service.events(run_id, after, 5.0)[-1].id
    go_on.set()
    worker.join()
    node_view = process.service.get(run_id, "acme").nodes[0]
    assert (node_view.state, node_view.attempt) == ("READY", 0)


def test_a_lease_is_extended_while_a_node_runs(local):
    """A node that takes longer than the lease keeps its claim, while the timers sweep."""

    @node("return", type="return@1")
    def slow() -> int:
        time.sleep(0.9)
        return 1

    process = local.open(Stage("return", nodes=(slow,)), lease=0.3)
    run_id = process.service.start({}, tenant="acme", trigger="api").run_id
    stop = threading.Event()

    def sweep():
        while not stop.wait(0.02):
            process.sweeper.sweep()

    sweeper = threading.Thread(target=sweep)
    sweeper.start()
    process.engine.answer(process.bells.bells.popleft())
    stop.set()
    sweeper.join()
    view = process.service.wait(run_id, 1)
    assert (view.state, view.nodes[0].attempt) == ("SUCCEEDED", 1)


def test_a_worker_stops_after_its_slice(local):
    """After its slice a worker leaves the rest to others, whose bell is rung."""
    process = local.open(ECHO, slice=0.0)
    for _ in range(3):
        process.service.start({}, tenant="acme", trigger="api")
    bells = len(process.bells.bells)
    process.engine.answer(process.bells.bells.popleft())
    assert len([run for run in process.service.list("acme").runs if run.state == "SUCCEEDED"]) == 1
    assert len(process.bells.bells) >= min(2, bells - 1)


def test_bells_travel_as_plain_lists(redis_url, redis_client, service):
    """Over Celery a bell is a message to the stage's task in the queue of its plan; nonsense is refused."""
    dispatcher = CeleryDispatcher(service, Settings(redis_url=redis_url))
    bell = Bell(0, "ab12.model", 1, 7, "summaries[17]/page")
    assert dispatcher.waiting(bell.queue) == 0
    dispatcher.ring([bell])
    assert dispatcher.waiting(bell.queue) == 1
    raw = redis_client.lpop(message_queue(service, bell.queue))
    assert f"{service}.summaries/page" in raw
    assert Bell.from_message(bell.message()) == Bell(0, "ab12.model", 1, 7)
    assert stage_of("outer[3]/inner[0]/page") == "outer/inner/page"
    with pytest.raises(ValueError, match="bell"):
        Bell.from_message([1, 2, 3])


def test_a_broker_that_is_down_is_no_error(redis_url, service):
    """A bell that cannot be sent is left to the timers."""
    settings = Settings(redis_url=redis_url, broker_url="redis://127.0.0.1:1/0", socket_timeout=0.5)
    dispatcher = CeleryDispatcher(service, settings)
    dispatcher.ring([Bell(0, "q", 1, 1, "a")])
    assert dispatcher.waiting("q") is None
    assert Silent().waiting("q") is None


def test_metrics_have_prometheus_names(local):
    """What the store counted is shown when it is scraped."""
    from prometheus_client import CollectorRegistry, generate_latest

    process = local.open(ECHO)
    run_id = process.service.start({}, tenant="acme", trigger="api").run_id
    process.finish(run_id, 20)
    process.engine.tally.hand_over(True)
    registry = CollectorRegistry()
    registry.register(Collector("triage", process.service.figures))
    text = generate_latest(registry).decode()
    assert 'saltern_runs_total{pipeline="triage",state="SUCCEEDED"} 1.0' in text
    assert 'saltern_stage_duration_seconds_count{pipeline="triage",stage="return"} 1.0' in text
    assert 'saltern_node_stage{node="return",optimized="",pipeline="triage",stage="return"} 1.0' in text
    assert 'saltern_nodes_total{node="return",optimized="",pipeline="triage",state="SUCCEEDED"} 1.0' in text
    assert 'saltern_ready_activations{pipeline="triage",queue="ab12cd34.default"} 0.0' in text
    assert "saltern_bells_total" in text
    assert 'saltern_version_open_runs{pipeline="triage",version="ab12cd34"} 0.0' in text


def test_runs_without_workers_are_a_metric(local):
    """Open runs of a version are counted as such, and as without workers until one of them says that it is there."""
    process = local.open(ECHO)
    process.service.start({}, tenant="acme", trigger="api")
    figures = process.service.figures()
    assert figures.versions == {"ab12cd34": (1, 1)}
    families = {family.name: family for family in Collector("p", process.service.figures).collect()}
    for name in ("saltern_version_open_runs", "saltern_runs_without_workers"):
        (sample,) = families[name].samples
        assert (sample.labels, sample.value) == ({"pipeline": "p", "version": "ab12cd34"}, 1)
    process.step()
    assert process.service.figures().versions["ab12cd34"][1] == 0


def test_a_broken_graph_fails_when_it_is_made():
    """Names that lead nowhere are found at import."""
    from tests.runtime.engine.conftest import make_graph

    with pytest.raises(GraphError):
        make_graph("x", Stage("a", nodes=(echo,), after=("nowhere",)))
