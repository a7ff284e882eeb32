"""Random pipelines that ended, and are begun anew at every node, one after the other: each time they end as they had."""

from dataclasses import replace

import pytest

from saltern_compiler.ir.plan import LEVELS
from saltern_runtime.engine.operating import By
from saltern_runtime.store.keys import new_nonce
from saltern_runtime.store.views import RunState
from tests.equivalence.drawing import DEPTHS, drawn
from tests.equivalence.exploring import some
from tests.equivalence.running import Engines, Worker, check, finish, seen_of
from tests.support.checker import broken
from tests.support.effort import tries

ME = By("token:1", "it came out wrong")


@pytest.mark.parametrize("level", LEVELS)
def test_begun_anew_at_every_node(redis_url, level):
    """States, outputs and failures are those of a run that ran once, wherever the node stands and whatever it is fused with."""
    engines = Engines(redis_url)
    done = {}
    try:
        for one in some(drawn(DEPTHS), 5200, tries(8, 150)):
            checked = check(one, level)
            with engines.built(checked, level) as (graph, _):
                worker = Worker(graph, engines.settings, engines.store)
                tenant = new_nonce()
                run_id = worker.service.start(one.given, tenant=tenant, trigger="run").run_id
                view = finish(worker, run_id, one.answers)
                for node in [node.id for node in view.nodes]:
                    verdict = worker.service.operator.rerun(run_id, tenant, node, ME).verdict
                    done[verdict] = done.get(verdict, 0) + 1
                    assert broken(engines.store.client, "nmain") == []
                    seen = replace(seen_of(finish(worker, run_id, one.answers), [], [], None), log=None)
                    why = checked.oracle().difference(seen)
                    assert why is None, f"-O{level} from {node}: {why}\n{one!r}"
    finally:
        engines.close()
    print(done)
    assert done["ok"] > tries(30, 800)
