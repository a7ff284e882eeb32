"""`saltern diff`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

import click

from saltern_compiler.cli.common import FINDINGS, MISUSE, fail, show, shown, wants_color

if TYPE_CHECKING:
    from saltern_compiler.diff import Comparison, Side
    from saltern_compiler.driver.source import Source

FAIL_ON: Final = ("breaking", "runs", "change", "never")


@click.command()
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
@click.option(
    "--format", "style", type=click.Choice(["text", "json", "markdown"]), default="text", help="How it is shown."
)
@click.option(
    "--fail-on",
    type=click.Choice(FAIL_ON),
    default="breaking",
    show_default=True,
    help="What exit code 1 says: a change that breaks callers; that, or runs that may not go on; any change but of names.",
)
@click.option("--exit-code", is_flag=True, help="As git diff has it: the same as --fail-on change.")
def command(old: str, new: str, style: str, fail_on: str, *, exit_code: bool) -> None:
    """Show what changed in meaning, for callers and for runs in flight.

    OLD and NEW are files, in either notation, or git:REV:PATH; what a pipeline uses is read beside it, in the same revision.
    Layout, labels, comments and notation are no change.

    Exit codes: 0 nothing to report, 1 what --fail-on says, 2 a pipeline that cannot be compared.
    """
    from saltern_compiler.diff import compare
    from saltern_compiler.driver.revision import load_source
    from saltern_compiler.driver.source import SourceError

    if old == new == "-":
        fail("one of both may be standard input")
    sources = []
    for path in (old, new):
        try:
            sources.append(load_source(path))
        except SourceError as error:
            fail(str(error))
    sides = [checked(source, path) for source, path in zip(sources, (old, new), strict=True)]
    before, after = sides
    if before is None or after is None:
        sys.exit(MISUSE)
    comparison = compare(before, after)
    names = [shown(path, source) for path, source in zip((old, new), sources, strict=True)]
    _print(comparison, style, names)
    if _is_reported(comparison, "change" if exit_code else fail_on):
        sys.exit(FINDINGS)


def checked(source: Source, path: str) -> Side | None:
    """Check one of both; one with errors is shown with all of them."""
    from saltern_compiler.diagnostics.model import has_errors
    from saltern_compiler.diff import Side
    from saltern_compiler.driver.compile import analyze_loaded

    result, analyzed, callees = analyze_loaded(source)
    if analyzed is None or has_errors(result.diagnostics):
        show(result.diagnostics, source, path)
        return None
    return Side(analyzed, callees)


def _print(comparison: Comparison, style: str, names: list[str]) -> None:
    if style == "json":
        from saltern_compiler.diff.document import render_json

        click.echo(render_json(comparison, *names), nl=False)
    elif style == "markdown":
        from saltern_compiler.diff.markdown import render_markdown

        click.echo(render_markdown(comparison, names[1]), nl=False)
    else:
        from saltern_compiler.diff.terminal import render_terminal

        color = wants_color(sys.stdout)
        click.echo(render_terminal(comparison, names[1], color=color), nl=False, color=color)


def _is_reported(comparison: Comparison, fail_on: str) -> bool:
    from saltern_compiler.diff import Grade

    if fail_on == "change":
        return comparison.callers is not Grade.COSMETIC
    if fail_on == "never":
        return False
    return comparison.callers is Grade.BREAKING or (fail_on == "runs" and comparison.runs.verdict != "yes")
