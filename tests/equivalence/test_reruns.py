"""Random pipelines that ended, and are begun anew at every node, one after the other: each time they end as they had."""

import json
from collections import Counter
from dataclasses import replace

import pytest

from saltern_compiler.ir.plan import LEVELS
from saltern_runtime.engine.operating import By
from saltern_runtime.store.keys import new_nonce
from saltern_runtime.store.views import TERMINAL
from tests.equivalence.drawing import DEPTHS, drawn
from tests.equivalence.exploring import some
from tests.equivalence.running import Engines, Worker, check, finish, seen_of
from tests.equivalence.worlds import key_of
from tests.support.checker import broken
from tests.support.effort import tries

ME = By("token:1", "it came out wrong")


def all_over(worker, one, tenant, run_id):
    """Work until a run is over, and all that it started; return what is seen of it."""
    view = finish(worker, run_id, one.answers)
    while left := [each.id for each in worker.service.list(tenant, limit=200).runs if each.state not in TERMINAL]:
        for other in left:
            finish(worker, other, one.answers)
    return view


@pytest.mark.parametrize("level", LEVELS)
def test_begun_anew_at_every_node(redis_url, level):
    """States, outputs, failures and effects are those of a run that ran once, wherever the node stands and whatever it is fused with."""
    engines = Engines(redis_url)
    done = Counter()
    try:
        for one in some(drawn(DEPTHS), 5200, tries(3, 16)):
            checked = check(one, level)
            oracle = checked.oracle()
            may = oracle.may_happen()
            with engines.built(checked, level) as (graph, log):
                worker, tenant = Worker(graph, engines.settings, engines.store), new_nonce()
                run_id = worker.service.start(one.given, tenant=tenant, trigger="run").run_id
                for node in all_over(worker, one, tenant, run_id).nodes:
                    log.write_text("")
                    verdict = worker.service.operator.rerun(run_id, tenant, node.id, ME).verdict
                    done[verdict] += 1
                    assert verdict != "unknown" or "/compensate" in node.stage
                    assert broken(engines.store.client, "nmain") == []
                    view = all_over(worker, one, tenant, run_id)
                    why = oracle.difference(replace(seen_of(view, [], [], None), log=None))
                    assert why is None, f"-O{level} from {node.id}: {why}\n{one!r}"
                    effects = {key_of(*json.loads(line)) for line in log.read_text().splitlines()}
                    assert effects <= (may if verdict == "ok" else set()) or oracle.is_exhausted(), (node.id, one)
    finally:
        engines.close()
    assert done["ok"] > tries(10, 100), done
