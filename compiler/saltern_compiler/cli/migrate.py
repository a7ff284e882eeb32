"""`saltern migrate`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

import click

from saltern_compiler.cli.common import MISUSE, fail, optimize_option
from saltern_compiler.cli.diff import checked
from saltern_compiler.cli.service import each_run, on_service, reason_option, run_ids, stop

if TYPE_CHECKING:
    from saltern_compiler.diff import Side
    from saltern_compiler.ir.plan import Plan
    from saltern_runtime.client import Client

_MISTAKEN: Final = frozenset({"run-moved", "version-not-current"})
"""Refusals where the service knows one of the two versions otherwise."""


@click.command()
@click.argument("runs", nargs=-1, metavar="RUN...")
@click.option(
    "--from", "old", required=True, metavar="OLD", help="What the runs were begun with: a file, or git:REV:PATH."
)
@click.option(
    "--to", "new", required=True, metavar="NEW", help="What they shall go on with: what the service runs now."
)
@optimize_option
@reason_option
@on_service
def command(client: Client[Any, Any], runs: tuple[str, ...], old: str, new: str, reason: str, *, optimize: int) -> None:
    """Let open runs go on with a newer version, where it is proven that they may.

    Both versions are compiled. Where the difference lets runs in flight go on from anywhere, and the stages are the same, the runs are
    moved: what has ended keeps its value, what has not is of NEW. Nothing of a run may be RUNNING: pause it, where something is.

    Exit codes: 0 moved, 1 it may not be, or the service refused, 2 misuse.
    """
    from saltern_compiler.diff import compare
    from saltern_compiler.diff.stages import unlike
    from saltern_runtime.client import ProblemError

    chosen = run_ids(runs)
    (before, ours), (after, theirs) = (_planned(path, optimize) for path in (old, new))
    found = compare(before, after).runs
    if found.hurdles:
        stop(
            "\n".join(("runs may not go on with it from everywhere:", *(f"  {hurdle.why}" for hurdle in found.hurdles)))
        )
    why = unlike(ours, theirs)
    if why:
        stop(f"runs may go on with it, but what they keep lies elsewhere: {why}")
    if found.kept:
        click.echo(f"where they have ended, these keep the values that they had: {', '.join(found.kept)}", err=True)
    mistaken = False

    def move(run: str) -> None:
        nonlocal mistaken
        try:
            moved = client.migrate(run, ours.digest, theirs.digest, reason)
        except ProblemError as error:
            mistaken |= error.code in _MISTAKEN
            raise
        click.echo(f"{run}  {moved.state}")

    try:
        each_run(chosen, move)
    finally:
        if mistaken:
            versions = f"OLD is {ours.digest} and NEW is {theirs.digest}, both with -O{optimize}"
            click.echo(f"{versions}; what was built with another -O is another version", err=True)


def _planned(path: str, optimize: int) -> tuple[Side, Plan]:
    """Check and plan a pipeline; one with errors is shown with all of them."""
    from saltern_compiler.driver.compile import compile_loaded
    from saltern_compiler.driver.revision import load_source
    from saltern_compiler.driver.source import SourceError

    try:
        source = load_source(path)
    except SourceError as error:
        fail(str(error))
    side = checked(source, path)
    plan = compile_loaded(source, targets=(), optimize=optimize).plan if side is not None else None
    if side is None or plan is None:
        sys.exit(MISUSE)
    return side, plan
