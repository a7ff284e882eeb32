"""What the compiler's benchmark measures is what it says it measures."""

import pytest

from bench.compiler import _exponent, _page, measure
from bench.shapes import SHAPES
from saltern_compiler import compile_source

ROW = {"cpu": 0.5, "wall": 0.6, "peak_mb": 80.0, "fresh": 0.7}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("nodes", [10, 100])
def test_a_shape_has_as_many_nodes_as_it_says(shape, nodes):
    """Every shape is without findings, and has just so many nodes."""
    result = compile_source(SHAPES[shape](nodes), source_name="a.saltern", targets=())
    assert result.diagnostics == ()
    assert sum(1 for _ in result.pipeline.body.walk()) == nodes


def test_a_contender_is_a_process_that_says_what_it_took():
    """Ours compiles a shape through every target and prints seconds and megabytes."""
    taken = measure("ours", "nested", 10, rounds=1, seconds=1)
    assert taken.keys() == {"cpu", "wall", "peak_mb", "loaded_mb", "fresh"}
    assert taken["cpu"] > 0
    assert taken["peak_mb"] >= taken["loaded_mb"] > 10


def test_what_fails_ends_the_bench():
    """A shape that there is not is no figure."""
    with pytest.raises(SystemExit, match="KeyError"):
        measure("ours", "round", 10, rounds=1, seconds=1)


def test_the_exponent_is_that_of_a_power():
    """Costs that grow with the power 1.5 have it; the smallest size has no say."""
    rows = [{"shape": "chain", "nodes": size, "ours": {"cpu": size**1.5}} for size in (100, 1_000, 10_000)]
    assert _exponent([{"shape": "chain", "nodes": 10, "ours": {"cpu": 9e9}}, *rows], "chain") == pytest.approx(1.5)


@pytest.mark.parametrize("peers", [[], ["kfp", "hera"]])
def test_the_page_stands_with_and_without_peers(peers):
    """Every row of the table has as many cells as its head, and what a peer was not asked for is a dash."""
    rows = [
        {"shape": "chain", "nodes": 1_000, "ours": ROW} | dict.fromkeys(peers, ROW) | {f"times_quicker_than_{peer}": 1.0 for peer in peers},
        {"shape": "chain", "nodes": 10_000, "ours": ROW},
    ]  # fmt: skip
    page = _page(
        {
            "machine": {"python": "3"},
            "compile": rows,
            "exponent_100_to_10000": {"chain": 1.0},
            "cold_check": {"check_seconds": 0.1, "python_seconds": 0.01, "check_over_python": 10.0},
            "session_edit_seconds": {"200": {"whole": 0.1, "edit": 0.01}},
        },
        peers,
    )
    table = [line for line in page.splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in table}) == 1
    assert ("| - |" in table[-1]) is bool(peers)
