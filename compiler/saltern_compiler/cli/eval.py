"""`saltern eval`."""

from __future__ import annotations

import sys
from typing import Final

import click

_HELP: Final = """
Evaluate one expression and print its value as JSON.

EXPR is an expression as pipelines have them. It reads the value of --input as `input`, typed by what is in it, or as the
input of --pipeline. What is wrong with it is said before anything runs.

\b
  saltern eval '[3, 1, 2].sort()'
  saltern eval 'input.lines.map(line, line.price).sum()' --input order.json
  saltern eval 'input.customer' --input order.json --pipeline orders.saltern --type
"""


@click.command(help=_HELP, context_settings={"ignore_unknown_options": True})
@click.argument("expression", metavar="EXPR")
@click.option("--input", "input_", metavar="FILE", help="A JSON or YAML file with an object; - for standard input.")
@click.option("--pipeline", metavar="PIPELINE", help="Take the type of `input` from this pipeline, not from the value.")
@click.option("--type", "with_type", is_flag=True, help="Say the type of the expression too, on standard error.")
def command(expression: str, input_: str | None, pipeline: str | None, *, with_type: bool) -> None:
    """Evaluate one expression."""
    from saltern_compiler.cli.evaluate import evaluate

    sys.exit(evaluate(expression, input_, pipeline, with_type=with_type))
