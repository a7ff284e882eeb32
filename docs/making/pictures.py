"""The drawing of a pipeline that a page shows: what `saltern graph --format svg` writes."""

from __future__ import annotations

from saltern_compiler.drawing.model import graph_of
from saltern_compiler.drawing.svg import draw_svg
from saltern_compiler.frontend import read
from saltern_compiler.registry import Registry


def draw(text: str, registry: Registry) -> tuple[str, str]:
    """Return the name of a pipeline of the language, and its drawing as SVG."""
    pipeline, _ = read(text, "page.saltern", registry)
    assert pipeline is not None, "a test has compiled every block of the pages"
    return pipeline.name, draw_svg(graph_of(pipeline, registry), pipeline.name)
