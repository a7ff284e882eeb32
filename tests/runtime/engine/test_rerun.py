"""Runs that are over begin anew in the middle: what each construct does then, and what is refused."""

import json

import pytest

from saltern_runtime import Concurrency
from saltern_runtime.engine import links
from saltern_runtime.engine.operating import By
from saltern_runtime.errors import StopRun, TransientError
from saltern_runtime.graph import Context, RunInfo, Stage, node
from saltern_runtime.spec import Json, Retry
from tests.runtime.engine import test_answers, test_cache, test_compensate, test_races, test_starts, test_stop
from tests.runtime.engine.conftest import make_graph
from tests.runtime.engine.test_replay import replayed, started
from tests.runtime.loops.test_foreach import loop
from tests.support.checker import broken
from tests.support.operated import World, chain
from tests.support.until import until

ME = By("token:1", "it came out wrong")
ONCE = Retry(attempts=1)


@pytest.fixture
def world():
    return World()


@pytest.fixture(autouse=True)
def _nothing_done():
    test_cache.CALLS.clear()
    test_races.CALLS.clear()
    test_starts.SEEN.clear()
    test_stop.CALLS.clear()
    test_compensate.DID.clear()


def refused(process, run_id, at, tenant="acme"):
    """Say why a run does not begin anew at a node."""
    verdict = process.service.operator.rerun(run_id, tenant, at, ME).verdict
    assert verdict != "ok"
    return verdict


def rerun(local, process, run_id, at):
    """Let a run begin anew at a node, and return how it ended."""
    assert process.service.operator.rerun(run_id, "acme", at, ME).verdict == "ok"
    assert broken(local.client, local.name) == []
    view = process.finish(run_id, 20)
    assert broken(local.client, local.name) == []
    return view


def test_what_comes_behind_is_done_anew_with_other_keys(local, world):
    """What stands before and beside is not called; each attempt of a rerun has the key of that rerun, and the next one another."""
    process = local.open(*chain(world))
    run_id, view = started(process)
    for epoch in (1, 2):
        again = rerun(local, process, run_id, "second")
        assert (again.state, again.output) == (view.state, view.output)
        assert world.calls == {"first": 1, "second": 1 + epoch, "beside": 1}
        assert {key.rpartition(":")[2] for key in world.keys["second"]} == {str(each) for each in range(epoch + 1)}
    assert len(world.keys["second"]) == 3
    assert {each.id: each.attempt for each in again.nodes} == {"first": 1, "second": 1, "beside": 1, "return": 1}
    assert [(entry["what"], entry["node"], entry["why"]) for entry in process.service.operator.audit(run_id)] == [
        ("rerun", "second", "it came out wrong")
    ] * 2
    assert {"run.rerun"} <= {event.type for event in process.service.events(run_id)}
    times = iter((1, 0))

    def once(name):
        if next(times):
            raise TransientError("later", code="busy")

    world.before = once
    assert rerun(local, process, run_id, "second").state == "SUCCEEDED"
    assert len(world.keys["second"]) == 4, "both attempts have one key"


def test_a_node_that_is_read_by_nothing_else_is_an_entry(local, world):
    """What a run begins with begins anew too, and all behind it."""
    process = local.open(*chain(world))
    run_id, view = started(process)
    assert rerun(local, process, run_id, "first").output == view.output
    assert world.calls == {"first": 2, "second": 2, "beside": 1}
    assert rerun(local, process, run_id, "return").output == view.output
    assert world.calls == {"first": 2, "second": 2, "beside": 1}


def test_what_failed_elsewhere_goes_on_as_in_a_replay(local, world):
    """A rerun of a failed run ends it: what its end cut off has the key that it had."""
    process = local.open(*chain(world))
    world.fails = {"second"}
    run_id, view = started(process)
    assert (view.state, view.failure.node) == ("FAILED", "second")
    world.fails.clear()
    view = rerun(local, process, run_id, "beside")
    assert (view.state, view.output) == ("SUCCEEDED", "SECONDFIRSTBESIDE")
    assert (world.calls["first"], len(world.keys["second"])) == (1, 1)
    assert {key.rpartition(":")[2] for key in world.keys["beside"]} <= {"0", "1"}
    assert "1" in {key.rpartition(":")[2] for key in world.keys["beside"]}
    assert process.service.operator.letters_of(run_id, "acme") == ()


def test_a_run_that_fails_anew_can_be_replayed(local, world):
    """Its letter is there, and the replay keeps the keys of the rerun."""
    process = local.open(*chain(world))
    run_id, _ = started(process)
    world.fails = {"second"}
    assert rerun(local, process, run_id, "second").state == "FAILED"
    assert [letter.node for letter in process.service.operator.letters_of(run_id, "acme")] == ["second"]
    assert replayed(local, process, run_id, world).output == "SECONDFIRSTBESIDE"
    assert len(world.keys["second"]) == 2


def test_a_node_of_a_loop_begins_its_loop_anew(local, world):
    """All its items are done anew and nothing of the old ones is left; counts are those of one loop."""

    @node("page", type="http.request@1")
    def page(ctx: Context, *, story: Json) -> Json:
        return world.call(ctx, str(story))

    @node("summaries/yield", type="yield@1")
    def summaries_yield(*, page: Json) -> Json:
        return page

    body = (Stage("summaries/page", nodes=(page,), retry=ONCE), Stage("summaries/yield", nodes=(summaries_yield,)))
    process = local.open(*loop(*body, at_most=2))
    world.fails = {"c"}
    run_id, view = started(process, [*"abcd"])
    assert view.state == "FAILED"
    world.fails.clear()
    for _ in range(2):
        view = rerun(local, process, run_id, "page")
        assert (view.state, view.output) == ("SUCCEEDED", [*"ABCD"])
        items = {each.id: each.items for each in view.nodes if each.items is not None}
        assert {(each.total, each.done, each.failed, each.running) for each in items.values()} == {(4, 4, 0, 0)}
    assert world.calls == {"a": 3, "b": 3, "c": 3, "d": 2}
    assert {key.rpartition(":")[2] for key in world.keys["d"]} == {"1", "2"}
    left = local.client.hkeys(process.service.store.keys.run(run_id, ":vals"))
    assert not [place for place in left if "[" in place]


def test_a_race_is_run_again_by_all(local):
    """Who had lost has another chance."""
    a, b = test_races.arm("a"), test_races.arm("b", sleeps=0.2)
    process = local.open(*test_races.stages(1, a, b, test_races.arm("c", fails=True)))
    run_id, view = started(process)
    assert view.output == ["a"]
    view = rerun(local, process, run_id, "race/b")
    assert (view.state, view.output) == ("SUCCEEDED", ["a"])
    assert test_races.CALLS.count("a") == 2


def test_what_is_to_be_taken_back_is_not_done_twice(local):
    """It could be taken back but once; what comes behind it may begin anew, and is taken back with the rest where the run fails."""

    @node("return", type="return@1")
    def return_(*, late: str) -> str:
        return late

    stages = (*test_compensate.does("hotel"), *test_compensate.does("late", after=("hotel",)))
    process = local.open(*stages[:2], stages[2], Stage("return", nodes=(return_,)))
    run_id, view = started(process)
    assert view.state == "SUCCEEDED"
    assert refused(process, run_id, "hotel") == "undoable"
    assert refused(process, run_id, "hotel/compensate") == "unknown"
    assert rerun(local, process, run_id, "late").state == "SUCCEEDED"
    assert test_compensate.DID == ["hotel", "late", "late"]


def test_what_was_taken_back_is_not_begun_anew(local):
    """Its effects are not there any more."""
    process = local.open(*test_compensate.does("hotel"), *test_compensate.does("late", after=("hotel",), fails=True))
    run_id, view = started(process)
    assert view.state == "FAILED"
    assert refused(process, run_id, "late") == "undone"


def test_a_stop_decides_anew_or_stays(local):
    """Behind it the run is over on purpose; from it on, it may decide otherwise."""
    process = local.open(*test_stop.SLEEPER, Stage("end", nodes=(test_stop.end,)))
    run_id, view = started(process, "say")
    assert view.output == {"said": "early"}
    assert refused(process, run_id, "nap") == "stopped"
    view = rerun(local, process, run_id, "end")
    assert (view.state, view.output, test_stop.CALLS) == ("SUCCEEDED", {"said": "early"}, [1, 1])


@pytest.mark.parametrize("is_child", [True, False])
def test_what_a_stop_gave_is_not_what_the_rerun_gives(local, is_child):
    """A node that stopped its run with an output, and goes on when it is run again: the output is what is returned then, or none."""
    calls = []

    @node("send", type="python@1")
    def send(*, input: test_starts.Text) -> int:  # noqa: A002 - as generated code has it
        calls.append(input)
        if len(calls) % 2:
            raise StopRun("succeeded", "early", output=-1)
        return 5

    @node("return", type="return@1")
    def returned(*, send: int) -> int:
        return send

    stages = Stage("send", nodes=(send,), retry=ONCE), Stage("return", nodes=(returned,))
    started_from = test_starts.start(text="hi", graph=make_graph("score", *stages, deadline=30.0))
    process = local.open(*((started_from,) if is_child else stages[:1]))
    process.service.start("x" if is_child else {"text": "x"}, tenant="acme", trigger="api")
    run = next(run for run in test_starts.all_over(process).values() if bool(run.parent) == is_child)
    assert run.output == -1
    assert rerun(local, process, run.id, "send").output == (5 if is_child else None)


def test_a_run_that_its_group_never_let_in_is_replayed(local, world):
    """Nothing of it can begin anew, since nothing of it began; a rerun of it would begin before it has another epoch."""
    process = local.open(*chain(world))
    service, graph = process.service, process.service.graph
    graph.concurrency = Concurrency(1)
    service.start(1, tenant="acme", trigger="api")
    graph.deadline = 0.1
    behind = service.start(1, tenant="acme", trigger="api").run_id
    until(lambda: process.sweeper.sweep() is None or service.reader.state(behind) == "TIMED_OUT")
    assert refused(process, behind, "first") == "unreached"


def test_an_approval_asks_again(local):
    """What was answered before is forgotten; what is answered then counts."""
    process = local.open(test_answers.asks(), Stage("return", nodes=(test_answers.decided,)))
    run_id = process.service.start(1, tenant="acme", trigger="api").run_id

    def decide(what):
        until(lambda: process.step() is None or process.service.reader.state(run_id) == "WAITING")
        process.service.answer(run_id, "asked", {"decision": what})
        return process.finish(run_id, 20).output["decision"]

    assert decide("approve") == "approve"
    assert process.service.operator.rerun(run_id, "acme", "asked", ME).verdict == "ok"
    assert decide("reject") == "reject"


def test_a_link_is_valid_as_long_as_the_run_may_be(local):
    """After a rerun its end is that of the run now, which may lie long behind the first one."""

    @node("tell", type="set@1")
    def tell(*, run: RunInfo) -> str:
        return run.callback("asked")

    @node("return", type="return@1")
    def return_(*, tell: str) -> str:
        return tell

    waits = Stage("asked", nodes=test_answers.asks().nodes, ends=test_answers.asks().ends, after=("return",))
    stages = (Stage("tell", nodes=(tell,)), Stage("return", nodes=(return_,)), waits)
    process = local.open(*stages, public_url="https://it.example")
    run_id = process.service.start(1, tenant="acme", trigger="api").run_id
    ends = []
    for begun in (True, False):
        if not begun:
            local.client.hincrby(process.service.store.keys.run(run_id), "created", -3_600_000)
            local.client.hincrby(process.service.store.keys.run(run_id), "deadline", -3_600_000)
            assert process.service.operator.rerun(run_id, "acme", "tell", ME).verdict == "ok"
        until(lambda: process.step() is None or process.service.reader.state(run_id) == "WAITING")
        process.service.answer(run_id, "asked", {"decision": "approve"})
        link, _ = links.read(process.finish(run_id, 20).output.removeprefix("https://it.example/answers/"))
        ends.append(link.until)
    assert ends[0] <= ends[1] <= ends[0] + 60


def test_a_start_makes_another_run(local):
    """The first one stays as it is; an attempt more makes no third one."""

    @node("return", type="return@1")
    def return_(*, s: str) -> str:
        return s

    process = local.open(
        test_starts.start(text="abc"), Stage("return", nodes=(return_,)), connections=(test_starts.CRM,)
    )
    run_id, view = started(process, "x")
    again = rerun(local, process, run_id, "s")
    assert view.output != again.output
    for child in (view.output, again.output):
        assert process.finish(child, 20).state == "SUCCEEDED"
    assert len(process.service.list("acme").runs) == 3
    child = rerun(local, process, again.output, "send")
    assert (child.state, child.output) == ("SUCCEEDED", "3")


def test_a_cache_is_not_read(local):
    """Whoever has a node run again wants it run; what it gives then is kept for others."""
    process = local.open(test_cache.cached(), test_cache.END, connections=(test_cache.MODEL,))
    run_id, _ = started(process, {"text": "hi"})
    rerun(local, process, run_id, "return")
    assert test_cache.CALLS == ["hi"]
    view = rerun(local, process, run_id, "ask")
    assert test_cache.CALLS == ["hi", "hi"]
    assert [each.cached for each in view.nodes] == [0, 0]
    started(process, {"text": "hi"})
    assert test_cache.CALLS == ["hi", "hi"]


def test_what_a_stage_computes_for_itself_is_computed_anew(local, world):
    """A stage that has a copy of a node hangs on it as if it read it."""

    @node("two", type="set@1")
    def two() -> int:
        return 2

    @node("one", type="http.request@1")
    def one(ctx: Context, *, two: int) -> str:
        return world.call(ctx, f"one{two}")

    @node("return", type="return@1")
    def return_(*, one: str, two: int) -> str:
        return one + str(two)

    process = local.open(
        Stage("two", nodes=(two,)), Stage("one", nodes=(one,), again=(two,)), Stage("return", nodes=(return_,))
    )
    run_id, view = started(process)
    assert rerun(local, process, run_id, "two").output == view.output == "ONE22"
    assert world.calls == {"one2": 2}


def test_why_a_run_does_not_begin_anew(local, world):
    """Each reason has its verdict, and nothing is changed."""
    process = local.open(*chain(world))
    service, client = process.service, local.client
    run_id = service.start(1, tenant="acme", trigger="api").run_id
    assert refused(process, run_id, "first") == "open"
    service.cancel(run_id, "acme")
    process.finish(run_id, 20)
    assert refused(process, run_id, "first") == "cancelled"
    assert refused(process, run_id, "first", tenant="other") == "missing"
    assert refused(process, "0-" + "0" * 24, "first") == "missing"
    assert refused(process, "x", "first") == "missing"
    world.fails = {"first"}
    run_id, view = started(process)
    assert (view.state, view.failure.node) == ("FAILED", "first")
    before = client.hgetall(service.store.keys.run(run_id)), client.hgetall(service.store.keys.run(run_id, ":acts"))
    assert refused(process, run_id, "second") == "unreached"
    for name in ("", "third", "second[0]", "return:", "x" * 5000, "charge|", "\0"):
        assert refused(process, run_id, name) == "unknown"
    client.set(service.store.keys.run(run_id, ":rerun"), "")
    assert refused(process, run_id, "first") == "unfinished"
    client.delete(service.store.keys.run(run_id, ":rerun"))
    flow = f"{service.store.keys.shard(0)}flow:{service.plans.plan}"
    text = client.getdel(flow)
    assert refused(process, run_id, "first") == "older"
    client.set(flow, text)
    assert before == (
        client.hgetall(service.store.keys.run(run_id)),
        client.hgetall(service.store.keys.run(run_id, ":acts")),
    )


def test_a_value_that_is_gone_is_said_at_once(local, world):
    """What is needed must be there; what is done anew need not."""

    @node("big", type="http.request@1")
    def big(ctx: Context) -> str:
        return world.call(ctx, "big") * 20_000

    @node("return", type="return@1")
    def return_(*, big: str) -> int:
        return len(big)

    process = local.open(Stage("big", nodes=(big,)), Stage("return", nodes=(return_,)))
    run_id, view = started(process)
    local.client.delete(*local.client.keys(f"saltern:v1:{local.name}:*payload:*"))
    assert refused(process, run_id, "return") == "gone"
    assert rerun(local, process, run_id, "big").output == view.output


def test_a_run_that_changes_meanwhile_is_looked_at_again(local, world, monkeypatch):
    """What was found out of an earlier generation is not done to a later one."""
    process = local.open(*chain(world))
    run_id, view = started(process)
    stale, look = process.service.reader.ended(run_id, "acme"), process.service.reader.ended
    rerun(local, process, run_id, "first")
    seen = iter([stale])
    monkeypatch.setattr(process.service.reader, "ended", lambda *of: next(seen, None) or look(*of))
    assert rerun(local, process, run_id, "second").output == view.output
    assert world.calls == {"first": 2, "second": 3, "beside": 1}
    monkeypatch.setattr(process.service.reader, "ended", lambda *_: stale)
    assert refused(process, run_id, "second") == "open"


def test_a_plan_keeps_how_its_stages_follow_each_other(local, world):
    """What is kept says the same when it is read again, and names no stage of a region."""
    process = local.open(*loop())
    rows = json.loads(process.service.plans.flow)
    assert [row["arrival"]["path"] for row in rows] == ["summaries", "return"]
