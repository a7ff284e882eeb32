"""Nodes that kill their process, eat its memory or never return: their runs end, and nobody else's."""

from pathlib import Path

import pytest

from tests.chaos.conftest import Site
from tests.support.checker import Watch
from tests.support.effort import LONG
from tests.support.until import until

KILLS = ("exits", "is killed", "crashes") if LONG else ("crashes",)
STAYS = ("sleeps", "spins", "swallows", "backtracks", "counts") if LONG else ("swallows", "backtracks")
HOARDS = ("hoards", "asks for too much") if LONG else ("hoards",)
MEMORY = 160_000_000


@pytest.fixture(scope="module")
def site(redis_server, tmp_path_factory):
    """One worker of two processes and timers, for all tests of this module; the invariants are watched all the time."""
    path = tmp_path_factory.mktemp("hostile") / "log"
    with path.open("w") as log:
        made = Site(redis_server.url, "chaos_hostile", log, "chaos_hostile", lease=2.0, sweep=0.5, memory=MEMORY)
        made.said = path.read_text
        made.worker()
        made.timers()
        with Watch(redis_server.url, "chaos_hostile") as watch:
            yield made
        made.close()
    assert watch.looks > 0
    assert watch.broken == []


@pytest.fixture(scope="module")
def runs(site):
    """All runs that misbehave, at once, each with one beside it that does not; the first of them are over."""
    made = {}
    for how, times in (*((how, 100) for how in (*KILLS, *STAYS, *HOARDS)), *((how, 1) for how in KILLS)):
        made[how, times] = site.start(how=how, times=times), site.start(how="")
    return made


def ended(site, runs, how, times=100):
    """Return how a run that misbehaves ends; the one beside it succeeds."""
    run_id, other = runs[how, times]
    site.finish(other, "done")
    return site.service.wait(run_id, 60)


@pytest.mark.parametrize("how", KILLS)
def test_a_node_that_kills_its_process_is_poison(site, runs, how):
    """After three lost workers the stage is dead, and its letter says why. What is lost around a gap of the timers does not count."""
    view = ended(site, runs, how)
    assert view.state == "FAILED"
    assert (view.failure.kind, view.failure.code) == ("poison", "worker-lost")
    assert len(pids(site, view)) >= 3
    assert "3 times" in view.failure.message
    (letter,) = site.service.operator.letters_of(view.id, "acme")
    assert letter.failure.code == "worker-lost"


@pytest.mark.parametrize("how", KILLS)
def test_a_node_that_kills_its_process_once_is_run_again(site, runs, how):
    """A crash that passes costs an attempt, not the run."""
    view = ended(site, runs, how, 1)
    assert (view.state, view.output) == ("SUCCEEDED", "done")


@pytest.mark.parametrize("how", STAYS)
def test_a_node_that_never_returns_is_ended(site, runs, how):
    """Its process is ended at its hard deadline, and where it lets no other thread have a turn soon after its lease: it has timed out."""
    view = ended(site, runs, how)
    assert view.state == "FAILED"
    assert (view.failure.kind, view.failure.code) == ("timeout", "stage-timeout")
    (pid,) = pids(site, view)
    assert until(lambda: not is_alive(pid))


def test_where_a_process_was_stuck_is_told(site, runs):
    """The log has the place of the node that gave no other thread a turn."""
    ended(site, runs, "backtracks")
    assert until(lambda: "Timeout (" in site.said())
    assert "in backtrack" in site.said()


@pytest.mark.parametrize("how", HOARDS)
def test_a_node_that_takes_too_much_memory_fails(site, runs, how):
    """It fails like any other; a process that had taken much makes room for another one."""
    view = ended(site, runs, how)
    assert view.state == "FAILED"
    assert (view.failure.kind, view.failure.code) == ("internal", "out-of-memory")
    assert "SALTERN_MEMORY" in view.failure.message
    (pid,) = pids(site, view)
    assert how != "hoards" or until(lambda: not is_alive(pid))


def pids(site, view):
    """Return the processes that ran a node which misbehaved."""
    return [int(pid) for pid in site.service.store.client.lrange(f"pids:{view.id}", 0, -1)]


def is_alive(pid):
    """Whether there is such a process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
