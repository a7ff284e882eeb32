"""SIGKILL at random moments of random constructs that stand in each other."""

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from saltern_compiler.driver import compile_source, write_tree
from tests.chaos.test_every_moment import work_until_killed
from tests.support.built import importable
from tests.support.checker import broken, recorded_twice
from tests.support.effort import tries
from tests.targets.test_nested import FailedError, Program, trees, value_of


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
    try:
        expected = ("SUCCEEDED", value_of(tree))
    except FailedError:
        expected = ("FAILED", None)
    with importable(folder, "nested") as load:
        rescuer = here("nested", load("graph").GRAPH, lease=0.12, sweep=0.02)
        client = rescuer.service.store.client
        for moment in moments:
            run_id = rescuer.service.start({"zero": 0}, tenant="acme", trigger="api").run_id
            work_until_killed(rescuer, run_id, moment)
            assert broken(client, "nested") == [], (text, moment)
            view = rescuer.finish(run_id, 20)
            assert (view.state, view.output) == expected, (text, moment, view.failure)
            assert broken(client, "nested") == [], (text, moment)
            assert recorded_twice(client, "nested", run_id) == [], (text, moment)
