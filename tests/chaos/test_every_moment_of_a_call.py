"""SIGKILL before and after every script call of a run that calls a pipeline, which calls another one, twice and in a loop."""

from saltern_runtime import Calls, Connection
from saltern_runtime.errors import PermanentError
from saltern_runtime.graph import SKIPPED, Context, Graph, On, Opens, Skipped, Stage, node
from saltern_runtime.nodes.flow.results import NodeFailure
from tests.chaos.test_every_moment import each_death
from tests.support.graphs import graph_of


@node("double", type="set@1")
def double(*, input: int) -> int:  # noqa: A002 - as generated code has it
    return input * 2


@node("send", type="http.request@1", connection="crm")
def send(ctx: Context, *, double: int) -> int:
    if double > 9:
        raise PermanentError("too much", code="refused")
    return double


@node("return", type="return@1")
def gives(*, send: int) -> int:
    return send


@node("inner", type="call.leaf@1")
def inner(*, input: int) -> list[int]:  # noqa: A002 - as generated code has it
    return [input + 1]


@node("return", type="return@1")
def passes(*, inner: int) -> int:
    return inner


@node("each", type="foreach@1")
def each() -> list[int]:
    return [0, 1]


@node("s", type="call.outer@1")
def s(*, double: int) -> list[int]:
    return [double]


@node("each/yield", type="yield@1")
def each_yield(*, s: int) -> int:
    return s


@node("bad", type="call.leaf@1")
def bad() -> list[int]:
    return [5]


@node("e", type="error@1", of="bad")
def e(*, failure: NodeFailure) -> NodeFailure:
    return failure


@node("return", type="return@1")
def return_(*, each: list[int], bad: int | Skipped, e: NodeFailure | Skipped) -> list[str]:
    return [*map(str, each), str(bad is SKIPPED), "" if isinstance(e, Skipped) else e.node]


CONNECTIONS = (Connection("crm", "http"),)


def make_graph(name):
    leaf = Graph(
        "leaf",
        package="",
        connections=CONNECTIONS,
        stages=(Stage("send", nodes=(double, send)), Stage("return", nodes=(gives,))),
    )
    outer = Graph(
        "outer",
        package="",
        stages=(Stage("inner", nodes=(inner,), ends=Calls(leaf)), Stage("return", nodes=(passes,))),
    )
    body = (Stage("each/s", nodes=(s,), ends=Calls(outer)), Stage("each/yield", nodes=(each_yield,)))
    stages = (
        # the item has the name of a node of what is called
        Stage("each", nodes=(each,), ends=Opens("double", body, result="each/yield", at_most=2)),
        Stage("bad", nodes=(bad,), on_error="continue", ends=Calls(leaf)),
        Stage("e", nodes=(e,), when=(On("bad", "error"),)),
        Stage("return", nodes=(return_,)),
    )
    return graph_of(name, *stages, deadline=60.0)


def test_killed_everywhere_in_a_call(here):
    """Wherever a worker dies, each call is opened once, gives its value once, and fails as its node inside does."""
    rescuer = here("chaos_call", make_graph("chaos_call"), lease=0.12, sweep=0.02)
    for run_id in each_death(rescuer, more_than=20):
        view = rescuer.finish(run_id, 20)
        assert (view.state, view.output) == ("SUCCEEDED", ["2", "4", "True", "bad/send"])
        states = {each.id: each.state for each in view.nodes}
        assert (states["bad"], states["s/inner/send"]) == ("FAILED", "SUCCEEDED")
