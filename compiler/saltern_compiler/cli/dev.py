"""`saltern dev`."""

from __future__ import annotations

import click

from saltern_compiler.cli.launch import launch


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("pipeline")
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
@click.option("--debug", is_flag=True, hidden=True)
def command(pipeline: str, options: tuple[str, ...], *, debug: bool) -> None:  # noqa: ARG001 - read by the crash report
    """Run a pipeline's whole service here, on an embedded server.

    API, worker and timers run until Ctrl-C, and runs are shown live. OPTIONS go to `python -m saltern_runtime.dev`, such as --port 8000.
    """
    launch(pipeline, options)
