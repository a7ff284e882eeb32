"""`saltern fmt`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from saltern_compiler.cli.common import FINDINGS, difference, fail, load, plural, show

if TYPE_CHECKING:
    from saltern_compiler.driver.source import Source


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--check", is_flag=True, help="Write nothing; list the files that are not formatted, and exit 1 if any.")
@click.option("--diff", is_flag=True, help="Write nothing; show what would change.")
def command(files: tuple[str, ...], *, check: bool, diff: bool) -> None:
    """Format .saltern files in place: one look, the same meaning, every comment kept.

    - reads standard input and prints the result. A file whose syntax is broken stays as it is.
    """
    for path in files:
        if path != "-" and not path.lower().endswith(_formatted_suffixes()):
            shown = " and ".join(_formatted_suffixes())
            fail(f"{path}: only {shown} files are formatted; `saltern convert` turns an editor's document into one")
    failed = False
    changed = 0
    for path in files:
        source = load(path)
        formatted = _formatted(source, path)
        if formatted is None:
            failed = True
            continue
        is_changed = formatted != source.text
        changed += is_changed
        if diff and is_changed:
            click.echo(difference(source.text, formatted, path), nl=False)
        if check and is_changed:
            click.echo(f"{path}: not formatted")
        if not (check or diff):
            _write(path, formatted, is_changed=is_changed)
    if check and not failed and not changed:
        click.echo(f"{plural(len(files), 'file')} formatted already")
    if failed or (check and changed):
        sys.exit(FINDINGS)


def _formatted_suffixes() -> tuple[str, ...]:
    from saltern_compiler.frontend.notations import NOTATIONS

    return tuple(suffix for notation in NOTATIONS if notation.format is not None for suffix in notation.suffixes)


def _formatted(source: Source, path: str) -> str | None:
    from saltern_compiler.frontend.notations import notation_of

    notation = notation_of(source.name, source.text)
    if notation is None or notation.format is None:
        fail("standard input is an editor's document; only the language is formatted")
    formatted, findings = notation.format(source.text)
    if formatted is None:
        show(findings, source, path)
    return formatted


def _write(path: str, text: str, *, is_changed: bool) -> None:
    from saltern_compiler.driver.files import write_whole

    if path == "-":
        click.echo(text, nl=False)
        return
    if not is_changed:
        return
    try:
        write_whole(Path(path), text)
    except OSError as error:
        fail(f"{path}: {error.strerror}")
    click.echo(f"{path}: formatted")
