"""`saltern run`."""

from __future__ import annotations

from pathlib import Path

import click

from saltern_compiler.cli.common import fail
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
@click.option("--verbose", is_flag=True, help="Show the calls that led to each failure.")
def command(
    pipeline: str,
    input_: str | None,
    files: tuple[str, ...],
    save: str | None,
    answers: tuple[str, ...],
    *,
    verbose: bool,
) -> None:
    """Run a pipeline once, in one process, and print its output.

    The engine is the one that workers have; there is no broker.
    """
    if input_ is None and not files:
        raise click.UsageError("Missing option '--input' (or '--file').")
    paths = [path for _, _, path in (pair.partition("=") for pair in files)]
    for path in [path for path in (input_, *paths) if path and path != "-"]:
        if not Path(path).is_file():
            fail(f"{path}: no such file")
    options = [("--input", input_), ("--save", save)]
    options += [("--file", pair) for pair in files] + [("--answer", answer) for answer in answers]
    given = (part for option, value in options if value is not None for part in (option, value))
    launch(pipeline, ("--once", *given, *(("--verbose",) if verbose else ())))
