"""What a graph means when it runs: data, gates, joins, relays, skips."""

import pytest

from saltern_runtime.graph import SKIPPED, On, Skipped, Stage, node
from saltern_runtime.models import Model
from tests.runtime.engine.conftest import make_graph
from tests.support.once import run_once


@node("double", type="set@1")
def double(*, input: int) -> int:  # noqa: A002 - the name that nodes read the input by
    return input * 2


@node("route", type="switch@1")
def route(*, double: int) -> str:
    return "case.big" if double > 10 else "else"


@node("big", type="template@1")
def big(*, double: int) -> str:
    return f"big {double}"


@node("small", type="template@1")
def small(*, double: int) -> str:
    return f"small {double}"


@node("return", type="return@1")
def return_(*, big: str | Skipped, small: str | Skipped) -> str:
    return big if big is not SKIPPED else small if small is not SKIPPED else "none"


BRANCHES = (
    Stage("double", nodes=(double, route)),
    Stage("big", nodes=(big,), when=(On("route", "case.big"),), queue="io"),
    Stage("small", nodes=(small,), when=(On("route", "else"),)),
    Stage("return", nodes=(return_,)),
)


@pytest.mark.parametrize(("given", "output", "skipped"), [(3, "small 6", "big"), (30, "big 60", "small")])
def test_a_switch_takes_one_branch(local, given, output, skipped):
    """The branch that was taken runs, the other is skipped, and what reads both gets SKIPPED for it."""
    view = local.run(*BRANCHES, given=given)
    assert (view.state, view.output, view.input) == ("SUCCEEDED", output, given)
    states = {each.id: each.state for each in view.nodes}
    assert states.pop(skipped) == "SKIPPED"
    assert set(states.values()) == {"SUCCEEDED"}


def test_run_once_needs_no_broker(redis_url, service):
    """`saltern run` uses the same engine in one process, and tells each node's time."""
    view = run_once(make_graph(service, *BRANCHES), 3, redis_url=redis_url)
    assert view.output == "small 6"
    assert all(each.duration is not None for each in view.nodes if each.state == "SUCCEEDED")
    assert [each.id for each in view.nodes] == ["double", "route", "big", "small", "return"]


def test_a_skip_goes_on_along_control_edges(local):
    """What hangs on a skipped switch is skipped too; what only waits runs."""

    @node("inner", type="if@1")
    def inner(*, double: int) -> str:
        return "then"

    @node("deep", type="set@1")
    def deep(*, double: int) -> int:
        return double

    @node("after", type="set@1")
    def after() -> str:
        return "ran"

    view = local.run(
        Stage("double", nodes=(double, route)),
        Stage("inner", nodes=(inner,), when=(On("route", "case.big"),)),
        Stage("deep", nodes=(deep,), when=(On("inner", "then"),)),
        Stage("after", nodes=(after,), after=("deep",)),
    )
    assert [each.state for each in view.nodes][2:] == ["SKIPPED", "SKIPPED", "SUCCEEDED"]


@pytest.mark.parametrize(("join", "ran"), [("any", "SUCCEEDED"), ("all", "SKIPPED")])
def test_joins_of_two_branches(local, join, ran):
    """Join any runs where one branch was taken; join all needs both."""

    @node("both", type="set@1")
    def both() -> int:
        return 1

    view = local.run(
        Stage("double", nodes=(double, route)),
        Stage("both", nodes=(both,), when=(On("route", "case.big"), On("route", "else")), join=join),
    )
    assert view.nodes[-1].state == ran


def test_a_run_without_return_has_no_output(local):
    """The output is the value of the node `return`, null where there is none."""
    assert local.run(Stage("double", nodes=(double,))).output is None


def test_the_text_skipped_is_no_skip(local):
    """A value that reads like the mark of a skipped one is a value."""

    @node("word", type="set@1")
    def word() -> str:
        return "skipped"

    @node("return", type="return@1")
    def back(*, word: str | Skipped) -> str:
        return "SKIPPED" if word is SKIPPED else word

    assert local.run(Stage("word", nodes=(word,)), Stage("return", nodes=(back,))).output == "skipped"


class Ticket(Model):
    """A typed value with a field that may be absent."""

    subject: str
    note: str | None = None


def test_typed_values_survive_the_store(local):
    """A model comes back as the model it was, and what was absent stays absent."""

    @node("ticket", type="set@1")
    def ticket() -> Ticket:
        return Ticket(subject='é\u0000"\\')

    @node("return", type="return@1")
    def back(*, ticket: Ticket) -> list[str]:
        return [ticket.subject, *sorted(ticket.model_fields_set)]

    assert local.run(Stage("t", nodes=(ticket,)), Stage("return", nodes=(back,))).output == ['é\u0000"\\', "subject"]


def test_fan_out_over_relays(local):
    """More than 64 dependants hang on relays; the join gets every value."""
    leaves = []
    for index in range(70):

        def leaf(*, double: int, plus: int = index) -> int:
            return double

        space = {}
        exec(f"def leaf{index}(*, double: int) -> int:\n    return double + {index}", space)
        leaves.append(node(f"leaf{index}", type="set@1")(space[f"leaf{index}"]))
    reads = [each.id for each in leaves]
    space = {}
    exec(f"def join(*, {', '.join(f'{name}: int' for name in reads)}) -> int:\n    return {' + '.join(reads)}", space)
    stages = [
        Stage("double", nodes=(double,)),
        *(Stage(f"relay{index}", nodes=(), after=("double",)) for index in range(2)),
        *(Stage(each.id, nodes=(each,), relay=(f"relay{index % 2}",)) for index, each in enumerate(leaves)),
        Stage("join", nodes=(node("return", type="return@1")(space["join"]),)),
    ]
    assert local.run(*stages).output == 70 * 2 + sum(range(70))


@pytest.mark.parametrize(("given", "output", "skipped"), [(3, "small 6", "big"), (30, "big 60", "small")])
def test_gates_behind_a_relay(local, given, output, skipped):
    """A relay tells its dependants which handle was taken behind it."""
    view = local.run(
        Stage("double", nodes=(double, route)),
        Stage("relay", nodes=(), after=("double",)),
        Stage("big", nodes=(big,), when=(On("route", "case.big"),), relay=("relay",)),
        Stage("small", nodes=(small,), when=(On("route", "else"),), relay=("relay",)),
        Stage("return", nodes=(return_,)),
        given=given,
    )
    assert view.output == output
    assert {each.id: each.state for each in view.nodes}[skipped] == "SKIPPED"
