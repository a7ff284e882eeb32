"""`saltern run`."""

from __future__ import annotations

from pathlib import Path

import click

from saltern_compiler.cli.common import fail
from saltern_compiler.cli.launch import launch


@click.command()
@click.argument("pipeline")
@click.option(
    "--input", "input_", required=True, metavar="FILE", help="A JSON file with the input; - for standard input."
)
@click.option(
    "--answer",
    "answers",
    multiple=True,
    metavar="NODE=ANSWER",
    help="What an approval or a receive gets: JSON, or a text. Where none is given, you are asked.",
)
@click.option("--verbose", is_flag=True, help="Show the calls that led to each failure.")
def command(pipeline: str, input_: str, answers: tuple[str, ...], *, verbose: bool) -> None:
    """Run a pipeline once, in one process, and print its output.

    The engine is the one that workers have; there is no broker.
    """
    if input_ != "-" and not Path(input_).is_file():
        fail(f"{input_}: no such file")
    given = (part for answer in answers for part in ("--answer", answer))
    launch(pipeline, ("--once", "--input", input_, *given, *(("--verbose",) if verbose else ())))
