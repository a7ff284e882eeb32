"""Values at rest: with keys, nothing of what a person said can be read in the store, and everything else goes on as it did."""

import base64
import json
import os
from dataclasses import replace

import pytest

from saltern_runtime.engine.one_process import InOneProcess
from saltern_runtime.engine.operating import By
from saltern_runtime.errors import IdempotencyConflictError
from saltern_runtime.settings import Settings
from saltern_runtime.spec.keyring import NO_KEYS, Keyring
from saltern_runtime.spec.places import PayloadPlace
from saltern_runtime.store.failures import SealedValueError
from tests.support.checker import PENDING, broken
from tests.support.marking import (
    NOTE,
    PAYER,
    WORD,
    cancelled,
    decided,
    found,
    marked_graph,
    operated,
    started,
    until_it_waits,
)
from tests.support.until import until


def key(name):
    return f"{name}:{base64.b64encode(os.urandom(32)).decode()}"


OLD, NEW = key("old"), key("new")


@pytest.fixture(scope="module")
def graph():
    with marked_graph() as made:
        yield made


class Place:
    """Processes of one service, each with keys of its own."""

    def __init__(self, graph, url, name, client, folder):
        self.graph, self.client, self.name, self.folder = graph, client, name, folder
        self.graph.name = name
        self.settings = Settings(
            redis_url=url,
            lease=2.0,
            sweep=0.02,
            public_url="https://x.example",
        )
        self.opened = []

    def open(self, *keys):
        self.opened.append(
            InOneProcess(
                self.graph, replace(self.settings, encryption_keys=Keyring(",".join(keys)) if keys else NO_KEYS)
            )
        )
        return self.opened[-1]


@pytest.fixture
def place(graph, redis_url, redis_client, service, tmp_path):
    made = Place(graph, redis_url, service, redis_client, tmp_path)
    yield made
    for each in made.opened:
        each.service.close()


def everything(process):
    """Have a run succeed, one fail and be replayed, and one be cancelled; returns what is seen of them."""
    runs = [started(process, key) for key in ("a", "b", "c")]
    for run_id in runs:
        until_it_waits(process, run_id)
    done = decided(process, runs[0], "approve")
    failed = decided(process, runs[1], "reject")
    verdict, again = operated(process, runs[1])
    gone = cancelled(process, runs[2])
    gone = process.finish(runs[2], 20)
    return done, failed, verdict, again, gone


@pytest.mark.parametrize("is_sealed", [True, False])
def test_nothing_that_a_person_said_is_to_be_read_in_the_store(place, is_sealed):
    """No key, and no file of the folder, holds a word of what runs, failures, audits, the cache and files keep; without keys, all do."""
    place.settings = replace(place.settings, payloads=PayloadPlace(f"file://{place.folder}"))
    process = place.open(*([OLD] if is_sealed else []))
    done, failed, verdict, again, gone = everything(process)
    assert (done.state, failed.state, verdict, again.state, gone.state) == (
        "SUCCEEDED",
        "FAILED",
        "ok",
        "FAILED",
        "CANCELLED",
    )
    assert done.output["word"] == done.output["state"] == done.output["raced"] == done.output["called"] == f"{WORD}-x"
    assert (done.output["paid"], done.output["decided"]) == (f"{PAYER}-x", f"said by {NOTE}")
    assert done.output["size"] == 9000 * (2 * len(WORD) + 2)
    assert process.finish(done.output["started"], 5).output == {"word": f"{WORD}-x"}
    assert gone.failure.message == f"{NOTE} went away"
    assert [each["why"] for each in process.service.operator.audit(again.id)] == [f"{NOTE} asked for it"]
    assert {letter.path for letter in process.service.operator.letters_of(again.id, "acme")} >= {"last"}
    assert any(
        NOTE in json.dumps(event.data) for event in process.service.events(again.id) if event.type == "run.failed"
    )
    assert broken(place.client, place.name) == []
    holding = found(place.client, place.name, place.folder)
    if is_sealed:
        assert holding == []
    else:
        kinds = {name.rpartition(":")[2].partition("/")[0] for name in holding}
        assert {"vals", "acts", "events", "audit", again.id} <= kinds
        assert any(":cache:" in name for name in holding)
        assert any(":file:" in name for name in holding)
        assert any(name.startswith(str(place.folder)) for name in holding)


def test_keys_are_changed_under_way(place):
    """A run that was begun without keys goes on with one, and then with the next; what is kept from then on needs that one."""
    process = place.open()
    run_id = started(process, "k")
    until_it_waits(process, run_id)
    process = place.open(OLD)
    process.service.answer(run_id, "paid", {"by": f"{PAYER}-x"})
    until_it_waits(process, run_id, {"asked"})
    process = place.open(NEW, OLD)
    process.service.answer(run_id, "asked", {"decision": "approve", "comment": "yes"})
    assert process.finish(run_id, 20).state == "SUCCEEDED"
    assert (
        process.service.start(
            process.service.reader.given(run_id), tenant="acme", trigger="api", idempotency_key="k"
        ).run_id
        == run_id
    )
    with pytest.raises(SealedValueError, match="the key 'new', which is not among SALTERN_ENCRYPTION_KEYS"):
        place.open(OLD).service.get(run_id, "acme")


def test_the_same_request_is_known_under_every_key(place):
    """Its digest says nothing without the key: the same input is the same under a later key, another one is refused."""
    first = place.open(OLD)
    run_id = started(first, "k")
    later = place.open(NEW, OLD).service
    given = later.reader.given(run_id)
    assert later.start(given, tenant="acme", trigger="api", idempotency_key="k").fresh is False
    with pytest.raises(IdempotencyConflictError):
        later.start(given | {"word": "another"}, tenant="acme", trigger="api", idempotency_key="k")
    (name,) = place.client.keys(f"*:{place.name}:*idem:*")
    assert place.client.hget(name, "body").startswith("old:")


def test_a_worker_without_the_key_loses_nothing(place):
    """What it cannot open is a failed attempt that says which key it lacks; the run is replayed by one that has it."""
    run_id = started(place.open(OLD))
    process = place.open(NEW)
    assert until(lambda: not process.step() and process.service.reader.state(run_id) == "FAILED")
    letters = process.service.operator.letters_of(run_id, "acme")
    assert {letter.failure.code for letter in letters} == {"value-sealed"}
    assert all("the key 'old', which is not among" in letter.failure.message for letter in letters)
    process = place.open(NEW, OLD)
    assert process.service.operator.replay(run_id, "acme", By("ops")).verdict == "ok"
    until_it_waits(process, run_id)
    process.service.answer(run_id, "paid", {"by": "x"})
    process.service.answer(run_id, "asked", {"decision": "approve", "comment": None, "by": None})
    # The quick arm of a race may have failed for good before the run did: then its slow one is waited for, and what comes behind it.
    assert until(
        lambda: not process.step() and all(path.startswith("race/slow") for path in pending(place, process, run_id))
    )
    assert process.service.reader.state(run_id) in {"SUCCEEDED", "WAITING"}


def pending(place, process, run_id):
    """Return what of a run goes on, or waits."""
    acts = place.client.hgetall(process.service.store.keys.run(run_id, ":acts"))
    records = {path: json.loads(text) for path, text in acts.items() if text.startswith("{")}
    return [path for path, record in records.items() if record["s"] in PENDING]


def test_what_was_moved_to_another_run_does_not_open(place):
    """A value is bound to its run and to its place there."""
    process = place.open(OLD)
    one, two = started(process), started(process)
    keys = process.service.store.keys
    other = place.client.hget(keys.run(two, ":vals"), "")
    place.client.hset(keys.run(one, ":vals"), "", other)
    with pytest.raises(SealedValueError, match="was changed, or lies where it was not kept"):
        process.service.get(one, "acme")
    place.client.hset(keys.run(two, ":vals"), "return", other)
    with pytest.raises(SealedValueError, match="was changed"):
        process.service.get(two, "acme")


def test_runs_are_listed_without_the_key(place):
    """Their messages cannot be read, all that scripts and people go by can: states, codes, letters, who did something and when."""
    process = place.open(OLD)
    run_id = started(process)
    until_it_waits(process, run_id)
    decided(process, run_id, "reject")
    operated(process, run_id)
    service = place.open(NEW).service
    (run,) = [each for each in service.list("acme").runs if each.id == run_id]
    assert (run.state, run.failure.code, run.failure.message) == ("FAILED", "refused", "[sealed]")
    letters = service.operator.letters_of(run_id, "acme")
    assert {(each.node, each.failure.message) for each in letters} == {("last", "[sealed]"), ("back", "[sealed]")}
    (audited,) = service.operator.audit(run_id)
    assert (audited["what"], audited["by"], audited["why"]) == ("replay", "[sealed]", "[sealed]")
    told = [event.data["message"] for event in service.events(run_id) if event.type == "run.failed"]
    assert set(told) == {"[sealed]"}
