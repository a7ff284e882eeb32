"""How long a run is kept that is over, by how it ended."""

import pytest

from saltern_runtime.errors import PermanentError
from saltern_runtime.graph import Context, Sleeps, Stage, node
from saltern_runtime.spec import Json
from tests.support.until import until

RETAINED = {"succeeded": 100.0, "failed": 400.0, "cancelled": 50.0}


@node("return", type="return@1")
def return_(*, input: Json) -> Json:  # noqa: A002 - the name that nodes read the input by
    if input == "bad":
        raise PermanentError("bad", code="bad")
    return input


def lasts(local, process, run_id):
    """Return for how long all that is left of a run will be there, in seconds: the shortest and the longest."""
    left = [local.client.pttl(key) / 1000 for key in local.client.keys(f"*:{local.name}:*{run_id}*")]
    return min(left), max(left)


@pytest.mark.parametrize(("given", "state", "seconds"), [("good", "SUCCEEDED", 100), ("bad", "FAILED", 400)])
def test_a_run_is_kept_as_its_end_says(local, given, state, seconds):
    """All of its keys, and who sends its first request again; the longest retention holds where the end has none of its own."""
    process = local.open(Stage("return", nodes=(return_,)), retention=900.0, retained=RETAINED)
    run_id = process.service.start(given, tenant="acme", trigger="api", idempotency_key="k").run_id
    assert process.finish(run_id, 20).state == state
    shortest, longest = lasts(local, process, run_id)
    assert seconds - 30 < shortest <= longest <= seconds
    (key,) = local.client.keys(f"*:{local.name}:*idem:*")
    assert local.client.pttl(key) <= seconds * 1000
    process = local.open(Stage("return", nodes=(return_,)), retention=900.0)
    run_id = process.service.start(given, tenant="acme", trigger="api").run_id
    assert process.finish(run_id, 20).state == state
    assert lasts(local, process, run_id)[0] > 800


def test_one_that_was_cancelled_and_one_that_reached_its_deadline(local):
    """The first has a retention of its own, the second that of what failed, since it can be replayed too."""

    @node("nap", type="wait@1")
    def nap(ctx: Context) -> Json:
        return None

    asleep = Stage("nap", nodes=(nap,), ends=Sleeps())
    process = local.open(asleep, retention=900.0, retained=RETAINED, deadline=0.4)
    late = process.service.start(1, tenant="acme", trigger="api").run_id
    gone = process.service.start(1, tenant="acme", trigger="api").run_id
    process.service.cancel(gone, "acme")
    assert until(lambda: not process.step() and process.service.reader.state(late) == "TIMED_OUT")
    assert lasts(local, process, gone)[1] <= 50
    assert 370 < lasts(local, process, late)[0] <= 400


def test_a_replayed_run_is_kept_as_its_new_end_says(local):
    """While it goes on it does not expire; then its retention begins anew."""
    fails = {"bad"}

    @node("return", type="return@1")
    def once(*, input: Json) -> Json:  # noqa: A002 - the name that nodes read the input by
        if input in fails:
            raise PermanentError("bad", code="bad")
        return input

    process = local.open(Stage("return", nodes=(once,)), retention=900.0, retained=RETAINED)
    run_id = process.service.start("bad", tenant="acme", trigger="api").run_id
    assert process.finish(run_id, 20).state == "FAILED"
    assert len(process.service.operator.letters_of(run_id, "acme")) == 1
    fails.clear()
    process.service.store.replay(run_id, "acme", "ab" * 8, '{"what":"replay"}')
    assert local.client.pttl(process.service.store.keys.run(run_id)) == -1
    assert process.finish(run_id, 20).state == "SUCCEEDED"
    assert lasts(local, process, run_id)[1] <= 100
