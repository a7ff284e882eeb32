"""`saltern build`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from saltern_compiler.cli.common import FINDINGS, compile_clean, fail, plural


@click.command()
@click.argument("pipeline")
@click.option("-o", "--output", required=True, metavar="DIR", help="The folder to write; its other files stay.")
@click.option(
    "--target",
    "targets",
    multiple=True,
    metavar="NAME",
    help="What to write (python, fastapi, celery); all by default.",
)
@click.option("--force", is_flag=True, help="Overwrite files that were changed by hand.")
@click.option("--debug", is_flag=True, hidden=True)
def command(pipeline: str, output: str, targets: tuple[str, ...], *, force: bool, debug: bool) -> None:  # noqa: ARG001 - debug is read by the crash report
    """Compile a pipeline into a folder.

    The folder is written whole or not at all. Files that a build before wrote and that are no longer needed are removed;
    files that it did not write are left alone.
    """
    from saltern_compiler.driver.tree import ChangedError, TreeError, write_tree  # noqa: PLC0415 - keeps --help quick

    result = compile_clean(pipeline, targets=targets or None)
    try:
        written = write_tree(result.artifacts, Path(output), force=force)
    except ChangedError as error:
        click.echo(f"saltern: {output}: these files were changed by hand since they were built:", err=True)
        for path in error.paths:
            click.echo(f"  {path}", err=True)
        click.echo("Nothing was written. Move the changes away, or pass --force to overwrite them.", err=True)
        sys.exit(FINDINGS)
    except TreeError as error:
        fail(str(error))
    parts = [f"{plural(len(written.written), 'file')} written"]
    if written.removed:
        parts.append(f"{len(written.removed)} removed")
    if written.unchanged:
        parts.append(f"{len(written.unchanged)} unchanged")
    click.echo(f"{output}: {', '.join(parts)}")
