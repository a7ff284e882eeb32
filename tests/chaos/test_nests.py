"""SIGKILL at random moments of random constructs that stand in each other."""

import json
from dataclasses import replace

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from saltern_runtime.store.keys import new_nonce
from tests.chaos.test_every_moment import work_until_killed
from tests.equivalence.drawing import drawn
from tests.equivalence.running import check, logged, seen_of, written
from tests.equivalence.worlds import key_of
from tests.support.built import importable
from tests.support.checker import broken, recorded_twice
from tests.support.effort import tries
from tests.support.once import finish_all


@settings(
    max_examples=tries(3, 16),
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(
    one=drawn((5, 3, 2)).filter(lambda one: not one.answers),
    moments=st.lists(st.integers(1, 60), min_size=3, max_size=3),
)
def test_nested_constructs_survive_their_workers(one, moments, here):
    """Wherever a worker dies, a run gives what it may give, with each outcome recorded once; effects may come again."""
    checked = check(one)
    name = checked.analyzed.pipeline.name
    with logged() as folder:
        written(checked.artifacts(1), folder / "tree")
        with importable(folder / "tree", name) as load:
            rescuer = here(name, load("graph").GRAPH, lease=0.12, sweep=0.02)
            client = rescuer.service.store.client
            for moment in moments:
                tenant = new_nonce()
                run_id = rescuer.service.start(one.given, tenant=tenant, trigger="api").run_id
                work_until_killed(rescuer, run_id, moment)
                assert broken(client, name) == [], (one, moment)
                runs = finish_all(rescuer, tenant)
                main = next(run for run in runs if run.id == run_id)
                seen = seen_of(main, [run for run in runs if run is not main], [], None)
                assert checked.oracle().difference(replace(seen, log=None)) is None, (one, moment)
                assert broken(client, name) == [], (one, moment)
                assert [run.id for run in runs if recorded_twice(client, name, run.id)] == [], (one, moment)
            happened = {key_of(*json.loads(line)) for line in (folder / "log").read_text().splitlines()}
            assert happened <= checked.oracle().may_happen(), one
