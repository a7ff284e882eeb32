"""How long what is started lasts: its own deadline and retention hold, whatever those of its maker are."""

import json

import pytest

from saltern_runtime import Starts
from saltern_runtime.engine import links
from saltern_runtime.graph import Ask, Awaits, RunInfo, Stage, node
from saltern_runtime.store.payloads import INLINE
from tests.runtime.engine.conftest import make_graph
from tests.support.until import passed, until

LONG = 1_000_000.0


@node("big", type="template@1")
def big(*, input: str) -> str:  # noqa: A002 - as generated code has it
    return input * INLINE


@node("return", type="return@1")
def gives_big(*, big: str) -> str:
    return big


@node("s", type="start.kept@1")
def s(*, input: str) -> str:  # noqa: A002 - as generated code has it
    return input


@node("return", type="return@1")
def gives(*, s: str) -> str:
    return s


@node("ask", type="receive@1")
def ask() -> Ask:
    return Ask("What is it?", None)


@node("link", type="set@1")
def link(*, run: RunInfo) -> str:
    return run.callback("ask")


@node("return", type="return@1")
def told(*, ask: str) -> str:
    return ask


def starting(graph, **options):
    """Return the stages of a pipeline that starts `graph` and returns the id of that run."""
    return Stage("s", nodes=(s,), ends=Starts(graph, **options)), Stage("return", nodes=(gives,))


BIG = (Stage("big", nodes=(big,)), Stage("return", nodes=(gives_big,)))
LINK = Stage("link", nodes=(link,))
ASKS = (Stage("ask", nodes=(ask,), ends=Awaits(str)), Stage("return", nodes=(told,)))


def made(process, given="x"):
    """Start a run, work until it is over, and return its id and that of the run that it made."""
    run_id = process.service.start(given, tenant="acme", trigger="api").run_id
    return run_id, process.finish(run_id, 20).output


def listed(process):
    """Return the ids of the runs that are listed."""
    return {run.id for run in process.service.list("acme").runs}


def is_gone(local, process, run_id):
    """Tell whether a run is kept no longer."""
    return not local.client.exists(process.service.store.keys.run(run_id))


def payloads(local):
    """Return how long each value that is kept outside of its run lasts, in seconds."""
    keys = local.client.keys(f"*:{local.name}:*payload:*")
    assert keys
    return [local.client.pttl(key) / 1000 for key in keys]


def test_big_values_last_as_long_as_their_run(local):
    """What is too big for a run's hash is there while the run is, also where the maker's retention is a shorter one."""
    process = local.open(*starting(make_graph("kept", *BIG, retention=LONG)), deadline=10.0, retention=1.0)
    _, child = made(process)
    assert process.finish(child, 20).output == "x" * INLINE
    assert min(payloads(local)) > LONG - 100


def test_a_big_answer_lasts_as_long_as_its_run(local):
    """So does an answer from outside."""
    process = local.open(*starting(make_graph("kept", *ASKS, retention=LONG)), deadline=10.0, retention=1.0)
    _, child = made(process)
    process.service.answer(child, "s:ask", "y" * INLINE * 2)
    assert process.finish(child, 20).output == "y" * INLINE * 2
    assert min(payloads(local)) > LONG - 100


def test_the_list_keeps_a_maker_that_lasts_longer(local):
    """Runs that go soon take none off the list that is kept for longer, whichever of them made the other."""
    process = local.open(*starting(make_graph("kept", *BIG, deadline=0.1, retention=0.1)), deadline=0.2, retention=LONG)
    first = made(process)
    assert until(lambda: is_gone(local, process, first[1]))
    second = made(process)
    assert {first[0], second[0]} <= listed(process)


def test_the_list_keeps_what_lasts_longer_than_its_maker(local):
    """So it does the other way round; and what is gone is taken off in time."""
    process = local.open(
        *starting(make_graph("kept", *BIG, deadline=20.0, retention=LONG)), deadline=2.0, retention=0.1
    )
    runs = made(process)
    assert process.finish(runs[1], 20).state == "SUCCEEDED"
    passed(local.client, 2200)  # its deadline and its retention
    others = made(process)
    assert runs[1] in listed(process)
    (index,) = local.client.keys(f"*:{local.name}:*runs:acme")
    assert set(local.client.zrange(index, 0, -1)) == {runs[1], *others}


def test_its_link_lasts_as_long_as_it_may(local):
    """A link for an answer expires with the run that asks, not with what made it."""
    graph = make_graph("kept", LINK, *ASKS, deadline=LONG)
    process = local.open(*starting(graph), deadline=10.0, public_url="https://pay.example")
    _, child = made(process)
    for _ in range(200):
        process.finish(child, 0.01)
        view = process.service.get(child, "acme")
        if view.state == "WAITING":
            break
    address = process.service.store.client.hget(process.service.store.keys.run(child, ":vals"), "s:link")
    link, _ = links.read(json.loads(address).removeprefix("https://pay.example" + links.ROUTE))
    assert (link.run, link.path) == (child, "s:ask")
    assert link.until == pytest.approx(view.deadline, abs=2)


def test_what_little_time_is_left_is_not_all_reserved(local):
    """Where the maker leaves a linked one less time than it reserves, it has its part of that for its work."""
    graph = make_graph("kept", *ASKS, deadline=100.0, reserve=50.0)
    process = local.open(*starting(graph, linked=True), deadline=20.0)
    _, child = made(process)
    process.service.answer(child, "s:ask", "yes")
    assert process.finish(child, 20).output == "yes"
