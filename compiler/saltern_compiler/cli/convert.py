"""`saltern convert`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from saltern_compiler.cli.common import FINDINGS, fail, load, show

if TYPE_CHECKING:
    from saltern_compiler.driver.source import Source
    from saltern_compiler.frontend.convert import Converted
    from saltern_compiler.frontend.notation import Layout, Notation


@click.command()
@click.argument("source", metavar="SOURCE")
@click.option(
    "-o",
    "--output",
    metavar="OUT",
    help="The file to write, in the notation of its suffix; standard output by default.",
)
@click.option("--force", is_flag=True, help="Overwrite files that are there.")
def command(source: str, output: str | None, *, force: bool) -> None:
    """Turn an editor's document into the language, or the other way.

    The digest stays. Notes become comments, and comments notes. Where things stand on the canvas goes to NAME.layout.json beside
    the text, and comes back from there.
    """
    given = load(source)
    to = _target(given, output)
    converted = _converted(given, to, source)
    if output is None:
        click.echo(converted.text, nl=False)
        return
    texts = {Path(output): converted.text}
    if converted.layout is not None:
        texts[_layout_of(Path(output))] = converted.layout.text()
    there = [str(path) for path in texts if path.exists()]
    if there and not force:
        fail(f"{' and '.join(there)}: there already; --force overwrites, or take another name with -o")
    _write(texts)
    click.echo(
        f"{output}: written" + (f", and {_layout_of(Path(output)).name}" if converted.layout is not None else "")
    )


def _layout_of(path: Path) -> Path:
    return path.with_suffix(".layout.json")


def _target(source: Source, output: str | None) -> Notation:
    """Return the notation that a source is converted to: the output's, else the first other one; a text becomes a drawing."""
    from saltern_compiler.frontend.notations import NOTATIONS, notation_of, suffixes

    own = notation_of(source.name, source.text)
    others = tuple(notation for notation in NOTATIONS if notation.print is not None and notation is not own)
    if output is None:
        return others[-1]
    to = notation_of(output, "", others)
    if to is None:
        fail(f"{output}: {source.name} becomes a {' or '.join(suffixes(others))} file")
    return to


def _converted(source: Source, to: Notation, path: str) -> Converted:
    from saltern_compiler.frontend.convert import ConvertError, DeepError, convert

    layout = _layout(source, to.read_layout) if to.read_layout is not None else None
    try:
        converted, findings = convert(source.text, source.name, to, layout=layout)
    except DeepError as error:
        fail(f"{path}: {error}")
    except ConvertError as error:
        _blame(source, path, error)
    if converted is None:
        show(findings, source, path)
        sys.exit(FINDINGS)
    return converted


def _layout(source: Source, read_layout: Callable[[str], Layout]) -> Layout | None:
    """Read the layout beside a text, if there is one."""
    from saltern_compiler.frontend.notation import LayoutError

    path = _layout_of(source.folder / source.name)
    try:
        return read_layout(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError, LayoutError) as error:
        fail(f"{path}: {error}; mend it, or remove it for a layout of our own")


def _blame(source: Source, path: str, error: Exception) -> NoReturn:
    """Show why a pipeline cannot be converted: mistakes in it; where there are none, the mistake is ours."""
    from saltern_compiler.driver.compile import check_loaded  # only where something is wrong
    from saltern_compiler.ir.verify import InternalError  # only where something is wrong

    result = check_loaded(source)
    if not result.has_errors:
        raise InternalError("each notation can say what the other says", str(error)) from error
    show(result.diagnostics, source, path)
    click.echo(f"saltern: {path}: mend these first; {error}", err=True)
    sys.exit(FINDINGS)


def _write(texts: dict[Path, str]) -> None:
    from saltern_compiler.driver.files import write_whole

    for path, text in texts.items():
        try:
            write_whole(path, text)
        except OSError as error:
            fail(f"{path}: {error.strerror}")
