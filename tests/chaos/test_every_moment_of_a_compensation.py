"""SIGKILL before and after every script call of a run that fails and takes back what it did."""

from saltern_runtime.errors import PermanentError
from saltern_runtime.graph import Context, Graph, Opens, Stage, node
from saltern_runtime.spec import Retry
from tests.chaos.test_every_moment import work_until_killed
from tests.support.checker import broken, recorded_twice


@node("hotel", type="http.request@1")
def hotel(ctx: Context) -> str:
    return "room"


@node("flight", type="http.request@1")
def flight(ctx: Context, *, hotel: str) -> str:
    return f"seat, {hotel}"


@node("car", type="http.request@1")
def car(ctx: Context, *, flight: str) -> str:
    raise PermanentError(flight, code="no-car")


@node("hotel/compensate", type="compensate@1")
def hotel_compensate() -> list[None]:
    return [None]


@node("leave", type="http.request@1")
def leave(ctx: Context, *, hotel: str) -> str:
    return hotel


@node("flight/compensate", type="compensate@1")
def flight_compensate() -> list[None]:
    return [None]


@node("stay", type="http.request@1")
def stay(ctx: Context, *, flight: str) -> str:
    return flight


def takes_back(done, compensate, undo):
    body = (Stage(f"{done}/compensate/{undo.id}", nodes=(undo,)),)
    return Stage(
        f"{done}/compensate",
        nodes=(compensate,),
        compensates=done,
        on_error="continue",
        ends=Opens("", body, result=""),
    )


def make_graph(name):
    stages = (
        Stage("hotel", nodes=(hotel,)),
        takes_back("hotel", hotel_compensate, leave),
        Stage("flight", nodes=(flight,)),
        takes_back("flight", flight_compensate, stay),
        Stage("car", nodes=(car,), retry=Retry(attempts=1)),
    )
    graph = Graph(name, package="", stages=stages, deadline=60.0, reserve=10.0)
    graph.source_map = {"plan": "sha256:" + "cc12cd34" * 8}
    return graph


def test_killed_everywhere_around_compensations(here):
    """Wherever a worker dies, all that was done is taken back once, the last thing first, and the run ends as it would have."""
    rescuer = here("chaos_undo", make_graph("chaos_undo"), lease=0.12, sweep=0.02)
    client = rescuer.service.store.client
    moment, died = 0, True
    while died:
        moment += 1
        run_id = rescuer.service.start(None, tenant="acme", trigger="api").run_id
        died = work_until_killed(rescuer, run_id, moment)
        assert broken(client, "chaos_undo") == []
        view = rescuer.finish(run_id, 20)
        assert (view.state, view.failure.code) == ("FAILED", "no-car")
        assert broken(client, "chaos_undo") == []
        assert recorded_twice(client, "chaos_undo", run_id) == []
        done = [event.path for event in rescuer.service.events(run_id) if event.type == "stage.succeeded"]
        assert [path for path in done if "/" in path] == [
            "flight/compensate[0]/stay",
            "flight/compensate",
            "hotel/compensate[0]/leave",
            "hotel/compensate",
        ]
    assert moment > 15
