"""The thread that keeps claims alive: it is there while there are claims, and no longer."""

import threading

import pytest

from saltern_runtime.engine import leases
from saltern_runtime.graph import Stage, node
from tests.support.until import until


@pytest.fixture
def watching():
    """Tell the threads of this test that keep claims."""
    before = set(threading.enumerate())
    return lambda: [each for each in set(threading.enumerate()) - before if each.name == "saltern-leases"]


def stage(name, see):
    @node(name, type="python.call@1")
    def look() -> int:
        see()
        return 1

    return Stage(name, nodes=(look,))


def test_the_thread_ends_with_its_work(local, watching, monkeypatch):
    """A process that works on nothing asks for no time; what comes next is kept by another thread."""
    monkeypatch.setattr(leases, "IDLE", 0.0)
    seen = []
    process = local.open(stage("a", lambda: seen.append(watching())))
    for _ in range(2):
        run_id = process.service.start(1, tenant="acme", trigger="api").run_id
        assert process.finish(run_id, 20).state == "SUCCEEDED"
        assert until(lambda: not watching())
    first, second = seen
    assert len(first) == len(second) == 1
    assert first != second


def test_claims_at_once_share_one_thread(local, watching):
    """However many claims follow each other without a pause, one thread looks after them."""
    seen = set()
    stages = [stage(f"n{at}", lambda: seen.update(watching())) for at in range(20)]
    assert local.run(*stages).state == "SUCCEEDED"
    assert len(seen) == 1


def test_a_thread_that_cannot_be_had_is_asked_for_again(local, watching, monkeypatch):
    """A process that is at its bound of memory may get none: the next claim has one all the same."""
    start = threading.Thread.start

    def refused(thread):
        if thread.name == "saltern-leases":
            raise RuntimeError("can't start new thread")
        start(thread)

    seen = []
    process = local.open(stage("a", lambda: seen.append(watching())))
    process.service.start(1, tenant="acme", trigger="api")
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refused)
        with pytest.raises(RuntimeError, match="can't start"):
            process.step()
    assert not process.engine.leases._holds
    run_id = process.service.start(1, tenant="acme", trigger="api").run_id
    assert process.finish(run_id, 20).state == "SUCCEEDED"
    assert [len(each) for each in seen] == [1]
