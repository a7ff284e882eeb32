"""A pipeline that another one calls: its graph is a region of the same run, with names and connections of its own."""

from dataclasses import dataclass, replace

import pytest

from saltern_runtime import Calls, Connection, Retry
from saltern_runtime.engine.links import read
from saltern_runtime.errors import PermanentError
from saltern_runtime.graph import (
    SKIPPED,
    Ask,
    Awaits,
    Context,
    GraphError,
    On,
    Opens,
    Responds,
    RunInfo,
    Skipped,
    Stage,
    node,
)
from saltern_runtime.nodes.flow.results import NodeFailure
from tests.runtime.engine.conftest import make_graph

SEEN = []


@dataclass
class Text:
    text: str


@node("size", type="set@1")
def size(*, input: Text) -> int:  # noqa: A002 - as generated code has it
    return len(input.text)


@node("send", type="http.request@1", connection="crm")
def send(ctx: Context, *, size: int) -> int:
    SEEN.append((ctx.node, ctx.path, ctx.connection.settings))
    if size > 9:
        raise PermanentError("too long", code="too-long")
    return size


@node("return", type="return@1")
def returned(*, send: int) -> int:
    return send * 10


CRM = Connection("crm", "http", {"base_url": "https://crm.example"})
SCORE = make_graph(
    "score",
    Stage("send", nodes=(size, send), retry=Retry(attempts=1)),
    Stage("return", nodes=(returned,)),
    connections=(CRM,),
)


def call(name, text, stage=None, **options):
    """Make a stage that calls `score` with a text, or with what the caller's own input says."""

    @node(name, type="call.score@1")
    def owner(*, input: str) -> list[Text]:  # noqa: A002 - as generated code has it
        return [Text(text or input)]

    owner.name = name.replace("/", "_")
    return Stage(stage or name, nodes=(owner,), ends=Calls(SCORE, **options), retry=Retry(attempts=1))


@node("return", type="return@1")
def sums(*, a: int, b: int) -> int:
    return a + b


@node("send", type="set@1")
def own_send(*, a: int) -> int:
    return a + 1


own_send.name = "send"


@pytest.fixture(autouse=True)
def _unseen():
    SEEN.clear()


def test_a_call_gives_what_its_pipeline_returns(local):
    """Two calls of one pipeline run its nodes under their own names; its input is what each call gave, not the run's."""
    view = local.run(call("a", ""), call("b", "four"), Stage("return", nodes=(sums,)), given="six676")
    assert (view.state, view.output) == ("SUCCEEDED", 100)
    assert sorted((node, path) for node, path, _ in SEEN) == [("a/send", "a[0]/send"), ("b/send", "b[0]/send")]


def test_names_of_the_caller_and_of_the_called_do_not_meet(local):
    """A node of the caller may have the name of one that is called: each reads its own."""

    @node("return", type="return@1")
    def both(*, a: int, send: int) -> list[int]:
        return [a, send]

    view = local.run(call("a", "xy"), Stage("send", nodes=(own_send,)), Stage("return", nodes=(both,)), given="")
    assert view.output == [20, 21]


def test_the_item_of_a_loop_of_the_caller_is_not_seen(local):
    """In a loop whose item is named as a node of the pipeline that is called, that node is read."""

    @node("each", type="foreach@1")
    def each() -> list[str]:
        return ["a", "bb"]

    @node("s", type="call.score@1")
    def s(*, size: str) -> list[Text]:
        return [Text(size)]

    @node("each/yield", type="yield@1")
    def gives(*, s: int) -> int:
        return s

    @node("return", type="return@1")
    def out(*, each: list[int]) -> list[int]:
        return each

    gives.name = "each_yield"
    body = (Stage("each/s", nodes=(s,), ends=Calls(SCORE)), Stage("each/yield", nodes=(gives,)))
    stages = (
        Stage("each", nodes=(each,), ends=Opens("size", body, result="each/yield", at_most=2)),
        Stage("return", nodes=(out,)),
    )
    view = local.run(*stages, given="")
    assert (view.state, view.output) == ("SUCCEEDED", [10, 20])
    assert sorted(path for _, path, _ in SEEN) == ["each[0]/s[0]/send", "each[1]/s[0]/send"]


def test_a_call_in_a_call(local):
    """A pipeline that is called may call others: names follow each other."""

    @node("inner", type="call.score@1")
    def inner(*, input: Text) -> list[Text]:  # noqa: A002 - as generated code has it
        return [Text(input.text + "!")]

    @node("return", type="return@1")
    def through(*, inner: int) -> int:
        return inner + 1

    outer = make_graph("outer", Stage("inner", nodes=(inner,), ends=Calls(SCORE)), Stage("return", nodes=(through,)))

    @node("o", type="call.outer@1")
    def o() -> list[Text]:
        return [Text("abc")]

    @node("return", type="return@1")
    def out(*, o: int) -> int:
        return o

    view = local.run(Stage("o", nodes=(o,), ends=Calls(outer)), Stage("return", nodes=(out,)))
    assert view.output == 41
    assert [(node, path) for node, path, _ in SEEN] == [("o/inner/send", "o[0]/inner[0]/send")]


def test_a_failure_inside_is_one_of_the_node_inside(local):
    """What fails in a pipeline that is called fails the run under the call's name and its own."""
    view = local.run(call("a", "much too long"), call("b", "b"), Stage("return", nodes=(sums,)), given="")
    assert (view.state, view.failure.node, view.failure.code) == ("FAILED", "a/send", "too-long")


def test_the_failure_of_a_call_takes_a_branch(local):
    """A call is a node like any other: its failure may be handled, and says which node failed, of what type."""

    @node("e", type="error@1", of="a")
    def e(*, failure: NodeFailure) -> NodeFailure:
        return failure

    @node("return", type="return@1")
    def told(*, a: int | Skipped, e: NodeFailure | Skipped) -> list[str]:
        return [e.node, e.type, e.code] if a is SKIPPED and e is not SKIPPED else []

    stages = (
        replace(call("a", "much too long"), on_error="continue"),
        Stage("e", nodes=(e,), when=(On("a", "error"),)),
        Stage("return", nodes=(told,)),
    )
    view = local.run(*stages, given="")
    assert (view.state, view.output) == ("SUCCEEDED", ["a/send", "http.request@1", "too-long"])


def test_a_pipeline_that_returns_nothing_gives_null(local):
    """A call waits for all of a pipeline without a return, and is null then."""
    silent = make_graph("silent", Stage("send", nodes=(size, send)), connections=(CRM,))

    @node("a", type="call.silent@1")
    def a() -> list[Text]:
        return [Text("abc")]

    @node("return", type="return@1")
    def out(*, a: None) -> list[None]:
        return [a]

    view = local.run(Stage("a", nodes=(a,), ends=Calls(silent)), Stage("return", nodes=(out,)))
    assert (view.state, view.output) == ("SUCCEEDED", [None])
    assert len(SEEN) == 1


def test_what_is_called_may_wait_for_an_answer(local):
    """The address of a node is that of the node in the same call, and the answer goes on with that call alone."""
    told = {}

    @node("tell", type="set@1")
    def tell(*, run: RunInfo, input: Text) -> str:  # noqa: A002 - as generated code has it
        told[input.text] = run.callback("paid")
        return told[input.text]

    @node("paid", type="receive@1")
    def paid(*, tell: str) -> Ask:
        return Ask()

    @node("return", type="return@1")
    def gives(*, paid: int) -> int:
        return paid

    payment = make_graph(
        "payment", Stage("paid", nodes=(tell, paid), ends=Awaits(int)), Stage("return", nodes=(gives,))
    )

    def pays(name):
        @node(name, type="call.payment@1")
        def owner() -> list[Text]:
            return [Text(name)]

        owner.name = name
        return Stage(name, nodes=(owner,), ends=Calls(payment))

    stages = (pays("a"), pays("b"), Stage("return", nodes=(sums,)))
    process = local.open(*stages, public_url="https://api.example")
    run_id = process.service.start(None, tenant="acme", trigger="api").run_id
    process.finish(run_id, 0)
    while len(told) < 2 or process.service.reader.state(run_id) != "WAITING":
        process.step()
    paths = {name: read(url.rpartition("/")[2])[0].path for name, url in told.items()}
    assert paths == {"a": "a[0]/paid", "b": "b[0]/paid"}
    for name, cents in (("a", 5), ("b", 7)):
        assert process.service.answer(run_id, paths[name], cents).status == "ok"
    assert process.finish(run_id, 20).output == 12


def test_what_is_called_answers_no_request(local):
    """A response is for the request that started the run, which was none of the pipeline that is called."""

    @node("said", type="respond@1")
    def said() -> dict[str, int]:
        return {"status": 201}

    @node("return", type="return@1")
    def gives(*, said: dict[str, int]) -> int:
        return said["status"]

    speaks = make_graph("speaks", Stage("said", nodes=(said,), ends=Responds()), Stage("return", nodes=(gives,)))

    @node("a", type="call.speaks@1")
    def a() -> list[Text]:
        return [Text("")]

    @node("return", type="return@1")
    def out(*, a: int) -> int:
        return a

    view = local.run(Stage("a", nodes=(a,), ends=Calls(speaks)), Stage("return", nodes=(out,)))
    assert view.output == 201
    assert local.opened[-1].service.reader.response(view.id) == ("SUCCEEDED", None)


def test_connections_come_along_or_are_mapped(local):
    """A call brings the connections of its pipeline, but for those that it names others for."""
    billing = Connection("billing", "http", {"base_url": "https://billing.example"})
    stages = (call("a", "x"), call("b", "yz", connections={"crm": "billing"}), Stage("return", nodes=(sums,)))
    view = local.run(*stages, given="", connections=(billing,))
    assert view.output == 30
    assert {node: settings["base_url"] for node, _, settings in SEEN} == {
        "a/send": "https://crm.example",
        "b/send": "https://billing.example",
    }


def test_two_connections_of_one_name_do_not_fit_together():
    """Generated code in which a name would mean two connections fails at import; so does one that maps to nothing."""
    other = Connection("crm", "http", {"base_url": "https://other.example"})
    stages = (call("a", "x"), Stage("return", nodes=(own_send,)))
    with pytest.raises(GraphError, match="'score' has another connection 'crm'"):
        make_graph("caller", *stages, connections=(other,))
    with pytest.raises(GraphError, match="names the connection 'none', which is not there"):
        make_graph("caller", call("a", "x", connections={"crm": "none"}))
