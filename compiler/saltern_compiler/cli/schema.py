"""`saltern schema`."""

from __future__ import annotations

import json

import click


@click.command()
@click.argument("which", type=click.Choice(["pipeline", "diagnostics", "diff", "bounds"]), default="pipeline")
def command(which: str) -> None:
    """Print the JSON Schema of the editor's documents, or of what `check`, `diff` and `bounds` print with --format json."""
    if which == "pipeline":
        from saltern_compiler.frontend.document.schema import schema

        written = schema()
    elif which == "diff":
        from saltern_compiler.diff.document import diff_schema

        written = diff_schema()
    elif which == "bounds":
        from saltern_compiler.bounds.document import bounds_schema

        written = bounds_schema()
    else:
        from saltern_compiler.diagnostics.schema import diagnostics_schema

        written = diagnostics_schema()
    click.echo(json.dumps(written, indent=2, ensure_ascii=False))
