"""`saltern run`."""

from __future__ import annotations

import os
import stat

import click

from saltern_compiler.cli.common import fail, optimize_option
from saltern_compiler.cli.launch import launch


@click.command()
@click.argument("pipeline")
@click.option("--input", "input_", metavar="FILE", help="A JSON file with the input; - for standard input.")
@click.option(
    "--file",
    "files",
    multiple=True,
    metavar="FIELD=PATH",
    help="A file of the input; several of one field make a list.",
)
@click.option("--save", metavar="DIR", help="Write the files of the output into this folder, never over others.")
@click.option(
    "--answer",
    "answers",
    multiple=True,
    metavar="NODE=ANSWER",
    help="What an approval or a receive gets: JSON, or a text. Where none is given, you are asked.",
)
@optimize_option
@click.option("--verbose", is_flag=True, help="Show the calls that led to each failure.")
def command(
    pipeline: str,
    input_: str | None,
    files: tuple[str, ...],
    save: str | None,
    answers: tuple[str, ...],
    *,
    optimize: int,
    verbose: bool,
) -> None:
    """Run a pipeline once, in one process, and print its output.

    The engine is the one that workers have; there is no broker.
    """
    if input_ is None and not files:
        raise click.UsageError("Missing option '--input' (or '--file').")
    for path in [path for _, _, path in (pair.partition("=") for pair in files) if path]:
        if not stat.S_ISREG(_mode(path)):
            fail(f"{path}: it is no regular file")
    pipe = None
    if input_ and input_ != "-":
        mode = _mode(input_)
        if stat.S_ISFIFO(mode):
            _, is_own, number = input_.rpartition("/fd/")
            if is_own and number.isdigit() and int(number) > 2:
                pipe = int(number)  # `<(…)` is a descriptor of this process, which the child is handed
        elif not stat.S_ISREG(mode):
            fail(f"{input_}: it is no regular file")
    options = [("--input", input_), ("--save", save)]
    options += [("--file", pair) for pair in files] + [("--answer", answer) for answer in answers]
    given = (part for option, value in options if value is not None for part in (option, value))
    launch(pipeline, ("--once", *given, *(("--verbose",) if verbose else ())), optimize, keep=pipe)


def _mode(path: str) -> int:
    """Return what a path leads to; ends the process where that is nothing."""
    try:
        return os.stat(path).st_mode  # noqa: PTH116 - a descriptor's path as well
    except (OSError, ValueError):
        fail(f"{path}: no such file")
