"""The drawing of a pipeline that a page shows: what `saltern graph --format svg` writes."""

from __future__ import annotations

from saltern_compiler.drawing.model import graph_of, with_critical
from saltern_compiler.drawing.svg import draw_svg
from saltern_compiler.driver import compile_source
from saltern_compiler.frontend import read
from saltern_compiler.registry import Registry


def draw(text: str, registry: Registry, *, critical: bool = False) -> tuple[str, str]:
    """Return the name of a pipeline of the language, and its drawing as SVG, with the critical path marked where that is asked for."""
    pipeline, _ = read(text, "page.saltern", registry)
    assert pipeline is not None, "a test has compiled every block of the pages"
    graph = graph_of(pipeline, registry)
    if critical:
        plan = compile_source(text, source_name="page.saltern", targets=(), registry=registry).plan
        assert plan is not None, "a test has compiled every block of the pages"
        graph = with_critical(graph, tuple(plan.cost.ways()))
    return pipeline.name, draw_svg(graph, pipeline.name)
