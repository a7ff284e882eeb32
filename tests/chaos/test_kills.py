"""SIGKILL at a dozen moments, in a real Celery worker and in real timers: the run completes all the same."""

import pytest

from saltern_runtime.engine.dispatch import InProcess
from saltern_runtime.store.calls import Bell

WORKER = [
    "before:answer", "after:answer", "before:effect:classify", "after:effect:classify", "before:advance", "after:advance",
    "before:effect:tell_billing", "after:effect:tell_billing", "before:effect:log",
]  # fmt: skip


@pytest.mark.parametrize("moment", WORKER)
def test_a_worker_is_killed(site, moment):
    """Whatever a child was doing when it was killed, another does it again, under the same effect key."""
    site.arm(moment)
    run_id = site.start()
    site.finish(run_id)
    assert site.armed() is None
    effects = site.effects(run_id)
    assert {key.split(":")[2] for key in effects} == {"classify", "tell_billing", "log"}
    assert len(effects) == 3
    assert max(effects.values()) <= 2


@pytest.mark.parametrize("moment", ["before:fail", "after:fail"])
def test_a_worker_is_killed_around_a_failure(site, moment):
    """A refused call whose worker dies around recording it is tried again."""
    site.arm(moment)
    run_id = site.start(refuse="classify")
    site.finish(run_id)
    assert site.armed() is None


@pytest.mark.parametrize("moment", ["before:extend", "after:extend"])
def test_a_worker_is_killed_while_it_extends(site, moment):
    """A child that dies in the middle of a long node is lost, and its stage is run again."""
    site.arm(moment)
    run_id = site.start(slow="log", seconds=1.0)
    site.finish(run_id)
    assert site.armed() is None
    assert ("stage.lost", "log") in site.types(run_id)


def test_a_long_node_outlives_its_lease(site):
    """A node that takes longer than the lease keeps its claim, and runs once."""
    run_id = site.start(slow="classify", seconds=1.6)
    site.finish(run_id)
    assert set(site.effects(run_id).values()) == {1}


def test_a_doubled_bell(site):
    """A bell that comes twice, or long after it was answered, does nothing the second time."""
    rung = InProcess()
    ring, site.service._dispatcher = site.service.dispatcher, rung
    try:
        run_id = site.start()
    finally:
        site.service._dispatcher = ring
    bells = list(rung.bells)
    for _ in range(3):
        ring.ring(bells)
    site.finish(run_id)
    ring.ring([Bell(bells[0].shard, bells[0].queue, bells[0].slot, bells[0].serial, bells[0].path)])
    assert set(site.effects(run_id).values()) == {1}


def test_a_lost_bell(site):
    """A bell that never reached the broker is rung again by the timers."""
    ring, site.service._dispatcher = site.service.dispatcher, InProcess()
    try:
        run_id = site.start()
    finally:
        site.service._dispatcher = ring
    site.finish(run_id)
    assert set(site.effects(run_id).values()) == {1}


@pytest.mark.parametrize("moment", ["before:take_due"])
def test_one_of_two_timers_is_killed(site, moment):
    """Two timers sweep at once; one of them dies, and the other goes on."""
    site.arm(moment)
    run_id = site.start(refuse="log")
    site.finish(run_id)
    assert site.armed() is None
    assert sum(process.poll() is not None for process in site.processes) == 1


def test_runs_at_once(site):
    """Many runs through the same queues, with refusals among them: each ends once, each effect is seen as often as tried."""
    ids = [site.start(refuse="log" if number % 5 == 0 else "") for number in range(40)]
    for run_id in ids:
        site.finish(run_id)
    assert {sum(site.effects(run_id).values()) for run_id in ids} == {3, 4}
