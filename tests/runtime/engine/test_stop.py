"""A node that ends its run: as failed or as succeeded, whatever else is open, and whatever would catch a failure."""

from datetime import timedelta

import pytest

from saltern_runtime.graph import Context, On, Opens, Sleeps, Stage, node
from saltern_runtime.nodes import flow
from saltern_runtime.nodes.flow.results import NodeFailure


@node("nap", type="wait@1")
def nap() -> timedelta:
    return timedelta(seconds=50)


@node("return", type="return@1")
def return_(*, nap: None) -> dict[str, str]:
    return {"said": "late"}


CALLS = []


@node("end", type="stop@1")
def end(ctx: Context, *, input: str) -> None:  # noqa: A002 - as generated code calls it
    CALLS.append(ctx.attempt)
    if input == "fail":
        return flow.stop(ctx, state="failed", message="enough")
    return flow.stop(ctx, state="succeeded", output={"said": "early"} if input == "say" else None)


SLEEPER = (Stage("nap", nodes=(nap,), ends=Sleeps()), Stage("return", nodes=(return_,)))


@pytest.fixture(autouse=True)
def _uncalled():
    CALLS.clear()


@pytest.mark.parametrize(("given", "output"), [("say", {"said": "early"}), ("mute", None)])
def test_a_run_succeeds_with_what_its_stop_says(local, given, output):
    """The run is over at once, and once; what was ready is not begun."""
    view = local.run(*SLEEPER, Stage("end", nodes=(end,)), given=given)
    assert (view.state, view.output, CALLS) == ("SUCCEEDED", output, [1])
    assert {each.id: each.state for each in view.nodes} == {"nap": "BLOCKED", "return": "BLOCKED", "end": "SUCCEEDED"}


def test_a_run_fails_with_the_message_of_its_stop(local):
    """Nothing is tried again, whatever the policy says; the failure says which node ended the run."""
    view = local.run(*SLEEPER, Stage("end", nodes=(end,), on_error="continue"), given="fail")
    failure = view.failure
    assert (view.state, CALLS) == ("FAILED", [1])
    assert (failure.kind, failure.code, failure.message, failure.node) == ("stopped", "stopped", "enough", "end")


def test_no_branch_and_no_region_catches_a_stop(local):
    """It ends the run from inside of an item whose failure would be passed over, and past a branch for failures."""

    @node("all", type="foreach@1")
    def all_() -> list[int]:
        return [0, 1]

    @node("all/yield", type="yield@1")
    def all_yield(*, end: None) -> None:
        return None

    @node("e", type="error@1", of="all")
    def e(*, failure: NodeFailure) -> NodeFailure:
        return failure

    body = (Stage("all/end", nodes=(end,), on_error="continue"), Stage("all/yield", nodes=(all_yield,)))
    opens = Opens("item", body, result="all/yield", on_error="continue", at_most=1)
    owner = Stage("all", nodes=(all_,), ends=opens, on_error="continue")
    view = local.run(*SLEEPER, owner, Stage("e", nodes=(e,), when=(On("all", "error"),)), given="fail")
    assert (view.state, view.failure.code, CALLS) == ("FAILED", "stopped", [1])


def test_a_stop_that_says_too_much_fails(local):
    """What a run returns is held to the limit of every value."""
    view = local.run(Stage("end", nodes=(end,)), given="say", max_payload=5)
    assert (view.state, view.failure.code) == ("FAILED", "result-too-large")


def test_a_stop_sent_twice_ends_the_run_once(local):
    """The store answers the second call as the first."""
    process = local.open(Stage("end", nodes=(end,)))
    service = process.service
    run_id = service.start("say", tenant="acme", trigger="api").run_id
    send, sent = service.store._send, []

    def twice(shard, call, *args, **more):
        answer = send(shard, call, *args, **more)
        if type(call).__name__ == "Stop":
            sent.append(answer)
            sent.append(send(shard, call, *args, **more))
        return answer

    process.engine.store._send = twice
    assert process.finish(run_id, 20).output == {"said": "early"}
    assert sent[0][0] == "ok"
