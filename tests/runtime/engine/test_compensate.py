"""Taking back what was done: once a run does not succeed, the last thing first, each with retries of its own."""

import time
from datetime import timedelta

import pytest

from saltern_runtime.errors import PermanentError, TransientError
from saltern_runtime.graph import Context, Graph, GraphError, Opens, Sleeps, Stage, node
from saltern_runtime.spec import Retry
from tests.support.checker import broken

DID: list[str] = []


@pytest.fixture(autouse=True)
def _nothing_done():
    DID.clear()


def does(name, *, after=(), fails=False):
    """Make a stage that does something, and the one that takes it back."""

    @node(name, type="http.request@1")
    def do(ctx: Context) -> str:
        if fails:
            raise PermanentError("no", code="no")
        DID.append(name)
        return f"booking of {name}"

    do.name = name

    @node(f"{name}/compensate", type="compensate@1")
    def compensate() -> list[None]:
        return [None]

    def undo(ctx: Context, **given: str) -> None:
        DID.append(f"undo {given[name]}")
        if ctx.attempt < 2:
            raise TransientError("later", code="busy")

    undo.__signature__ = _reads(name)
    undo.__annotations__ = {"ctx": Context, name: str, "return": None}
    inner = node(f"undo_{name}", type="http.request@1")(undo)
    inner.name = f"undo_{name}"
    compensate.name = f"{name}_compensate"
    body = (Stage(f"{name}/compensate/undo_{name}", nodes=(inner,), retry=Retry(attempts=3, base=0.01)),)
    return (
        Stage(name, nodes=(do,), after=after, retry=Retry(attempts=1)),
        Stage(
            f"{name}/compensate",
            nodes=(compensate,),
            compensates=name,
            on_error="continue",
            ends=Opens("", body, result=""),
        ),
    )


def _reads(name):
    import inspect

    kind = inspect.Parameter
    return inspect.Signature([
        kind("ctx", kind.POSITIONAL_OR_KEYWORD, annotation=Context),
        kind(name, kind.KEYWORD_ONLY, annotation=str),
    ])  # fmt: skip


@node("nap", type="wait@1")
def nap() -> timedelta:
    return timedelta(seconds=50)


NAP = Stage("nap", nodes=(nap,), ends=Sleeps())


def test_what_succeeded_is_taken_back_last_first(local):
    """Each gets its own attempts and sees the value of what it takes back; what failed is not taken back."""
    view = local.run(
        NAP, *does("hotel"), *does("flight", after=("hotel",)), *does("car", after=("flight",), fails=True)
    )
    assert (view.state, view.failure.code, view.failure.node) == ("FAILED", "no", "car")
    assert ["hotel", "flight", *["undo booking of flight"] * 2, *["undo booking of hotel"] * 2] == DID
    states = {each.id: each.state for each in view.nodes}
    assert (states["nap"], states["hotel"], states["car/compensate"]) == ("BLOCKED", "SUCCEEDED", "SKIPPED")
    assert states["hotel/compensate"] == "SUCCEEDED"


def test_a_run_that_succeeds_takes_nothing_back(local):
    """Nor does it wait for what would."""
    view = local.run(*does("hotel"), *does("flight"))
    assert (view.state, sorted(DID)) == ("SUCCEEDED", ["flight", "hotel"])


def test_what_was_not_needed_was_skipped(local):
    """A run that is over does not show what would have taken something back as if it were still to come."""
    view = local.run(*does("hotel"))
    assert {each.id: each.state for each in view.nodes if "/compensate" in each.id}.items() >= {
        ("hotel/compensate", "SKIPPED")
    }
    assert not [each.id for each in view.nodes if each.state == "BLOCKED"]


def test_a_cancelled_run_takes_back_what_it_did(local):
    """It is cancelled once that is done; a second cancel changes nothing."""
    process = local.open(NAP, *does("hotel"))
    run_id = process.service.start(None, tenant="acme", trigger="api").run_id
    while "hotel" not in DID or process.service.reader.state(run_id) != "WAITING":
        process.step()
    assert process.service.cancel(run_id, "acme").state == "COMPENSATING"
    assert broken(local.client, local.name) == []
    assert process.service.cancel(run_id, "acme").state == "COMPENSATING"
    view = process.finish(run_id, 20)
    assert (view.state, view.failure.code) == ("CANCELLED", "cancelled")
    assert ["hotel", *["undo booking of hotel"] * 2] == DID
    assert broken(local.client, local.name) == []


def test_the_deadline_reserves_time(local):
    """The run is over by its deadline, and what it reserves of that is there to take things back in."""
    process = local.open(NAP, *does("hotel"), deadline=3.0)
    process.service.graph.reserve = 2.5
    began = time.time()
    run_id = process.service.start(None, tenant="acme", trigger="api").run_id
    view = process.finish(run_id, 20)
    assert (view.state, view.failure.code) == ("TIMED_OUT", "run-deadline")
    assert ["hotel", *["undo booking of hotel"] * 2] == DID
    assert view.deadline == pytest.approx(view.created_at + 3.0, abs=0.01)
    assert view.ended_at < view.deadline
    assert time.time() - began < 3.5


def test_a_compensation_that_fails_is_a_dead_letter(local):
    """The others go on, and the run ends as it would have."""
    first, undo = does("hotel")
    inner = undo.ends.stages[0]
    once = Stage(inner.name, nodes=inner.nodes, retry=Retry(attempts=1))
    broken_undo = Stage(
        undo.name,
        nodes=undo.nodes,
        compensates="hotel",
        on_error="continue",
        ends=Opens("", (once,), result=""),
    )
    flight = does("flight", after=("hotel",))
    view = local.run(first, broken_undo, *flight, *does("car", after=("flight",), fails=True))
    assert view.state == "FAILED"
    assert ["hotel", "flight", *["undo booking of flight"] * 2, "undo booking of hotel"] == DID
    prefix = f"saltern:v1:{local.name}:{{0}}:"
    dead = {member.partition("|")[2] for member in local.client.zrange(f"{prefix}dead", 0, -1)}
    assert "hotel/compensate[0]/undo_hotel" in dead


def test_what_there_was_no_time_for_is_a_dead_letter(local):
    """A run ends by its deadline whatever is left to take back."""

    @node("rest", type="wait@1")
    def rest() -> timedelta:
        return timedelta(seconds=50)

    flight, undo = does("flight", after=("hotel",))
    body = (Stage("flight/compensate/rest", nodes=(rest,), ends=Sleeps()),)
    endless = Stage(
        undo.name, nodes=undo.nodes, compensates="flight", on_error="continue", ends=Opens("", body, result="")
    )
    process = local.open(NAP, *does("hotel"), flight, endless, deadline=1.0)
    process.service.graph.reserve = 0.5
    run_id = process.service.start(None, tenant="acme", trigger="api").run_id
    view = process.finish(run_id, 20)
    assert view.state == "TIMED_OUT"
    assert broken(local.client, local.name) == []
    dead = local.client.zrange(f"saltern:v1:{local.name}:{{0}}:dead", 0, -1)
    assert f"{run_id}|hotel/compensate" in dead


@pytest.mark.parametrize(("compensates", "name"), [("no", "no/compensate"), ("nap", "other/compensate")])
def test_what_takes_nothing_back_fails_at_import(compensates, name):
    """A compensation stands beside what it takes back, and is named after it."""

    @node(name, type="compensate@1")
    def undo() -> list[None]:
        return [None]

    with pytest.raises(GraphError, match="take"):
        Graph("x", package="", stages=(NAP, Stage(name, nodes=(undo,), compensates=compensates)))
