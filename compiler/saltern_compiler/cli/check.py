"""`saltern check`."""

from __future__ import annotations

import sys

import click

from saltern_compiler.cli.common import FINDINGS, load, locator, plural, show, shown


@click.command()
@click.argument("pipelines", nargs=-1, required=True, metavar="PIPELINE...")
@click.option(
    "--format",
    "style",
    type=click.Choice(["terminal", "json"]),
    default="terminal",
    help="For people, or for programs.",
)
@click.option("--debug", is_flag=True, hidden=True)
def command(pipelines: tuple[str, ...], style: str, *, debug: bool) -> None:  # noqa: ARG001 - read by the crash report
    """Check pipelines and show everything that is wrong with them.

    A PIPELINE is a .saltern file, an editor's .json or .yaml document, or - for standard input.
    """
    from saltern_compiler.driver.compile import check_loaded  # noqa: PLC0415 - keeps --help quick

    errors = False
    found: list[str] = []
    for path in pipelines:
        source = load(path)
        result = check_loaded(source)
        errors = errors or result.has_errors
        name = shown(path, source)
        if style == "json":
            from saltern_compiler.diagnostics.render import render_json  # noqa: PLC0415 - as above

            found.append(render_json(result.diagnostics, source.text, name, locator=locator(source)).rstrip("\n"))
        elif result.diagnostics:
            show(result.diagnostics, source, path, err=False)
        else:
            click.echo(f"{name}: no findings")
    if style == "json":
        click.echo(_joined(found))
    elif len(pipelines) > 1:
        click.echo(f"{plural(len(pipelines), 'pipeline')} checked")
    if errors:
        sys.exit(FINDINGS)


def _joined(documents: list[str]) -> str:
    """Return one JSON document: that of the one pipeline, or a list of them all."""
    return documents[0] if len(documents) == 1 else "[" + ",\n".join(documents) + "]"
