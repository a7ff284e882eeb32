"""`saltern dev`."""

from __future__ import annotations

import click

from saltern_compiler.cli.common import optimize_option
from saltern_compiler.cli.launch import launch, launch_reloading


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("pipeline")
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
@optimize_option
@click.option("--reload/--no-reload", default=True, help="Follow changes of the source; that is the default.")
def command(pipeline: str, options: tuple[str, ...], *, optimize: int, reload: bool) -> None:
    """Run a pipeline's whole service here, on an embedded server.

    API, worker and timers run until Ctrl-C, and runs are shown live. When the source changes, a new version starts beside the
    old one: new runs go to it, those under way finish on the version that they began with.
    OPTIONS go to `python -m saltern_runtime.dev`, such as --port 8000.
    """
    if reload and pipeline != "-" and "--once" not in options:
        launch_reloading(pipeline, options, optimize)
    launch(pipeline, options, optimize)
