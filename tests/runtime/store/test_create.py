"""create: a run, once for each idempotency key."""

import pytest

from saltern_runtime.store.keys import new_run_id
from tests.runtime.store.conftest import dep


def test_entries_are_ready_and_a_bell_is_to_be_sent(bench):
    """A new run is QUEUED, its entry stages READY with a timer, and the caller gets a bell for their queue."""
    made = bench.create(dep("a"), dep("b", queue="other"))
    assert made.status == "fresh"
    assert bench.state(made.run_id) == "QUEUED"
    assert {path: act["s"] for path, act in bench.acts(made.run_id).items()} == {"a": "READY", "b": "READY"}
    assert {bell.queue for bell in made.bells} == {"q", "other"}


def test_sent_twice_answers_the_same(bench):
    """The run's id is the nonce: the same call again makes nothing and gives the first answer, bells included."""
    run_id = new_run_id(0)
    first = bench.create(id=run_id)
    assert bench.create(id=run_id) == first
    assert bench.events(run_id) == ["run.created"]


def test_the_same_key_and_body_is_the_first_run(bench):
    """A known idempotency key with the same body answers with the first run, and writes."""
    first = bench.create(idempotency="k")
    again = bench.create(idempotency="k")
    assert (again.status, again.run_id, again.bells) == ("known", first.run_id, ())
    assert bench.client.hget(bench.key("idem:k"), "asked") == "1"


def test_the_same_key_with_another_body_is_a_conflict(bench):
    """A known idempotency key with another body makes no run."""
    first = bench.create(idempotency="k")
    other = bench.create(idempotency="k", body="other")
    assert (other.status, other.run_id) == ("conflict", first.run_id)
    assert bench.client.zcard(bench.key("runs:acme")) == 1


def test_a_graph_without_stages_succeeds_at_once(bench):
    """Nothing to run is a run that is over."""
    made = bench.create(entries=())
    assert bench.state(made.run_id) == "SUCCEEDED"
    assert bench.client.pttl(bench.store.keys.run(made.run_id)) > 0


@pytest.mark.parametrize("size", [32 * 1024, 32 * 1024 + 1])
def test_a_big_input_is_kept_by_reference(bench, size):
    """Up to 32 KB stand in the run's hash, more beside it; whoever claims sees the value either way."""
    text = '"' + "x" * (size - 2) + '"'
    made = bench.create(dep("a", reads='[""]'), input=text)
    kept = bench.client.hget(bench.store.keys.run(made.run_id, ":vals"), "")
    assert kept.startswith("@") == (size > 32 * 1024)
    assert bench.claim().values == {"": text}
