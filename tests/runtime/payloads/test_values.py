"""Large values through each place: runs go on, wait, or fail for good, by what became of their payloads."""

import logging
import shutil
import threading
import time

import pytest

from saltern_runtime import timers
from saltern_runtime.engine.one_process import InOneProcess
from saltern_runtime.engine.sweeper import sweep_payloads
from saltern_runtime.errors import TransientError
from saltern_runtime.files import CHUNK, File
from saltern_runtime.graph import Stage, node
from saltern_runtime.settings import Settings
from saltern_runtime.spec import Retry
from saltern_runtime.spec.places import PayloadPlace
from saltern_runtime.store.failures import PayloadsUnreachableError
from saltern_runtime.store.files import RunFiles, Shelf
from saltern_runtime.store.store import Store
from tests.support.graphs import graph_of

BIG = "big " * 20_000


def stages(made=lambda: BIG):
    @node("make", type="http.request@1")
    def make() -> str:
        return made()

    @node("use", type="http.request@1")
    def use(*, make: str) -> int:
        return len(make)

    return (
        Stage("make", nodes=(make,), retry=Retry(attempts=50, base=0.01, cap=0.05)),
        Stage("use", nodes=(use,), retry=Retry(attempts=5, base=0.01, cap=0.02)),
    )


@pytest.fixture
def process(redis_url, service):
    opened = []

    def make(place, *made):
        """`slice`: one claim for each bell, so that a test comes between two stages."""
        settings = Settings(redis_url=redis_url, lease=1.0, sweep=0.02, slice=0.0, payloads=place)
        opened.append(InOneProcess(graph_of(service, *made), settings))
        opened[-1].service.store.patience = 0.2
        return opened[-1]

    yield make
    for each in opened:
        each.service.close()


def until_made(process):
    run_id = process.service.start(1, tenant="acme", trigger="api").run_id
    end = time.monotonic() + 20
    while process.service.wait(run_id, 0).nodes[0].state != "SUCCEEDED":
        assert time.monotonic() < end
        process.step()
    return run_id


def test_a_run_with_large_values(kept, process):
    """What is too large for a run's hash lies at the place that the setting names."""
    here = process(kept.place, *stages())
    view = here.finish(here.service.start(f"a {BIG}", tenant="acme", trigger="api").run_id, 20)
    assert (view.state, view.input, view.output) == ("SUCCEEDED", f"a {BIG}", None)
    assert len(kept.held()) == 2


def test_values_of_an_earlier_setting(objects, process, redis_url, service):
    """A run that began while values lay in Redis ends where the setting is another; back in Redis, what lies elsewhere is waited for."""
    before, after = process(PayloadPlace(), *stages()), process(objects.place, *stages())
    run_id = until_made(before)
    assert objects.held() == []
    after.bells.bells.extend(before.bells.bells)
    assert after.finish(run_id, 20).state == "SUCCEEDED"
    moved = after.service.start(BIG, tenant="acme", trigger="api").run_id
    with pytest.raises(PayloadsUnreachableError, match="SALTERN_PAYLOADS named before"):
        before.service.wait(moved, 0)
    assert after.service.wait(moved, 0).input == BIG


def test_a_value_that_is_gone_ends_its_run(objects, process):
    """No attempt can bring it back: one attempt, a clear reason, no worker that counts as lost."""
    here = process(objects.place, *stages())
    run_id = until_made(here)
    objects.now[0] += 10**9
    objects.store.sweep()
    assert objects.held() == []
    view = here.finish(run_id, 20)
    assert (view.state, view.failure.kind, view.failure.code) == ("FAILED", "internal", "value-gone")
    assert view.failure.message == "a value that stage 'use' reads is kept no longer"
    assert here.service.figures().dead_letters == 1


def test_an_outage_before_a_stage_is_waited_out(tmp_path, process):
    """While values cannot be fetched, claims are handed back: no attempt counts, and the run ends well afterwards."""
    folder, away = tmp_path / "folder", tmp_path / "away"
    folder.mkdir()
    here = process(PayloadPlace(f"file://{folder}"), *stages())
    run_id = until_made(here)
    folder.rename(away)
    for _ in range(5):
        here.step()
    away.rename(folder)
    view = here.finish(run_id, 20)
    assert view.state == "SUCCEEDED"
    assert [each.attempt for each in view.nodes] == [1, 1]


def test_an_outage_after_a_node_is_a_failed_attempt(tmp_path, process):
    """A result that cannot be kept is tried again as the stage's policy says, with a reason of its own."""
    folder, away, calls = tmp_path / "folder", tmp_path / "away", []
    folder.mkdir()

    def made():
        calls.append(1)
        if len(calls) == 1:
            folder.rename(away)
        if len(calls) == 3:
            away.rename(folder)
        return BIG

    here = process(PayloadPlace(f"file://{folder}"), *stages(made))
    ours = here.service.store.payloads
    ours.drop(ours.write("0-0", "first use", [b"x"], 60.0))
    run_id = here.service.start(1, tenant="acme", trigger="api").run_id
    view = here.finish(run_id, 20)
    assert view.state == "SUCCEEDED"
    assert len(calls) == 3
    assert "payloads-unreachable" in str([event.data for event in here.service.events(run_id)])


def test_files_of_a_run(tmp_path, redis_url, service):
    """What a node keeps as a file lies there too; an outage is a transient failure of the node."""
    folder = tmp_path / "folder"
    folder.mkdir()
    store = Store(service, Settings(redis_url=redis_url, payloads=PayloadPlace(f"file://{folder}")))
    files = RunFiles(Shelf(store), "acme", 60.0)
    big = [b"x" * CHUNK] * 10
    file = files.keep(iter(big), name="a.bin", media_type="text/plain")
    assert file == File.of("a.bin", b"".join(big), "text/plain")
    assert b"".join(files.chunks(file)) == b"".join(big)
    assert Shelf(store).hold("acme", file, 9 * 86_400.0)
    assert b"".join(files.chunks(file)) == b"".join(big)
    folder.rename(tmp_path / "away")
    with pytest.raises(TransientError, match="not there any more"):
        list(files.chunks(file))
    with pytest.raises(TransientError, match="not there any more"):
        files.keep(iter(big), name="b.bin", media_type="text/plain")
    shutil.rmtree(tmp_path / "away")
    store.close()


class Sweeping:
    """A store whose sweeps fail at first."""

    def __init__(self, stop):
        self.calls, self.stop, self.payloads = [], stop, self

    def sweep(self):
        self.calls.append(1)
        if len(self.calls) < 3:
            raise RuntimeError("on fire")
        self.stop.set()
        return False


def test_a_sweep_that_fails_ends_nothing(caplog):
    """It is logged, and tried again when it is due."""
    stop = threading.Event()
    store = Sweeping(stop)
    with caplog.at_level(logging.WARNING, "saltern.timers"):
        sweep_payloads(store, stop, every=0.01)
    assert len(store.calls) == 3
    assert [record.message for record in caplog.records] == ["payloads that are over were not removed: on fire"] * 2


def test_the_timers_sweep_payloads(objects, process, monkeypatch):
    """Timers remove what is over, in a thread beside their own sweeps."""
    monkeypatch.setattr(timers, "sweep_payloads", lambda store, stop: sweep_payloads(store, stop, every=0.01))
    here = process(objects.place, *stages())
    objects.now[0] -= 9 * 86_400.0
    objects.store.write("0-0", "name", [b"x"], 60.0)
    stop = threading.Event()
    running = threading.Thread(target=timers.run, args=(here.service, stop))
    running.start()
    try:
        while objects.held():
            stop.wait(0.02)
    finally:
        stop.set()
        running.join()
