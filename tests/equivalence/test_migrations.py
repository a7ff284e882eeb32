"""Random pipelines whose runs are moved to another version behind every single stage, and back: they end as if nothing had been."""

import copy
import json
import time
from dataclasses import replace
from hashlib import sha256

from saltern_runtime.engine.operating import By
from saltern_runtime.store.keys import new_nonce
from saltern_runtime.store.views import TERMINAL, RunState
from tests.equivalence.drawing import DEPTHS, drawn
from tests.equivalence.exploring import some
from tests.equivalence.running import Engines, Worker, answer, check, ended
from tests.support.effort import tries

ME = By("token:1", "the prompt was wrong")


def other(graph):
    """Return the same graph under another digest: what a change that alters no stage makes of it."""
    made = copy.copy(graph)
    made.source_map = {**graph.source_map, "plan": f"sha256:{sha256(graph.digest.encode()).hexdigest()}"}
    assert made.digest != graph.digest
    return made


def queues(opened, run_id):
    """Return the queues that a run's activations wait in, or will."""
    store = opened.service.store
    records = store.client.hvals(store.keys.run(run_id, ":acts"))
    return {json.loads(text)["q"] for text in records if '"q":' in text}


def moving(twin, moved):
    """Make what works until a run is over, one stage after the other, and moves it behind each; it counts in `moved`."""

    def finish(opened, run_id, answers):
        workers = {worker.service.plans.plan: worker for worker in (opened, twin)}
        end = time.monotonic() + 60
        while (view := opened.service.wait(run_id, 0)).state not in TERMINAL and time.monotonic() < end:
            here = workers[view.plan]
            there = twin if here is opened else opened
            here.sweeper.sweep()
            if here.bells.bells:
                here.engine.answer(here.bells.bells.popleft())
                after = opened.service.wait(run_id, 0)
                verdict = there.service.migrate(after, after.plan, by=ME).verdict
                assert verdict in ("ok", "late", "started"), verdict  # it takes back, or another run began it
                moved.append(verdict)
                if verdict == "ok":
                    assert queues(opened, run_id) <= set(there.service.plans.queues)
            elif view.state is RunState.WAITING and answers:
                answer(here.service, run_id, answers)
        return opened.service.wait(run_id, 0)

    return finish


def test_moved_behind_every_stage(redis_url):
    """Outputs, failures and effects are those of a run that nobody moved, whatever stands in the pipeline."""
    engines = Engines(redis_url)
    engines.settings = replace(engines.settings, slice=0.0)
    moved = []
    try:
        for one in some(drawn(DEPTHS), 5200, tries(8, 120)):
            checked = check(one)
            with engines.built(checked, 1) as (graph, log):
                opened = Worker(graph, engines.settings, engines.store)
                twin = Worker(other(graph), engines.settings, engines.store)
                opened.tenant = new_nonce()
                seen = ended(opened, one, log, opened.tenant, moving(twin, moved))
            assert (why := checked.oracle().difference(seen)) is None, f"{why}\n{one!r}"
    finally:
        engines.close()
    assert moved.count("ok") > tries(20, 300)
