"""SIGKILL at random moments of random constructs that stand in each other."""

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from saltern_compiler.driver import compile_source, write_tree
from saltern_runtime.store.keys import new_nonce
from tests.chaos.test_every_moment import work_until_killed
from tests.support.built import importable
from tests.support.checker import broken, recorded_twice
from tests.support.effort import tries
from tests.support.once import finish_all
from tests.targets.test_nested import Program, holds, trees


@settings(
    max_examples=tries(3, 16),
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(tree=trees(5), moments=st.lists(st.integers(1, 60), min_size=3, max_size=3))
def test_nested_constructs_survive_their_workers(tree, moments, here, tmp_path_factory):
    """Wherever a worker dies, a run gives what it would have given, with each outcome recorded once."""
    program = Program()
    text = program.text("nested", tree, "{ zero: int }")
    result = compile_source(text, source_name="nested.saltern", files=program.files)
    assert not result.has_errors, text
    folder = tmp_path_factory.mktemp("nests") / "tree"
    write_tree(result.artifacts, folder)
    with importable(folder, "nested") as load:
        rescuer = here("nested", load("graph").GRAPH, lease=0.12, sweep=0.02)
        client = rescuer.service.store.client
        for moment in moments:
            tenant = new_nonce()
            run_id = rescuer.service.start({"zero": 0}, tenant=tenant, trigger="api").run_id
            work_until_killed(rescuer, run_id, moment)
            assert broken(client, "nested") == [], (text, moment)
            runs = finish_all(rescuer, tenant)
            holds(program, f"{text}{moment}", tree, runs)
            assert broken(client, "nested") == [], (text, moment)
            assert [run.id for run in runs if recorded_twice(client, "nested", run.id)] == [], (text, moment)
