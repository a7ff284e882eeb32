"""SIGKILL before and after every script call of a run that fails and takes back what it did."""

from saltern_runtime.errors import PermanentError
from saltern_runtime.graph import Context, Opens, Stage, node
from saltern_runtime.spec import Retry
from tests.chaos.test_every_moment import each_death
from tests.support.graphs import graph_of


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
    return graph_of(name, *stages, deadline=60.0, reserve=10.0)


def test_killed_everywhere_around_compensations(here):
    """Wherever a worker dies, all that was done is taken back once, the last thing first, and the run ends as it would have."""
    rescuer = here("chaos_undo", make_graph("chaos_undo"), lease=0.12, sweep=0.02)
    for run_id in each_death(rescuer, more_than=15):
        view = rescuer.finish(run_id, 20)
        assert (view.state, view.failure.code) == ("FAILED", "no-car")
        done = [event.path for event in rescuer.service.events(run_id) if event.type == "stage.succeeded"]
        assert [path for path in done if "/" in path] == [
            "flight/compensate[0]/stay",
            "flight/compensate",
            "hotel/compensate[0]/leave",
            "hotel/compensate",
        ]
