"""`saltern build`."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from saltern_compiler.cli.common import (
    FINDINGS,
    LEVEL,
    compile_clean,
    fail,
    optimize_option,
    plural,
    read_options,
    trigger_option,
    wants_color,
)

if TYPE_CHECKING:
    from saltern_compiler.driver import Comparison, Difference, Result

_COLORS: Final = {"+": "32", "-": "31", "@": "36"}


@click.command()
@click.argument("pipeline")
@click.option("-o", "--output", required=True, metavar="DIR", help="The folder to write; its other files stay.")
@click.option(
    "--target",
    "targets",
    multiple=True,
    metavar="NAME",
    help="What to write (python, fastapi, celery, …); all by default.",
)
@click.option(
    "--option", "options", multiple=True, metavar="NAME=VALUE", help="An option of a target, such as image=NAME:TAG."
)
@trigger_option
@optimize_option
@click.option("--check", is_flag=True, help="Write nothing; show what would change, and exit 1 if anything would.")
@click.option("--force", is_flag=True, help="Overwrite files that were changed by hand.")
def command(
    pipeline: str,
    output: str,
    targets: tuple[str, ...],
    options: tuple[str, ...],
    *,
    triggers: tuple[str, ...],
    optimize: int,
    check: bool,
    force: bool,
) -> None:
    """Compile a pipeline into a folder.

    The folder is written whole or not at all. Files that a build before wrote and that are no longer needed are removed;
    files that it did not write are left alone.
    """
    from saltern_compiler.driver.compile import EVERY_TARGET

    if check and force:
        fail("--check writes nothing, so --force has no meaning beside it")
    result = compile_clean(
        pipeline,
        targets=targets or EVERY_TARGET,
        options=read_options(options),
        optimize=optimize,
        triggers=triggers,
    )
    if check:
        chosen = [f"--target {target}" for target in targets]
        chosen += [f"--option {shlex.quote(option)}" for option in options]
        chosen += [f"--trigger {shlex.quote(trigger)}" for trigger in triggers]
        chosen += [] if optimize == LEVEL else [f"-O{optimize}"]
        again = " ".join(["saltern build", shlex.quote(pipeline), "-o", shlex.quote(output), *chosen])
        _check(result, pipeline, output, again)
    else:
        _write(result, output, force=force)


def _write(result: Result, output: str, *, force: bool) -> None:
    from saltern_compiler.driver.tree import ChangedError, TreeError, write_tree

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


def _check(result: Result, pipeline: str, output: str, again: str) -> None:
    """Show how the folder differs: the diff on standard output, what it means on standard error."""
    from saltern_compiler.driver.compare import compare_tree

    folder = Path(output)
    if folder.exists() and not folder.is_dir():
        fail(f"{output}: this is a file; name a folder")
    try:
        comparison = compare_tree(result.artifacts, folder)
    except OSError as error:
        fail(f"{error.filename or output}: {error.strerror or error}")
    if not comparison.differences:
        click.echo(f"{output}: fresh, {plural(len(result.artifacts), 'file')}")
        return
    color = wants_color(sys.stdout)
    from saltern_compiler.driver import BUILD_FILE

    # Digests change whenever a file does: they are shown only where nothing else is.
    shown = [
        difference for difference in comparison.differences if difference.path != BUILD_FILE
    ] or comparison.differences
    for difference in shown:
        if difference.there and difference.wanted:
            click.echo("\n".join(_shown(difference, color=color)), color=color)
    click.echo(f"saltern: {output} is stale; {pipeline} compiles to something else:", err=True)
    _summarize(comparison, result, again)
    sys.exit(FINDINGS)


def _shown(difference: Difference, *, color: bool) -> list[str]:
    from saltern_compiler.diagnostics.places import visible

    shown: list[str] = []
    for line in difference.lines():
        text = "\t".join(visible(part) for part in line.split("\t"))
        code = "1" if line.startswith(("---", "+++")) and not shown[2:] else _COLORS.get(line[:1], "")
        shown.append(f"\x1b[{code}m{text}\x1b[0m" if color and code else text)
    return shown


def _summarize(comparison: Comparison, result: Result, again: str) -> None:
    from saltern_compiler.driver import BUILD_FILE
    from saltern_compiler.driver.compare import Kind
    from saltern_compiler.driver.manifest import read_level, read_targets, read_triggers

    for difference in comparison.differences:
        click.echo(f"  {difference.path}: {difference.kind}", err=True)
    targets = read_targets(result.artifacts[BUILD_FILE])
    if comparison.targets and comparison.targets != targets:
        click.echo(
            f"The tree was built for {', '.join(comparison.targets)}, this compares with {', '.join(targets)}: see --target.",
            err=True,
        )
    level = read_level(result.artifacts[BUILD_FILE])
    if comparison.level not in (None, level):
        click.echo(f"The tree was built with -O{comparison.level}, this compares with -O{level}.", err=True)
    triggers = read_triggers(result.artifacts[BUILD_FILE])
    if comparison.triggers not in (None, triggers):
        click.echo(
            f"The tree was built {_started_by(comparison.triggers)}, this compares {_started_by(triggers)}.", err=True
        )
    force = " --force" if any(difference.kind is Kind.CHANGED for difference in comparison.differences) else ""
    click.echo(f"Nothing was written. To write it again: {again}{force}", err=True)


def _started_by(triggers: tuple[str, ...] | None) -> str:
    """Say what triggers a build has."""
    if not triggers:
        return "with the triggers of its source"
    return "with " + " ".join(f"--trigger {shlex.quote(trigger)}" for trigger in triggers)
