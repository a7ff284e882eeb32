"""`saltern check`."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from saltern_compiler.cli.common import FINDINGS, fail, load, locator, plural, show, shown

if TYPE_CHECKING:
    from saltern_compiler.driver import Result, Source


@click.command()
@click.argument("pipelines", nargs=-1, required=True, metavar="PIPELINE...")
@click.option("--fix", is_flag=True, help="Mend what can be mended, in the files themselves; then show what is left.")
@click.option(
    "--format",
    "style",
    type=click.Choice(["terminal", "json"]),
    default="terminal",
    help="For people, or for programs.",
)
def command(pipelines: tuple[str, ...], style: str, *, fix: bool) -> None:
    """Check pipelines and show everything that is wrong with them.

    A PIPELINE is a .saltern file, an editor's .json or .yaml document, or - for standard input.
    """
    from saltern_compiler.driver.compile import check_loaded  # noqa: PLC0415 - keeps --help quick

    if fix and "-" in pipelines:
        fail("--fix writes to files; standard input is none")
    errors = False
    reports: list[str] = []
    for path in pipelines:
        source = load(path)
        source, result = _fixed(source, path) if fix else (source, check_loaded(source))
        errors = errors or result.has_errors
        name = shown(path, source)
        if style == "json":
            from saltern_compiler.diagnostics.render import render_json  # noqa: PLC0415 - as above

            reports.append(render_json(result.diagnostics, source.text, name, locator=locator(source)).rstrip("\n"))
        elif result.diagnostics:
            show(result.diagnostics, source, path, err=False)
        else:
            click.echo(f"{name}: no findings")
    if style == "json":
        click.echo(_joined(reports))
    elif len(pipelines) > 1:
        click.echo(f"{plural(len(pipelines), 'pipeline')} checked")
    if errors:
        sys.exit(FINDINGS)


def _fixed(source: Source, path: str) -> tuple[Source, Result]:
    """Apply the fixes and say on standard error what was done."""
    from saltern_compiler.diagnostics.places import visible  # noqa: PLC0415 - as above
    from saltern_compiler.driver.fix import fix_loaded, write_source  # noqa: PLC0415 - as above

    fixed = fix_loaded(source)
    if not fixed.fixes:
        return fixed.source, fixed.result
    try:
        write_source(Path(path), fixed.source.text)
    except OSError as error:
        fail(f"{path}: {error.strerror or error}")
    click.echo(f"{path}: {plural(len(fixed.fixes), 'finding')} fixed", err=True)
    for title, times in Counter(fix.title for fix in fixed.fixes).items():
        click.echo(f"  {visible(title)}" + (f" ({times} times)" if times > 1 else ""), err=True)
    return fixed.source, fixed.result


def _joined(documents: list[str]) -> str:
    """Return one JSON document: that of the one pipeline, or a list of them all."""
    return documents[0] if len(documents) == 1 else "[" + ",\n".join(documents) + "]"
