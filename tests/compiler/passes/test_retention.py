"""How long runs are kept, by how they ended: in both notations, in the plan, in generated code."""

import pytest

from saltern_compiler.driver import compile_source
from saltern_compiler.frontend import notation_of
from saltern_compiler.frontend.convert import convert

SOURCE = "pipeline kept\n\nsettings {{ {} }}\n\nreturn 1\n"


@pytest.mark.parametrize(
    ("settings", "retention", "retained"),
    [
        ("retention: 2d", 172800.0, None),
        ("retention_failed: 30d", 2592000.0, {"succeeded": 604800.0, "cancelled": 604800.0}),
        ("retention: 7d, retention_cancelled: 1h", 604800.0, {"cancelled": 3600.0}),
        ("retention: 7d, retention_cancelled: 1d, retention_failed: 1d, retention_succeeded: 1d", 86400.0, None),
    ],
)
def test_the_longest_holds_and_shorter_ones_by_state(settings, retention, retained):
    """Payloads and files go by the longest; of the others each is written that is shorter. Both notations say the same."""
    text = SOURCE.format(settings)
    result = compile_source(text, source_name="kept.saltern")
    graph = result.artifacts["kept/graph.py"].decode()
    assert f"retention={retention}" in graph
    assert ("retained=" in graph) == (retained is not None)
    for how, seconds in (retained or {}).items():
        assert f'"{how}": {seconds}' in graph
    made, _ = convert(text, "kept.saltern", notation_of("kept.json", ""))
    back, _ = convert(made.text, "kept.json", notation_of("kept.saltern", ""))
    again = compile_source(back.text, source_name="kept.saltern").artifacts["kept/graph.py"].decode()
    assert again == graph
