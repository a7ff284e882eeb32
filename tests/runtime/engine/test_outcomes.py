"""What hangs on a node's success or its failure: branches that an error takes."""

import pytest

from saltern_runtime import Retry
from saltern_runtime.errors import PermanentError, TransientError
from saltern_runtime.graph import SKIPPED, GraphError, On, Opens, Skipped, Stage, node
from saltern_runtime.nodes.flow.results import NodeFailure
from tests.runtime.engine.conftest import make_graph

SEEN = []


@node("paid", type="http.request@1")
def paid(*, input: str) -> str:  # noqa: A002 - as generated code calls it
    SEEN.append(input)
    if input == "refused":
        raise PermanentError("no money", code="refused", status=402)
    if input == "busy":
        raise TransientError("later", code="busy")
    return "error" if input == "odd" else input


@node("e", type="error@1", of="paid")
def e(*, failure: NodeFailure) -> NodeFailure:
    return failure


@node("sorry", type="set@1")
def sorry(*, e: NodeFailure) -> dict[str, object]:
    return e.to_json()


@node("receipt", type="set@1")
def receipt(*, paid: str) -> str:
    return f"for {paid}"


@node("return", type="return@1")
def return_(*, sorry: dict[str, object] | Skipped, receipt: str | Skipped) -> list[object]:
    return [None if each is SKIPPED else each for each in (sorry, receipt)]


def stages():
    return (
        Stage("paid", nodes=(paid,), on_error="continue", retry=Retry(attempts=2, base=0.0)),
        Stage("sorry", nodes=(e, sorry), when=(On("paid", "error"),)),
        Stage("receipt", nodes=(receipt,), when=(On("paid", "success"),)),
        Stage("return", nodes=(return_,)),
    )


@pytest.fixture(autouse=True)
def _unseen():
    SEEN.clear()


@pytest.mark.parametrize("given", ["ok", "odd"])
def test_success_takes_its_branch(local, given):
    """Also where the value looks like the name of a handle."""
    value = "error" if given == "odd" else given
    assert local.run(*stages(), given=given).output == [None, f"for {value}"]


@pytest.mark.parametrize(
    ("given", "attempts", "code", "more"), [("refused", 1, "refused", {"status": 402}), ("busy", 2, "busy", {})]
)
def test_a_failure_takes_its_branch_after_the_last_attempt(local, given, attempts, code, more):
    """What failed, how, and how often it was tried is there to read; the run succeeds."""
    view = local.run(*stages(), given=given)
    assert view.state == "SUCCEEDED"
    failure, other = view.output
    assert other is None
    kind = "external-permanent" if more else "external-transient"
    assert failure.pop("message") in ("no money", "later")
    assert failure == {
        "node": "paid",
        "type": "http.request@1",
        "kind": kind,
        "code": code,
        "attempts": attempts,
        **more,
    }
    assert len(SEEN) == attempts
    assert {each.id: each.state for each in view.nodes}["paid"] == "FAILED"


def test_a_node_that_is_skipped_takes_neither(local):
    """Nothing succeeded, and nothing failed."""

    @node("pick", type="if@1")
    def pick() -> str:
        return "else"

    first, *others = stages()
    gated = Stage("paid", nodes=(paid,), on_error="continue", when=(On("pick", "then"),))
    assert first.name == gated.name
    assert local.run(Stage("pick", nodes=(pick,)), gated, *others, given="ok").output == [None, None]
    assert SEEN == []


@node("all", type="foreach@1")
def all_(*, input: list[str]) -> list[str]:  # noqa: A002 - as generated code calls it
    return input


@node("one", type="http.request@1")
def one(*, item: str) -> str:
    if item == "refused":
        raise PermanentError("no", code="refused")
    return item


@node("why", type="error@1", of="one")
def why(*, failure: NodeFailure) -> NodeFailure:
    return failure


@node("all/yield", type="yield@1")
def all_yield(*, one: str | Skipped, why: NodeFailure | Skipped) -> str:
    return one if why is SKIPPED else why.code


@node("return", type="return@1")
def last(*, all_: list[str]) -> list[str]:
    return all_


def test_an_item_that_fails_goes_its_own_way(local):
    """In a region each round has a failure of its own, and nothing of it is left behind."""
    body = (
        Stage("all/one", nodes=(one,), on_error="continue"),
        Stage("all/why", nodes=(why,), when=(On("one", "error"),)),
        Stage("all/yield", nodes=(all_yield,)),
    )
    owner = Stage("all", nodes=(all_,), ends=Opens("item", body, result="all/yield"))
    view = local.run(owner, Stage("return", nodes=(last,)), given=["a", "refused", "b"])
    assert view.output == ["a", "refused", "b"]


def test_a_region_that_fails_takes_its_branch(local):
    """Its live rounds are cancelled first, and what is told is how the node inside failed."""

    @node("one", type="http.request@1")
    def one(*, item: str) -> str:
        raise PermanentError("no", code="refused")

    @node("all/yield", type="yield@1")
    def all_yield(*, one: str) -> str:
        return one

    @node("e", type="error@1", of="all")
    def e(*, failure: NodeFailure) -> NodeFailure:
        return failure

    @node("return", type="return@1")
    def last(*, e: NodeFailure) -> list[str]:
        return [e.node, e.code]

    body = (Stage("all/one", nodes=(one,)), Stage("all/yield", nodes=(all_yield,)))
    owner = Stage("all", nodes=(all_,), on_error="continue", ends=Opens("item", body, result="all/yield"))
    behind = Stage("e", nodes=(e,), when=(On("all", "error"),))
    assert local.run(owner, behind, Stage("return", nodes=(last,)), given=["a", "b"]).output == ["one", "refused"]


def test_many_stages_hear_of_a_failure_through_relays(local):
    """A relay passes on that a node failed, as it passes on a branch."""
    after = [Stage("sorry", nodes=(e, sorry), when=(On("paid", "error"),), relay=("relay_1",))]
    relay = Stage("relay_1", nodes=(), after=("paid",))
    first, _, good, end = stages()
    good = Stage(good.name, nodes=good.nodes, when=good.when, relay=("relay_1",))
    for given, is_failed in (("refused", True), ("ok", False)):
        failure, receipt_ = local.run(first, relay, *after, good, end, given=given).output
        assert ((failure is not None), (receipt_ is None)) == (is_failed, is_failed)


def test_a_failure_is_taken_only_where_it_is_hung_on():
    """Else it might not be there."""
    first, _, good, end = stages()
    with pytest.raises(GraphError, match="does not hang on"):
        make_graph("g", first, Stage("sorry", nodes=(e, sorry)), good, end)
