"""A pipeline that another one starts: a run of its own, which any worker of the same plan works on."""

import time
from dataclasses import dataclass

import pytest

from saltern_runtime import Calls, Connection, Retry, Starts
from saltern_runtime.errors import PermanentError, StopRun
from saltern_runtime.graph import SKIPPED, Ask, Awaits, Context, GraphError, On, Opens, Skipped, Stage, node
from saltern_runtime.nodes.flow.results import NodeFailure
from saltern_runtime.store.views import TERMINAL
from tests.runtime.engine.conftest import make_graph

SEEN = []


@dataclass
class Text:
    text: str


@node("send", type="http.request@1", connection="crm")
def send(ctx: Context, *, input: Text) -> int:  # noqa: A002 - as generated code has it
    SEEN.append((ctx.run.id, ctx.node, ctx.path, ctx.connection.settings["base_url"]))
    if input.text == "bad":
        raise PermanentError("refused", code="refused")
    if input.text == "early":
        raise StopRun("succeeded", "early", output=-1)
    return len(input.text)


@node("failed", type="error@1", of="send")
def failed(*, failure: NodeFailure) -> str:
    return f"{failure.node} {failure.code}"


@node("return", type="return@1")
def returned(*, send: int | Skipped, failed: str | Skipped) -> str:
    return str(failed if send is SKIPPED else send)


CRM = Connection("crm", "http", {"base_url": "https://crm.example"})
SCORE = make_graph(
    "score",
    Stage("send", nodes=(send,), retry=Retry(attempts=1), on_error="continue"),
    Stage("failed", nodes=(failed,), when=(On("send", "error"),)),
    Stage("return", nodes=(returned,)),
    connections=(CRM,),
    deadline=30.0,
)


def start(name="s", text=None, stage=None, graph=SCORE, **options):
    """Make a stage that starts `score` with a text, or with what the caller's own input says."""

    @node(name, type="start.score@1")
    def owner(*, input: str) -> Text:  # noqa: A002 - as generated code has it
        return Text(text or input)

    owner.name = name.replace("/", "_")
    return Stage(stage or name, nodes=(owner,), ends=Starts(graph, **options), retry=Retry(attempts=1))


@node("return", type="return@1")
def gives(*, s: str) -> str:
    return s


def all_over(process, tenant="acme", timeout=20):
    """Work until no run is open, and return them by id."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        runs = process.service.list(tenant, limit=200).runs
        if all(run.state in TERMINAL for run in runs):
            return {run.id: process.service.get(run.id, tenant) for run in runs}
        process.finish(next(run.id for run in runs if run.state not in TERMINAL), 0.05)
    raise AssertionError([(run.id, run.state) for run in runs])


def begun(process, given="some words"):
    """Start a run, work until it is over, and return it with all runs."""
    run_id = process.service.start(given, tenant="acme", trigger="api").run_id
    process.finish(run_id, 20)
    return process.service.get(run_id, "acme"), all_over(process)


def test_a_cap_refuses_no_start(local):
    """A tenant with all the open runs that it may have: what these start is made, and counts."""
    process = local.open(start(), Stage("return", nodes=(gives,)), max_open_runs=1)
    made, runs = begun(process)
    assert [run.state for run in runs.values()] == ["SUCCEEDED"] * 2
    assert made.output in runs
    assert process.service.figures().tenants == {}


def test_a_run_of_its_own(local):
    """The value is the id of a run that has the nodes, input, output and deadline of what is started, and knows its maker."""
    made, runs = begun(local.open(start(), Stage("return", nodes=(gives,)), deadline=50.0))
    assert (made.state, [each.id for each in made.nodes], made.parent) == ("SUCCEEDED", ["s", "return"], None)
    assert len(runs) == 2
    child = runs[made.output]
    assert (child.pipeline, child.trigger, child.parent) == ("score", "start", made.id)
    assert (child.input, child.output) == ({"text": "some words"}, "10")
    assert [(each.id, each.state) for each in child.nodes] == [
        ("send", "SUCCEEDED"), ("failed", "SKIPPED"), ("return", "SUCCEEDED"),
    ]  # fmt: skip
    assert child.deadline - child.created_at == pytest.approx(30, abs=0.1)


def test_its_failure_is_its_own(local):
    """What fails in it is told by the names that it has itself, and its maker succeeds."""
    made, runs = begun(local.open(start(text="bad"), Stage("return", nodes=(gives,))))
    child = runs[made.output]
    assert (made.state, child.state, child.output) == ("SUCCEEDED", "SUCCEEDED", "send refused")
    assert [each.failure.node for each in child.nodes if each.failure] == ["send"]


def test_it_may_stop_early(local):
    """A `stop` that succeeds ends the run that was started alone."""
    made, runs = begun(local.open(start(text="early"), Stage("return", nodes=(gives,))))
    assert (made.state, runs[made.output].state, runs[made.output].output) == ("SUCCEEDED", "SUCCEEDED", -1)


def test_started_in_what_is_called_in_a_loop(local):
    """A start inside of a call, in a loop, makes a run in each round, with the connection that the call gives."""

    @node("return", type="return@1")
    def inner(*, s: str) -> str:
        return s

    outer = make_graph("outer", start(), Stage("return", nodes=(inner,)))

    @node("each", type="foreach@1")
    def each() -> list[str]:
        return ["a", "bcd"]

    @node("each/c", type="call.outer@1")
    def c(*, item: str) -> list[str]:
        return [item]

    @node("each/yield", type="yield@1")
    def gave(*, c: str) -> str:
        return c

    @node("return", type="return@1")
    def all_(*, each: list[str]) -> list[str]:
        return each

    other = Connection("other", "http", {"base_url": "https://other.example"})
    c.name = "c"
    call = Stage("each/c", nodes=(c,), ends=Calls(outer, {"crm": "other"}))
    body = (call, Stage("each/yield", nodes=(gave,)))
    SEEN.clear()
    made, runs = begun(
        local.open(
            Stage("each", nodes=(each,), ends=Opens("item", body, result="each/yield")),
            Stage("return", nodes=(all_,)),
            connections=(other,),
        )
    )
    assert [runs[run].output for run in made.output] == ["1", "3"]
    assert {(node, url) for _, node, _, url in SEEN} == {("each/c/s:send", "https://other.example")}
    assert len(runs) == 3


def test_what_is_started_starts_in_turn(local):
    """A run that was started makes runs itself, each with the name of what made it."""
    middle = make_graph("middle", start("inner"), Stage("return", nodes=(_reads_inner(),)))

    @node("s", type="start.middle@1")
    def s() -> str:
        return "deep"

    made, runs = begun(local.open(Stage("s", nodes=(s,), ends=Starts(middle)), Stage("return", nodes=(gives,))))
    child = runs[made.output]
    grandchild = runs[child.output]
    assert (child.pipeline, [each.id for each in child.nodes]) == ("middle", ["inner", "return"])
    assert (grandchild.pipeline, grandchild.parent, grandchild.output) == ("score", child.id, "4")


def _reads_inner():
    @node("return", type="return@1")
    def reads(*, inner: str) -> str:
        return inner

    return reads


@node("ask", type="approval@1")
def ask() -> Ask:
    return Ask("May it?", None)


@node("return", type="return@1")
def told(*, ask: str) -> str:
    return ask


ASKS = make_graph("asks", Stage("ask", nodes=(ask,), ends=Awaits(str)), Stage("return", nodes=(told,)), deadline=30.0)


def open_with_ask(local, *, linked):
    """Open a service whose run starts one that waits for an answer, and then waits itself."""
    begin = start(graph=ASKS, linked=linked)

    @node("rest", type="receive@1")
    def rest(*, s: str) -> Ask:
        return Ask(s, None)

    return local.open(begin, Stage("rest", nodes=(rest,), ends=Awaits(str)), deadline=10.0)


def waits(process):
    """Start a run and work until it waits and the one that it made does; return both ids."""
    run_id = process.service.start("x", tenant="acme", trigger="api").run_id
    for _ in range(400):
        process.finish(run_id, 0.01)
        runs = {run.id: run for run in process.service.list("acme").runs}
        if len(runs) == 2 and all(run.state == "WAITING" for run in runs.values()):
            return run_id, next(other for other in runs if other != run_id)
    raise AssertionError(runs)


def test_it_takes_answers(local):
    """What waits in a run that was started is named as its own pipeline does, and is answered at its place."""
    process = open_with_ask(local, linked=False)
    run_id, child = waits(process)
    (found,) = process.service.get(child, "acme").awaits
    assert (found.node, found.path) == ("ask", "s:ask")
    assert process.service.awaited(child, found.path).node == "ask"
    assert process.service.answer(run_id, found.path, "no").status == "missing"
    assert process.service.answer(child, found.path, "yes").status == "ok"
    assert process.finish(child, 10).output == "yes"


def test_a_linked_one_is_cancelled_with_its_maker(local):
    """Cancelling reaches what is linked, and says why; its deadline is that of its maker."""
    process = open_with_ask(local, linked=True)
    run_id, child = waits(process)
    view = process.service.get(child, "acme")
    assert view.deadline <= process.service.get(run_id, "acme").deadline + 0.05
    process.service.cancel(run_id, "acme")
    runs = all_over(process)
    assert (runs[run_id].state, runs[child].state) == ("CANCELLED", "CANCELLED")
    assert runs[child].failure.message == "the run that started it was cancelled"
    assert process.service.store.client.keys(f"*:{local.name}:*:linked") == []


def test_what_is_not_linked_goes_on(local):
    """Cancelling the maker leaves any other run alone."""
    process = open_with_ask(local, linked=False)
    run_id, child = waits(process)
    process.service.cancel(run_id, "acme")
    process.finish(run_id, 5)
    assert process.finish(child, 0.3).state == "WAITING"


def test_connections_that_are_not_the_same(local):
    """A pipeline that is started cannot have another connection of a name that is taken."""
    mine = Connection("crm", "http", {"base_url": "https://mine.example"})
    with pytest.raises(GraphError, match="'score' has another connection 'crm'"):
        local.open(start(), Stage("return", nodes=(gives,)), connections=(mine,))


def many_asking(count):
    """Return a stage that makes a linked run in each of so many rounds, every one of which waits."""

    @node("each", type="foreach@1")
    def each() -> list[int]:
        return list(range(count))

    @node("each/inner", type="start.asks@1")
    def inner() -> Text:
        return Text("x")

    inner.name = "inner"
    body = (Stage("each/inner", nodes=(inner,), ends=Starts(ASKS, linked=True)),)
    return Stage("each", nodes=(each,), ends=Opens("item", body, result="each/inner", at_most=10))


@node("rest", type="receive@1")
def rests() -> Ask:
    return Ask("Well?", None)


def made_many(process, count):
    """Start a run, work until there are so many in all, and return its id."""
    run_id = process.service.start("x", tenant="acme", trigger="api").run_id
    while len(process.service.list("acme", limit=200).runs) < count:
        process.finish(run_id, 0.05)
    return run_id


def test_cancelling_reaches_all_beneath(local):
    """Cancelling goes down from each run to what is linked to it, over shards, and no other tenant sees any."""
    middle = make_graph("middle", many_asking(9), Stage("rest", nodes=(rests,), ends=Awaits(str)))

    @node("s", type="start.middle@1")
    def s() -> str:
        return "deep"

    rest = Stage("rest", nodes=(rests,), ends=Awaits(str))
    process = local.open(Stage("s", nodes=(s,), ends=Starts(middle, linked=True)), rest, shards=2)
    run_id = made_many(process, 11)
    process.service.cancel(run_id, "acme")
    runs = all_over(process)
    assert [run.state for run in runs.values()] == ["CANCELLED"] * 11
    assert process.service.list("other").runs == ()
    assert process.service.store.client.keys(f"*:{local.name}:*:linked") == []


def test_one_sweep_reaches_many(local):
    """However many runs are linked to one, the timers cancel them in one go."""
    process = local.open(many_asking(150), Stage("rest", nodes=(rests,), ends=Awaits(str)), sweep=100.0)
    run_id = made_many(process, 151)
    process.service.cancel(run_id, "acme")
    process.sweeper.sweep()
    assert {run.state for run in process.service.list("acme", limit=200).runs} == {"CANCELLED"}
