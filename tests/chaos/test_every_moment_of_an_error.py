"""SIGKILL before and after every script call of a run whose errors take branches: of a node, in an item, of a whole `try`."""

from saltern_runtime.errors import PermanentError
from saltern_runtime.graph import Context, On, Opens, Skipped, Stage, node
from saltern_runtime.nodes.flow.results import NodeFailure
from saltern_runtime.nodes.flow.rounds import only
from tests.chaos.test_every_moment import each_death
from tests.support.graphs import graph_of


@node("paid", type="http.request@1")
def paid(ctx: Context) -> str:
    raise PermanentError("no money", code="refused")


@node("e", type="error@1", of="paid")
def e(*, failure: NodeFailure) -> NodeFailure:
    return failure


@node("sorry", type="slack.post_message@1")
def sorry(ctx: Context, *, e: NodeFailure) -> str:
    return e.code


@node("receipt", type="slack.post_message@1")
def receipt(ctx: Context, *, paid: str) -> str:
    return paid


@node("all", type="foreach@1")
def all_() -> list[int]:
    return [0, 1]


@node("one", type="http.request@1")
def one(ctx: Context, *, item: int) -> int:
    if item:
        raise PermanentError("no", code="gone")
    return item


@node("why", type="error@1", of="one")
def why(*, failure: NodeFailure) -> NodeFailure:
    return failure


@node("all/yield", type="yield@1")
def all_yield(*, one: int | Skipped, why: NodeFailure | Skipped) -> str:
    return "fine" if isinstance(why, Skipped) else why.code


@node("t/attempt", type="attempt@1")
def t_attempt() -> list[None]:
    return [None]


@node("broken", type="http.request@1")
def broken_(ctx: Context) -> str:
    raise PermanentError("no", code="gone")


@node("t/attempt/yield", type="yield@1")
def t_attempt_yield(*, broken_: str) -> str:
    return broken_


@node("t/catch", type="catch@1", of="t/attempt")
def t_catch(*, failure: NodeFailure) -> list[NodeFailure]:
    return [failure]


@node("t/catch/yield", type="yield@1")
def t_catch_yield(*, error: NodeFailure) -> str:
    return error.node


@node("return", type="return@1")
def return_(*, sorry: str | Skipped, receipt: str | Skipped, all_: list[str], t_catch: str | Skipped) -> list[str]:
    return [str(sorry), *all_, str(t_catch)]


def make_graph(name):
    body = (
        Stage("all/one", nodes=(one,), on_error="continue"),
        Stage("all/why", nodes=(why,), when=(On("one", "error"),)),
        Stage("all/yield", nodes=(all_yield,)),
    )
    tried = (Stage("t/attempt/broken", nodes=(broken_,)), Stage("t/attempt/yield", nodes=(t_attempt_yield,)))
    attempt = Opens("", tried, result="t/attempt/yield", at_most=1, on_skip="null", gather=only)
    caught = (Stage("t/catch/yield", nodes=(t_catch_yield,)),)
    catch = Opens("error", caught, result="t/catch/yield", at_most=1, on_skip="null", gather=only)
    stages = (
        Stage("paid", nodes=(paid,), on_error="continue"),
        Stage("sorry", nodes=(e, sorry), when=(On("paid", "error"),)),
        Stage("receipt", nodes=(receipt,), when=(On("paid", "success"),)),
        Stage("all", nodes=(all_,), ends=Opens("item", body, result="all/yield", at_most=2)),
        Stage("t/attempt", nodes=(t_attempt,), on_error="continue", ends=attempt),
        Stage("t/catch", nodes=(t_catch,), when=(On("t/attempt", "error"),), ends=catch),
        Stage("return", nodes=(return_,)),
    )
    return graph_of(name, *stages, deadline=60.0)


def test_killed_everywhere_around_an_error(here):
    """Wherever a worker dies, the error takes its branch once, and the other branch is skipped."""
    rescuer = here("chaos_error", make_graph("chaos_error"), lease=0.12, sweep=0.02)
    for run_id in each_death(rescuer, more_than=20):
        view = rescuer.finish(run_id, 20)
        assert (view.state, view.output) == ("SUCCEEDED", ["refused", "fine", "gone", "broken"])
        states = {each.id: each.state for each in view.nodes}
        assert (states["paid"], states["receipt"]) == ("FAILED", "SKIPPED")
