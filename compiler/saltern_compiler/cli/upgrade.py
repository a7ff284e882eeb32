"""`saltern upgrade`."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from saltern_compiler.cli.common import FINDINGS, difference, fail, load, plural, show, shown

if TYPE_CHECKING:
    from saltern_compiler.driver.source import Source
    from saltern_compiler.driver.upgrade import Upgraded, Wanted

_TO: Final = re.compile(r"(?:(?P<type>[\w.]+)@)?(?P<version>[0-9]{1,9})", re.ASCII)


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option(
    "--check",
    is_flag=True,
    help="Write nothing; list the files that are not of the newest versions, and exit 1 if any.",
)
@click.option("--diff", is_flag=True, help="Write nothing; show what would change.")
@click.option(
    "--to",
    multiple=True,
    metavar="VERSION",
    help="Go no further: N for the schemaVersion of documents, TYPE@N for a node type. Can be given for several.",
)
def command(files: tuple[str, ...], to: tuple[str, ...], *, check: bool, diff: bool) -> None:
    """Bring pipelines to the newest versions of documents and node types, in place: comments and layout are kept.

    A FILE is a pipeline in either notation, or a folder with pipelines; - reads standard input and prints the result. A node takes a
    step whole or not at all; what only a person can decide is shown at its place.

    Exit codes: 0 all is of the newest versions now, 1 something is left to do, or would change with --check, 2 misuse.
    """
    wanted = _wanted(to)
    paths = _pipelines(files)
    is_left = False
    changed = 0
    for path in paths:
        source = load(path)
        upgraded = _upgraded(source, wanted)
        is_changed = upgraded.text != source.text
        changed += is_changed
        if diff and is_changed:
            click.echo(difference(source.text, upgraded.text, shown(path, source)), nl=False)
        if check and is_changed:
            click.echo(f"{shown(path, source)}: {plural(len(upgraded.steps), 'step')} to take")
        if not (check or diff):
            _write(path, source, upgraded)
        if upgraded.findings:
            is_left = True
            show(upgraded.findings, _now(source, upgraded), path)
    if not changed and not is_left and paths != ["-"]:
        click.echo(f"{plural(len(paths), 'file')} of the newest versions already")
    if is_left or (check and changed):
        sys.exit(FINDINGS)


def _wanted(to: tuple[str, ...]) -> Wanted:
    from saltern_compiler.driver.upgrade import Wanted
    from saltern_compiler.registry import Registry

    schema: int | None = None
    nodes: dict[str, int] = {}
    for each in to:
        found = _TO.fullmatch(each)
        if found is None:
            fail(f"--to {each}: a version is N for documents, or TYPE@N for a node type, such as demo.greet@2")
        name, version = found["type"], int(found["version"])
        if name is None:
            schema = version
        elif version not in Registry.load().versions(name):
            there = ", ".join(map(str, Registry.load().versions(name)))
            fail(
                f"--to {each}: {f'there are the versions {there}' if there else f'no node type {name!r} is installed'}"
            )
        else:
            nodes[name] = version
    return Wanted(schema, nodes)


def _pipelines(files: tuple[str, ...]) -> list[str]:
    """Return the files, and for a folder all pipelines in it; each once."""
    found: dict[str, None] = {}
    for path in files:
        if not path:
            fail("a file has no name; a folder is meant by `.`")
        if path == "-" or not Path(path).is_dir():
            found[path] = None
            continue
        inside = _inside(Path(path))
        if not inside:
            fail(f"{path}: no pipeline in it")
        found |= dict.fromkeys(inside)
    return list(found)


def _inside(folder: Path) -> list[str]:
    """Return the pipelines of a folder, sorted: texts of the language, and documents that are surely ours. Hidden folders are left out."""
    from saltern_compiler.frontend.notations import NOTATIONS, notation_of

    found = []
    for path in sorted(folder.rglob("*")):
        if any(part.startswith(".") for part in path.relative_to(folder).parts) or not path.is_file():
            continue
        notation = notation_of(path.name, "", NOTATIONS)
        if notation is None:
            continue
        if notation.renew is None or '"nodes"' in (text := _text(path)) or re.search(r"^nodes\s*:", text, re.MULTILINE):
            found.append(str(path))
    return found


def _text(path: Path) -> str:
    """Return the text of a file; empty where it is no text."""
    try:
        return path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return ""


def _upgraded(source: Source, wanted: Wanted) -> Upgraded:
    from saltern_compiler.driver.upgrade import upgrade

    return upgrade(source.text, source.name, wanted=wanted)


def _now(source: Source, upgraded: Upgraded) -> Source:
    from dataclasses import replace

    return replace(source, text=upgraded.text)


def _write(path: str, source: Source, upgraded: Upgraded) -> None:
    from saltern_compiler.diagnostics.places import visible
    from saltern_compiler.driver.fix import write_source

    if path == "-":
        click.echo(upgraded.text, nl=False)
        return
    if upgraded.text == source.text:
        return
    try:
        write_source(Path(path), upgraded.text)
    except OSError as error:
        fail(f"{path}: {error.strerror or error}")
    click.echo(f"{path}: {plural(len(upgraded.steps), 'step')} taken")
    for step in upgraded.steps:
        click.echo(f"  {visible(step)}")
