"""`saltern check`."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from saltern_compiler.cli.common import FINDINGS, fail, load, locator, plural, show, show_configuration, shown

if TYPE_CHECKING:
    from saltern_compiler.diagnostics.checked import Checked
    from saltern_compiler.driver import Result, Source
    from saltern_compiler.driver.configuration import Configuration


@click.command()
@click.argument("pipelines", nargs=-1, required=True, metavar="PIPELINE...")
@click.option("--fix", is_flag=True, help="Mend what can be mended, in the files themselves; then show what is left.")
@click.option(
    "--format",
    "style",
    type=click.Choice(["terminal", "json", "sarif", "github"]),
    default="terminal",
    help="For people, for programs, for code hosts and editors (SARIF 2.1.0), or for the log of a GitHub action.",
)
def command(pipelines: tuple[str, ...], style: str, *, fix: bool) -> None:
    """Check pipelines and show everything that is wrong with them.

    A PIPELINE is a .saltern file, an editor's .json or .yaml document, or - for standard input. How bad findings are, a saltern.toml
    or the [tool.saltern] of a pyproject.toml says, beside a pipeline or above it.
    """
    from saltern_compiler.driver.compile import check_loaded

    if fix and "-" in pipelines:
        fail("--fix writes to files; standard input is none")
    errors = False
    checked: list[Checked] = []
    configurations: dict[str, Configuration] = {}
    for path in pipelines:
        source = load(path)
        source, result = _fixed(source, path) if fix else (source, check_loaded(source))
        of = result.configuration
        is_new = bool(of.findings) and of.name not in configurations
        errors = errors or result.has_errors or of.has_errors
        if is_new:
            configurations[of.name] = of
        if style != "terminal":
            checked += [_configured(of)] if is_new else []
            checked.append(_checked(result, source, path))
            continue
        if is_new:
            show_configuration(of, err=False)
        if result.diagnostics:
            show(result.diagnostics, source, path, err=False)
        else:
            click.echo(f"{shown(path, source)}: no findings")
    if style != "terminal":
        click.echo(_document(checked, style), nl=False)
    elif len(pipelines) > 1:
        click.echo(f"{plural(len(pipelines), 'pipeline')} checked")
    if errors:
        sys.exit(FINDINGS)


def _checked(result: Result, source: Source, path: str) -> Checked:
    from saltern_compiler.diagnostics.checked import Checked

    return Checked(shown(path, source), source.text, result.diagnostics, result.suppressed, locator(source))


def _configured(of: Configuration) -> Checked:
    from saltern_compiler.diagnostics.checked import Checked

    return Checked(of.name, of.text, of.findings)


def _document(checked: list[Checked], style: str) -> str:
    """Write one document about all that was checked."""
    if style == "github":
        from saltern_compiler.diagnostics.github import render_github

        return render_github(checked)
    if style == "sarif":
        from saltern_compiler.diagnostics.sarif import render_sarif
        from saltern_compiler.registry import Registry

        registry = Registry.load()
        return render_sarif(checked, registry.codes(), registry.page)
    from saltern_compiler.diagnostics.render import render_json

    reports = [render_json(each.diagnostics, each.text, each.name, locator=each.locator) for each in checked]
    return _joined([report.rstrip("\n") for report in reports]) + "\n"


def _fixed(source: Source, path: str) -> tuple[Source, Result]:
    """Apply the fixes and say on standard error what was done."""
    from saltern_compiler.diagnostics.places import visible
    from saltern_compiler.driver.fix import fix_loaded, write_source

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
