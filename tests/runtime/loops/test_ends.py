"""How a foreach ends early: cancelled, past the deadline, with its worker lost inside an item."""

import pytest

from saltern_runtime.graph import Context, Stage, node
from saltern_runtime.spec import Json, Retry
from tests.runtime.loops.test_foreach import loop, nested, summaries_yield
from tests.support.checker import broken


@pytest.mark.parametrize("end", ["cancel", "deadline"])
def test_many_open_items_are_swept(local, end):
    """A run that ends with hundreds of open activations leaves none of them: 64 at a time, the timers do the rest.

    Only a run that may be replayed keeps its items, as long as it is kept itself.
    """
    width = 64

    @node("page", type="set@1")
    def page(*, story: Json) -> Json:
        return story

    fillers = tuple(Stage(f"summaries/f{n}", nodes=(filler(f"f{n}"),), queue="never") for n in range(4))
    body = (
        Stage("summaries/page", nodes=(page,), queue="never"),
        *fillers,
        Stage("summaries/yield", nodes=(summaries_yield,)),
    )
    process = local.open(*loop(*body, at_most=width), deadline=0.6 if end == "deadline" else 60.0)
    run_id = process.service.start(list(range(1000)), tenant="acme", trigger="api").run_id
    keys = process.service.store.keys
    while int(local.client.hget(keys.run(run_id), "open") or 0) < 1 + width * 5:
        kept = [bell for bell in process.bells.bells if not bell.queue.endswith("never")]
        process.bells.bells.clear()
        process.bells.bells.extend(kept)
        process.step()
        process.sweeper.sweep()
        assert broken(local.client, local.name) == []
    process.bells.bells.clear()
    if end == "cancel":
        assert process.service.cancel(run_id, "acme").state == "CANCELLED"
    while process.service.reader.state(run_id) not in ("CANCELLED", "TIMED_OUT"):
        process.sweeper.sweep()
    for _ in range(3):
        process.sweeper.sweep()
    assert broken(local.client, local.name) == []
    left = local.client.keys(keys.run(run_id, ":each:*"))
    assert [0 < local.client.ttl(key) <= process.service.graph.retention for key in left] == [True] * (
        end == "deadline"
    )
    assert not [name for name in local.client.zrange(keys.shard(0) + "due", 0, -1) if run_id in name]
    view = process.service.get(run_id, "acme")
    assert view.nodes[0].state == "CANCELLED"
    assert view.nodes[1].items.running == 0


def filler(name):
    """Make a node that reads its item."""
    space = {}
    exec(f"def {name}(*, story: int) -> int:\n    return 1", space)
    return node(name, type="set@1")(space[name])


def test_cancelled_inside_an_inner_loop(local):
    """Cancelling a run whose inner items run: the last of them closes it, and nothing is left."""
    process = local.open(*nested(window=2))
    run_id = process.service.start([[1, 2, 3], [4, 5]], tenant="acme", trigger="api").run_id
    keys = process.service.store.keys
    while not local.client.keys(keys.run(run_id, ":each:outer*inner")):
        bell = process.bells.bells.popleft()
        answer = process.service.store.answer(bell, "n" * 16)
        process.bells.ring(answer.bells)
        if answer.claim is not None:
            process.bells.ring(process.engine._settle(answer.claim, 0.0).bells)
    assert process.service.cancel(run_id, "acme").state == "CANCELLED"
    process.finish(run_id, 5)
    assert broken(local.client, local.name) == []
    assert local.client.keys(keys.run(run_id, ":each:*")) == []


def test_a_lost_worker_inside_an_item(local):
    """An item whose worker vanished is run again there, under the same effect key."""
    seen = []

    @node("page", type="http.request@1")
    def page(ctx: Context, *, story: Json) -> Json:
        seen.append((ctx.path, ctx.attempt, ctx.effect_key()))
        return story

    body = (
        Stage("summaries/page", nodes=(page,), retry=Retry(attempts=1)),
        Stage("summaries/yield", nodes=(summaries_yield,)),
    )
    process = local.open(*loop(*body), lease=0.1)
    run_id = process.service.start(["a", "b"], tenant="acme", trigger="api").run_id
    store = process.service.store
    answer = store.answer(process.bells.bells.popleft(), "n1")
    process.engine._settle(answer.claim, 0.0)
    while not any(
        event.type == "stage.started" and event.path == "summaries[0]/page" for event in process.service.events(run_id)
    ):
        process.sweeper.sweep()
        while process.bells.bells:
            store.answer(process.bells.bells.popleft(), "lost")
    view = process.finish(run_id, 20)
    assert view.output == ["a", "b"]
    assert [attempt for path, attempt, _ in seen if path == "summaries[0]/page"] == [2]
    assert broken(local.client, local.name) == []
