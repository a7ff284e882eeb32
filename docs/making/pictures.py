"""The drawing of a pipeline that a page shows: what `saltern graph --format svg` writes, with `--stages` where the page asks for it."""

from __future__ import annotations

from saltern_compiler.drawing.model import graph_of, with_critical
from saltern_compiler.drawing.stages import staged
from saltern_compiler.drawing.svg import draw_svg
from saltern_compiler.driver import compile_source
from saltern_compiler.frontend import read
from saltern_compiler.registry import Registry


def draw(text: str, registry: Registry, *, critical: bool = False, stages: bool = False) -> tuple[str, str]:
    """Return the name of a pipeline of the language, and its drawing as SVG.

    `critical`: with the longest way through a run marked; `stages`: with a frame around each stage.
    """
    pipeline, _ = read(text, "page.saltern", registry)
    assert pipeline is not None, "a test has compiled every block of the pages"
    graph = graph_of(pipeline, registry)
    if critical or stages:
        plan = compile_source(text, source_name="page.saltern", targets=(), registry=registry).plan
        assert plan is not None, "a test has compiled every block of the pages"
        graph = with_critical(graph, tuple(plan.cost.ways())) if critical else graph
        graph = staged(graph, plan) if stages else graph
    return pipeline.name, draw_svg(graph, pipeline.name)
