"""`saltern graph`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from saltern_compiler.cli.common import FINDINGS, compile_clean, fail, load, optimize_option, show

if TYPE_CHECKING:
    from collections.abc import Collection

    from saltern_compiler.driver import Source
    from saltern_compiler.ir.pipeline import Pipeline
    from saltern_compiler.ir.plan import Plan

_SUFFIXES: Final = {".svg": "svg", ".mmd": "mermaid", ".mermaid": "mermaid", ".dot": "dot", ".gv": "dot"}


@click.command()
@click.argument("pipeline", metavar="PIPELINE")
@click.option("-o", "--output", metavar="FILE", help="The file to write; standard output by default.")
@click.option(
    "--format",
    "style",
    type=click.Choice(["svg", "mermaid", "dot"]),
    help="What to draw; told by the suffix of FILE (.svg, .mmd, .dot); svg on standard output.",
)
@click.option("--critical", is_flag=True, help="Mark the longest way through a run, as `saltern bounds` shows it.")
@click.option("--stages", is_flag=True, help="Draw a frame around the nodes that run together.")
@optimize_option
@click.option("--force", is_flag=True, help="Overwrite a file that is there.")
def command(
    pipeline: str, output: str | None, style: str | None, optimize: int, *, critical: bool, stages: bool, force: bool
) -> None:
    """Draw a pipeline: boxes are nodes, solid lines data, dashed ones branches.

    A pipeline with mistakes in it is drawn as far as it can be read; with --stages, one without any is drawn as it is planned.
    """
    from saltern_compiler.diagnostics.model import has_errors
    from saltern_compiler.driver.files import write_whole
    from saltern_compiler.frontend import read

    suffix = Path(output or "").suffix.lower()
    if style is None and output is not None and suffix not in _SUFFIXES:
        fail(f"{output}: the suffix says no format; there are {', '.join(_SUFFIXES)}, or say --format")
    plan = compile_clean(pipeline, targets=(), optimize=optimize).plan if stages else None
    source = load(pipeline)
    parsed, findings = read(source.text, source.name)
    if parsed is None or has_errors(findings):
        show(findings, source, pipeline)
        sys.exit(FINDINGS)
    marked = _critical(source, pipeline, optimize) if critical else ()
    text = _draw(parsed, style or _SUFFIXES.get(suffix, "svg"), plan, marked)
    if output is None:
        click.echo(text, nl=False)
        return
    path = Path(output)
    if path.exists() and not force:
        fail(f"{output}: there already; --force overwrites it, or take another name with -o")
    try:
        write_whole(path, text)
    except OSError as error:
        fail(f"{output}: {error.strerror}")
    click.echo(f"{output}: written")


def _critical(source: Source, path: str, optimize: int) -> tuple[tuple[str, ...], ...]:
    """Return the critical path and those of the bodies on it, or show what is wrong and stop."""
    from saltern_compiler.cli.bounds import analyzed_but_for_budgets  # only where it is asked for

    _, bounds = analyzed_but_for_budgets(source, path, optimize)
    return tuple(bounds.cost.ways())


def _draw(pipeline: Pipeline, style: str, plan: Plan | None, critical: Collection[tuple[str, ...]]) -> str:
    from saltern_compiler.drawing.dot import draw_dot
    from saltern_compiler.drawing.mermaid import draw_mermaid
    from saltern_compiler.drawing.model import graph_of, with_critical
    from saltern_compiler.drawing.stages import staged
    from saltern_compiler.drawing.svg import draw_svg
    from saltern_compiler.registry import Registry

    graph = with_critical(graph_of(pipeline, Registry.load()), critical)
    if plan is not None:
        graph = staged(graph, plan)
    if style == "mermaid":
        return draw_mermaid(graph)
    return draw_dot(graph, pipeline.name) if style == "dot" else draw_svg(graph, pipeline.name)
