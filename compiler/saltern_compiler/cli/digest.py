"""`saltern digest`."""

from __future__ import annotations

import sys

import click

from saltern_compiler.cli.common import FINDINGS, load, show


@click.command()
@click.argument("pipelines", nargs=-1, required=True, metavar="PIPELINE...")
def command(pipelines: tuple[str, ...]) -> None:
    """Print the digest of what a pipeline means.

    Layout, comments, labels and the notation do not change it.
    """
    from saltern_compiler.driver.compile import check_loaded
    from saltern_compiler.ir.canonical import digest

    failed = False
    for path in pipelines:
        source = load(path)
        result = check_loaded(source)
        if result.has_errors or result.pipeline is None:
            show(result.diagnostics, source, path)
            failed = True
        else:
            click.echo(digest(result.pipeline) if len(pipelines) == 1 else f"{digest(result.pipeline)}  {path}")
    if failed:
        sys.exit(FINDINGS)
