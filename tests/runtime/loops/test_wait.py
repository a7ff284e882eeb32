"""wait: an activation sleeps without a worker, and wakes at its moment."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from saltern_runtime.graph import Opens, Sleeps, Stage, node
from tests.support.checker import broken


@node("first", type="set@1")
def first(*, input: float) -> float:  # noqa: A002 - the name that nodes read the input by
    return input


@node("pause", type="wait@1")
def pause(*, first: float) -> timedelta:
    return timedelta(seconds=first)


@node("return", type="return@1")
def return_(*, pause: None, first: float) -> list[float | None]:
    return [pause, first]


GRAPH = (
    Stage("first", nodes=(first,)),
    Stage("pause", nodes=(pause,), ends=Sleeps()),
    Stage("return", nodes=(return_,)),
)


def test_a_run_waits(local):
    """While nothing but waits is open the run is WAITING and nothing holds a claim; then it goes on, with null."""
    process = local.open(*GRAPH)
    run_id = process.service.start(0.3, tenant="acme", trigger="api").run_id
    began = time.monotonic()
    while process.service.reader.state(run_id) != "WAITING":
        process.step()
    assert broken(local.client, local.name) == []
    assert {each.id: each.state for each in process.service.get(run_id, "acme").nodes}["pause"] == "SUSPENDED"
    view = process.finish(run_id, 10)
    assert time.monotonic() - began >= 0.3
    assert view.output == [None, 0.3]
    types = [event.type for event in process.service.events(run_id)]
    assert types.index("stage.suspended") < types.index("run.waiting") < types.index("run.woken")


@pytest.mark.parametrize("seconds", [-5.0, 0.0])
def test_a_moment_that_has_passed(local, seconds):
    """A wait that is over before it begins does not stop the run."""
    assert local.run(*GRAPH, given=seconds).output == [None, seconds]


def test_until_a_moment(local):
    """A wait may last until a moment of the clock."""
    moment = datetime.now(UTC) + timedelta(seconds=0.2)

    @node("pause", type="wait@1")
    def pause() -> datetime:
        return moment

    view = local.run(Stage("pause", nodes=(pause,), ends=Sleeps()))
    assert view.state == "SUCCEEDED"
    assert view.ended_at >= moment.timestamp() - 0.05


def test_a_wait_longer_than_the_run(local):
    """A run ends at its deadline, whatever it waits for."""
    view = local.run(*GRAPH, given=1e6, deadline=0.3)
    assert (view.state, view.failure.code) == ("TIMED_OUT", "run-deadline")
    assert {each.id: each.state for each in view.nodes}["pause"] == "CANCELLED"


def test_cancelled_while_it_waits(local):
    """A waiting run is cancelled at once."""
    process = local.open(*GRAPH)
    run_id = process.service.start(100.0, tenant="acme", trigger="api").run_id
    while process.service.reader.state(run_id) != "WAITING":
        process.step()
    assert process.service.cancel(run_id, "acme").state == "CANCELLED"
    assert broken(local.client, local.name) == []


def test_waits_inside_items(local):
    """The items of a window wait together."""

    @node("items", type="foreach@1")
    def items(*, input: float) -> list[int]:  # noqa: A002 - the name that nodes read the input by
        return list(range(20))

    @node("nap", type="wait@1")
    def nap(*, number: int) -> timedelta:
        return timedelta(seconds=0.2)

    @node("items/yield", type="yield@1")
    def items_yield(*, nap: None, number: int) -> int:
        return number

    @node("return", type="return@1")
    def back(*, items: list[int]) -> list[int]:
        return items

    body = (Stage("items/nap", nodes=(nap,), ends=Sleeps()), Stage("items/yield", nodes=(items_yield,)))
    owner = Stage("items", nodes=(items,), ends=Opens("number", body, result="items/yield", at_most=10))
    assert local.run(owner, Stage("return", nodes=(back,))).output == list(range(20))
