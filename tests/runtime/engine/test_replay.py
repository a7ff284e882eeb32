"""Replays over the real engine: what each construct goes on with after its run failed, or reached its deadline."""

from datetime import timedelta
from typing import Any

import pytest

from saltern_runtime.engine.operating import By
from saltern_runtime.graph import Ask, Awaits, Context, Opens, Sleeps, Stage, node
from saltern_runtime.spec import Json, Retry
from saltern_runtime.store.letters import Wanted
from tests.runtime.loops.test_foreach import loop
from tests.support.checker import broken
from tests.support.operated import World, chain
from tests.support.until import until

ME = By("token:1", "it is mended")


@pytest.fixture
def world():
    return World()


def replayed(local, process, run_id, world):
    """Mend the world, replay the run, and return how it ended."""
    world.fails.clear()
    assert process.service.operator.replay(run_id, "acme", ME).verdict == "ok"
    view = process.finish(run_id, 20)
    assert broken(local.client, local.name) == []
    return view


def started(process, given: Json = 1):
    run_id = process.service.start(given, tenant="acme", trigger="api").run_id
    return run_id, process.finish(run_id, 20)


def test_a_chain_goes_on_where_it_failed(local, world):
    """What had succeeded is not called again, and what is called again has the key that it had."""
    process = local.open(*chain(world))
    world.fails = {"second"}
    run_id, view = started(process)
    assert (view.state, view.failure.node) == ("FAILED", "second")
    assert [letter.node for letter in process.service.operator.letters("acme", 9, None, Wanted()).letters] == ["second"]
    view = replayed(local, process, run_id, world)
    assert (view.state, view.output) == ("SUCCEEDED", "SECONDFIRSTBESIDE")
    assert (world.calls["first"], world.calls["second"]) == (1, 2)
    assert all(len(keys) == 1 for keys in world.keys.values())
    assert [each.attempt for each in view.nodes][:2] == [1, 2]
    assert [(entry["what"], entry["by"], entry["why"]) for entry in process.service.operator.audit(run_id)] == [
        ("replay", "token:1", "it is mended")
    ]


@pytest.mark.parametrize("at_most", [1, 3])
def test_a_loop_goes_on_with_the_items_that_are_left(local, world, at_most):
    """Items whose yield was kept are not begun again; the one that failed and those beside it are; counts are right."""

    @node("page", type="http.request@1")
    def page(ctx: Context, *, story: Json) -> Json:
        return world.call(ctx, str(story))

    @node("summaries/yield", type="yield@1")
    def summaries_yield(*, page: Json) -> Json:
        return page

    body = (
        Stage("summaries/page", nodes=(page,), retry=Retry(attempts=1)),
        Stage("summaries/yield", nodes=(summaries_yield,)),
    )
    process = local.open(*loop(*body, at_most=at_most))
    world.fails = {"d"}
    run_id, view = started(process, [*"abcdef"])
    assert view.state == "FAILED"
    each = process.service.store.keys.run(run_id, ":each:summaries")
    assert local.client.ttl(each) > 0
    world.before = lambda name: world.order.append(local.client.ttl(each))
    view = replayed(local, process, run_id, world)
    assert (view.state, view.output) == ("SUCCEEDED", [*"ABCDEF"])
    assert {name: world.calls[name] for name in "abcf"} == dict.fromkeys("abcf", 1)
    assert world.calls["d"] == 2
    assert {ttl for ttl in world.order if isinstance(ttl, int)} == {-1}
    assert all(len(keys) == 1 for keys in world.keys.values())
    shown = {each.id: each.items for each in view.nodes}
    for name in ("summaries", "page", "summaries/yield"):
        assert (shown[name].total, shown[name].done, shown[name].failed, shown[name].running) == (6, 6, 0, 0), name


def test_a_stage_of_several_nodes_in_an_item_is_counted_right(local, world):
    """Where the second node of a stage failed, the first counts once, and nothing counts as failed in the end."""

    @node("made", type="set@1")
    def made(*, story: Json) -> Json:
        return story

    @node("page", type="http.request@1")
    def page(ctx: Context, *, made: Json) -> Json:
        return world.call(ctx, str(made))

    @node("summaries/yield", type="yield@1")
    def summaries_yield(*, page: Json) -> Json:
        return page

    body = (
        Stage("summaries/page", nodes=(made, page), retry=Retry(attempts=1)),
        Stage("summaries/yield", nodes=(summaries_yield,)),
    )
    process = local.open(*loop(*body, at_most=1))
    world.fails = {"b"}
    run_id, view = started(process, [*"abc"])
    assert {each.id: (each.items.done, each.items.failed) for each in view.nodes if each.items}["made"] == (2, 0)
    view = replayed(local, process, run_id, world)
    assert view.output == [*"ABC"]
    shown = {each.id: each.items for each in view.nodes if each.items}
    assert {name: (items.done, items.failed) for name, items in shown.items()} == dict.fromkeys(shown, (3, 0))


def test_what_gathers_too_much_begins_its_items_anew(local, world):
    """A region whose own end failed has no items left: it goes over all of them again, and counts them once."""
    limit = {"max_payload": 40}

    @node("page", type="http.request@1")
    def page(ctx: Context, *, story: Json) -> Json:
        world.call(ctx, str(story))
        return "x" * (30 if "big" in world.fails else 1)

    @node("summaries/yield", type="yield@1")
    def summaries_yield(*, page: Json) -> Json:
        return page

    body = (Stage("summaries/page", nodes=(page,)), Stage("summaries/yield", nodes=(summaries_yield,)))
    process = local.open(*loop(*body), **limit)
    world.fails = {"big"}
    run_id, view = started(process, [*"abc"])
    assert (view.state, view.failure.code) == ("FAILED", "result-too-large")
    view = replayed(local, process, run_id, world)
    assert (view.state, view.output) == ("SUCCEEDED", [*"xxx"])
    shown = {each.id: each.items for each in view.nodes if each.items}
    assert {(items.total, items.done) for items in shown.values()} == {(3, 3)}


def test_branches_that_the_end_cut_off_go_on_too(local, world):
    """A wait beside what failed sleeps on for what was left of it, and a branch that waited for a worker runs."""

    @node("bad", type="http.request@1")
    def bad(ctx: Context) -> str:
        return world.call(ctx, "bad")

    @node("nap", type="wait@1")
    def nap(*, input: Json) -> timedelta:  # noqa: A002 - the name that nodes read the input by
        return timedelta(seconds=0.4)

    @node("return", type="return@1")
    def return_(*, bad: str, nap: None) -> str:
        return bad

    process = local.open(
        Stage("bad", nodes=(bad,), retry=Retry(attempts=1)),
        Stage("nap", nodes=(nap,), ends=Sleeps()),
        Stage("return", nodes=(return_,)),
    )
    world.fails = {"bad"}
    run_id, view = started(process)
    assert {each.id: each.state for each in view.nodes}["nap"] in ("CANCELLED", "BLOCKED", "SUSPENDED")
    view = replayed(local, process, run_id, world)
    assert (view.state, view.output) == ("SUCCEEDED", "BAD")


def test_many_are_replayed_and_discarded_at_once(local, world):
    """All that match, page by page; each tells what became of it."""

    @node("bad", type="http.request@1")
    def bad(ctx: Context, *, input: Json) -> Any:  # noqa: A002 - the name that nodes read the input by
        return world.call(ctx, str(input))

    @node("return", type="return@1")
    def return_(*, bad: Any) -> Any:
        return bad

    process = local.open(Stage("bad", nodes=(bad,), retry=Retry(attempts=1)), Stage("return", nodes=(return_,)))
    world.fails = {"1", "2", "3"}
    runs = [started(process, given)[0] for given in (1, 2, 3)]
    operator = process.service.operator
    done = operator.replay_all("acme", ME, Wanted(code="refused"))
    assert {run for run, _, _ in done.done} == set(runs)
    assert {verdict for _, _, verdict in done.done} == {"ok"}
    assert done.cursor is None
    for run_id in runs:
        process.finish(run_id, 20)
    assert len(operator.letters("acme", 9, None, Wanted()).letters) == 3, "they failed again"
    assert operator.replay_all("other", ME, Wanted()).done == ()
    assert len(operator.discard_all("acme", ME, Wanted(node="bad")).done) == 3
    assert operator.letters("acme", 9, None, Wanted()).letters == ()


def test_a_paused_run_goes_on_where_it_was(local, world):
    """Nothing is called while it is paused, everything once afterwards."""

    @node("summaries/yield", type="yield@1")
    def summaries_yield(*, page: Json) -> Json:
        return page

    @node("page", type="http.request@1")
    def page(ctx: Context, *, story: Json) -> Json:
        if story == "c":
            process.service.operator.pause(ctx.run.id, "acme", ME)
        return world.call(ctx, str(story))

    body = (Stage("summaries/page", nodes=(page,)), Stage("summaries/yield", nodes=(summaries_yield,)))
    process = local.open(*loop(*body, at_most=1))
    run_id = process.service.start([*"abcdef"], tenant="acme", trigger="api").run_id
    while process.step():
        pass
    assert process.service.reader.state(run_id) == "PAUSED"
    assert world.calls == dict.fromkeys("abc", 1)
    assert broken(local.client, local.name) == []
    assert process.service.operator.resume(run_id, "acme", ME).verdict == "ok"
    view = process.finish(run_id, 20)
    assert (view.state, view.output) == ("SUCCEEDED", [*"ABCDEF"])
    assert world.calls == dict.fromkeys("abcdef", 1)


def booking(world, name, *, after=()):
    """Make a stage that does something, and the one that takes it back, both as the world lets them."""

    @node(name, type="http.request@1")
    def do(ctx: Context) -> str:
        return world.call(ctx, name)

    @node(f"{name}/compensate", type="compensate@1")
    def compensate() -> list[None]:
        return [None]

    @node(f"undo_{name}", type="http.request@1")
    def undo(ctx: Context) -> None:
        world.call(ctx, f"undo_{name}")

    do.name, compensate.name, undo.name = name, f"{name}_compensate", f"undo_{name}"
    once = Retry(attempts=1)
    body = (Stage(f"{name}/compensate/undo_{name}", nodes=(undo,), retry=once),)
    opens = Opens("", body, result="")
    return (
        Stage(name, nodes=(do,), after=after, retry=once),
        Stage(f"{name}/compensate", nodes=(compensate,), compensates=name, on_error="continue", ends=opens),
    )


def test_what_was_not_taken_back_is_tried_again(local, world):
    """The last thing first, as before; what was taken back is not again; the run stays FAILED with the reason that it had."""
    names = ("a", "b", "c", "d")
    stages = [
        stage for at, name in enumerate(names) for stage in booking(world, name, after=names[at - 1 : at] if at else ())
    ]
    process = local.open(*stages)
    world.fails = {"d", "undo_a", "undo_c"}
    run_id, view = started(process)
    assert (view.state, view.failure.node) == ("FAILED", "d")
    assert world.calls["undo_b"] == 1
    operator = process.service.operator
    letters = operator.letters("acme", 9, None, Wanted()).letters
    assert {letter.node for letter in letters} == {"d", "undo_a", "undo_c"}
    world.fails = {"undo_a"}
    world.order.clear()
    assert operator.replay(run_id, "acme", ME).verdict == "ok"
    view = process.finish(run_id, 20)
    assert broken(local.client, local.name) == []
    assert (view.state, view.failure.node) == ("FAILED", "d")
    assert world.order == ["undo_c", "undo_a"]
    view = replayed(local, process, run_id, world)
    assert (view.state, world.calls["undo_a"], world.calls["undo_c"], world.calls["d"]) == ("FAILED", 3, 2, 1)
    assert {each.id: str(each.state) for each in view.nodes if each.id.startswith("undo_")} == {
        "undo_a": "SUCCEEDED", "undo_b": "SUCCEEDED", "undo_c": "SUCCEEDED", "undo_d": "SKIPPED",
    }  # fmt: skip
    assert operator.replay(run_id, "acme", ME).verdict == "undone"
    assert [letter.node for letter in operator.letters("acme", 9, None, Wanted()).letters] == ["d"]


def test_what_a_cancelled_run_could_not_take_back_is_tried_again(local, world):
    """By a replay, under the key that it had; it stays CANCELLED. Once all is taken back, nothing of it is replayed any more."""

    @node("wait", type="receive@1")
    def wait() -> Ask:
        return Ask("", None)

    process = local.open(
        *booking(world, "a"),
        *booking(world, "b", after=("a",)),
        Stage("wait", nodes=(wait,), ends=Awaits(str), after=("b",)),
    )
    operator, state = process.service.operator, process.service.reader.state
    world.fails = {"undo_a"}
    run_id = process.service.start(1, tenant="acme", trigger="api").run_id
    assert until(lambda: not process.step() and state(run_id) == "WAITING")
    process.service.cancel(run_id, "acme", "ordered twice")
    assert process.finish(run_id, 20).state == "CANCELLED"
    assert [letter.node for letter in operator.letters("acme", 9, None, Wanted()).letters] == ["undo_a"]
    view = replayed(local, process, run_id, world)
    assert (view.state, view.failure.code) == ("CANCELLED", "cancelled")
    assert world.calls == {"a": 1, "b": 1, "undo_a": 2, "undo_b": 1}
    assert all(len(keys) == 1 for keys in world.keys.values())
    assert operator.letters("acme", 9, None, Wanted()).letters == ()
    assert operator.replay(run_id, "acme", ME).verdict in ("cancelled", "undone")


def test_what_there_was_no_time_to_take_back_is_done_then(local, world):
    """A deadline that came first leaves what was not begun; a replay takes its turn with it."""
    process = local.open(*booking(world, "a"), *booking(world, "b", after=("a",)), *booking(world, "c", after=("b",)))
    world.fails = {"c"}
    service = process.service

    def deadline(name):
        if name == "undo_b" and world.calls[name] == 1:
            seconds, _ = local.client.time()
            local.client.zadd(service.store.keys.shard(0) + "due", {f"r|{run_id}": seconds * 1000 - 1})
            process.sweeper.sweep()

    world.before = deadline
    run_id = service.start(1, tenant="acme", trigger="api").run_id
    process.finish(run_id, 20)
    assert service.reader.state(run_id) == "FAILED"
    assert world.calls["undo_a"] == 0
    view = replayed(local, process, run_id, world)
    assert (view.state, view.failure.node) == ("FAILED", "c")
    assert (world.calls["undo_a"], world.calls["undo_b"]) == (1, 2)
    assert local.client.exists(service.store.keys.run(run_id, ":undo"), service.store.keys.run(run_id, ":owed")) == 0


def test_what_waited_until_the_deadline_waits_until_the_new_one(local):
    """A replay of a run that nobody answered in time can be answered."""

    @node("wait", type="receive@1")
    def wait() -> Ask:
        return Ask("", None)

    process = local.open(Stage("wait", nodes=(wait,), ends=Awaits(str)), deadline=1.0)
    run_id, view = started(process)
    assert view.state == "TIMED_OUT"
    assert process.service.operator.replay(run_id, "acme", ME).verdict == "ok"
    process.finish(run_id, 0.1)
    assert process.service.reader.state(run_id) == "WAITING"
    assert process.service.answer(run_id, "wait", "yes").status == "ok"
    assert process.finish(run_id, 20).state == "SUCCEEDED"
