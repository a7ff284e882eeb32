"""Random pipelines whose runs are held up behind every single stage: they end as if nothing had been.

Held up by their deadline, and replayed; or by a pause, and resumed.
"""

import time
from dataclasses import replace

import pytest

from saltern_runtime.engine.operating import By
from saltern_runtime.store.keys import new_nonce, shard_of
from saltern_runtime.store.views import TERMINAL, RunState
from tests.equivalence.covering import found_in
from tests.equivalence.drawing import DEPTHS, drawn
from tests.equivalence.exploring import some
from tests.equivalence.running import Engines, Worker, answer, check, ended
from tests.support.effort import tries

ME = By("token:1", "it was held up")


def cut(opened, run_id):
    """End a run by its deadline, and replay it."""
    store = opened.service.store
    store.client.zadd(f"{store.keys.shard(shard_of(run_id))}due", {f"r|{run_id}": 1})
    opened.sweeper.sweep()
    assert opened.service.reader.state(run_id) is RunState.TIMED_OUT
    assert opened.service.operator.replay(run_id, opened.tenant, ME).verdict == "ok"


def pause(opened, run_id):
    """Pause a run, see that nothing of it begins, and resume it."""
    paused = opened.service.operator.pause(run_id, opened.tenant, ME).verdict
    assert paused in ("ok", "late"), paused  # it may take back what it did
    while paused == "ok" and opened.bells.bells:
        opened.engine.answer(opened.bells.bells.popleft())
        assert opened.service.reader.state(run_id) is RunState.PAUSED
    assert opened.service.operator.resume(run_id, opened.tenant, ME).verdict == ("ok" if paused == "ok" else "done")


def held_up(how):
    """Make what works until a run is over, one stage after the other, and holds it up behind each."""

    def finish(opened, run_id, answers):
        reader, end = opened.service.reader, time.monotonic() + 60
        while (state := reader.state(run_id)) not in TERMINAL and time.monotonic() < end:
            opened.sweeper.sweep()
            if opened.bells.bells:
                opened.engine.answer(opened.bells.bells.popleft())
                if reader.state(run_id) not in TERMINAL:
                    how(opened, run_id)
            elif state is RunState.WAITING and answers:
                answer(opened.service, run_id, answers)
        return opened.service.wait(run_id, 0)

    return finish


@pytest.mark.parametrize("how", [cut, pause])
def test_held_up_behind_every_stage(redis_url, how):
    """Outputs, failures and effects are those of a run that nobody held up, whatever stands in the pipeline."""
    engines = Engines(redis_url)
    engines.settings = replace(engines.settings, slice=0.0)
    done = 0
    try:
        for one in some(drawn(DEPTHS), 4100, tries(12, 100)):
            checked = check(one)
            if how is cut and "compensate" in found_in(checked).constructs:
                continue  # it takes back what it had done, and goes on no more
            done += 1
            with engines.built(checked, 1) as (graph, log):
                opened = Worker(graph, engines.settings, engines.store)
                opened.tenant = new_nonce()
                seen = ended(opened, one, log, opened.tenant, held_up(how))
            assert (why := checked.oracle().difference(seen)) is None, f"{why}\n{one!r}"
    finally:
        engines.close()
    assert done > tries(4, 50)
