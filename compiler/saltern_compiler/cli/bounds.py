"""`saltern bounds`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from saltern_compiler.cli.common import FINDINGS, fail, load, optimize_option, show, shown

if TYPE_CHECKING:
    from saltern_compiler.bounds import Bounds
    from saltern_compiler.diagnostics.model import Diagnostic
    from saltern_compiler.driver import Source

_OF_BUDGETS = frozenset({"over-budget", "undecided-budget", "unmatched-budget"})


@click.command()
@click.argument("pipeline", metavar="PIPELINE")
@click.option(
    "--format", "style", type=click.Choice(["text", "json", "markdown"]), default="text", help="How it is shown."
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@optimize_option
@click.option("--why", metavar="MEASURE", help="Which node gives what of one: time, stages, calls:NAME, model_calls, …")
def command(pipeline: str, style: str, optimize: int, why: str | None, *, as_json: bool) -> None:
    """Show what a run costs at most, before there is one.

    Worst is: each attempt takes its time-out and fails but the last, each wait lasts to its deadline, each loop has all its rounds.
    What hangs on sizes stays a sum with names in it, such as 12 + 3·size(input.rows). Not counted: how long work stands in queues, and
    what another side asks to wait for.

    Exit codes: 0, also where a bound hangs on sizes; 1 where the budget of the pipeline is not kept, or it has mistakes.
    """
    if why is not None and (as_json or style != "text"):
        fail("--why is shown as text; --format json has what each node gives of everything")
    source = load(pipeline)
    errors, bounds = analyzed_but_for_budgets(source, pipeline, optimize)
    if why is not None:
        click.echo(_why(bounds, why), nl=False)
    else:
        click.echo(_rendered(bounds, "json" if as_json else style, shown(pipeline, source)), nl=False)
    if errors:
        show(errors, source, pipeline)
        sys.exit(FINDINGS)


def _rendered(bounds: Bounds, style: str, name: str) -> str:
    from saltern_compiler.bounds import rendered  # bounds load the analyses, which --help does without

    return rendered(bounds, style, name)


def analyzed_but_for_budgets(source: Source, path: str, optimize: int) -> tuple[list[Diagnostic], Bounds]:
    """Return what is wrong with a pipeline's budget, and its bounds; stop where anything else is wrong."""
    from saltern_compiler.bounds import bounds_of  # analyses load every check
    from saltern_compiler.driver.compile import analyze_loaded  # the driver loads both notations
    from saltern_runtime.spec import Severity  # the spec loads every type

    result, analyzed, _ = analyze_loaded(source, optimize=optimize)
    errors = [each for each in result.diagnostics if each.severity is Severity.ERROR]
    if analyzed is None or any(each.code not in _OF_BUDGETS for each in errors):
        show(result.diagnostics, source, path)
        sys.exit(FINDINGS)
    return errors, bounds_of(analyzed)


def _why(bounds: Bounds, measure: str) -> str:
    from saltern_compiler.bounds.model import TIME  # only --why asks for a measure
    from saltern_compiler.bounds.terminal import render_why

    known = (TIME, *sorted(bounds.cost.amounts))
    if measure not in known:
        fail(f"no measure {measure!r} here; there are {', '.join(known)}")
    return render_why(bounds, measure)
