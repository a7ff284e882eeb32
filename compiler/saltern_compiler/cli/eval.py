"""`saltern eval`."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from saltern_compiler.cli.common import FINDINGS, fail, load, show

if TYPE_CHECKING:
    from saltern_compiler.driver import Result
    from saltern_runtime.spec import Json, ObjectType

_DATA: Final = (".json", ".yaml", ".yml")
_SECONDS: Final = 30
"""How long an expression may take."""
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
@click.option("--debug", is_flag=True, hidden=True)
def command(expression: str, input_: str | None, pipeline: str | None, *, with_type: bool, debug: bool) -> None:  # noqa: ARG001 - debug is read by the crash report
    """Evaluate one expression."""
    from saltern_compiler.driver.compile import EXPRESSION, compile_expression  # noqa: PLC0415 - keeps --help quick
    from saltern_compiler.driver.shapes import shape_of  # noqa: PLC0415 - as above
    from saltern_compiler.driver.source import Source  # noqa: PLC0415 - as above
    from saltern_runtime.spec import ObjectType  # noqa: PLC0415 - as above
    from saltern_runtime.spec import show as type_text  # noqa: PLC0415 - as above

    if pipeline == "-" == input_:
        fail("standard input cannot be both the pipeline and its input")
    value = _value(input_)
    of = _input_of(pipeline) if pipeline is not None else shape_of(value)
    if not isinstance(of, ObjectType):
        fail("the input is an object, whose fields an expression reads as `input.name`")
    result = compile_expression(expression, of)
    if result.diagnostics:
        show(result.diagnostics, Source(EXPRESSION, expression, Path.cwd()), "EXPR")
    if result.has_errors:
        sys.exit(FINDINGS)
    if with_type:
        click.echo(type_text(result.types["return"]), err=True)
    sys.exit(_run(result, value))


def _value(path: str | None) -> Json:
    """Read what the expression reads, or show why it cannot be and stop."""
    from saltern_compiler.frontend.document.jsontext import Unreadable  # noqa: PLC0415 - as above
    from saltern_compiler.frontend.document.texts import read_text  # noqa: PLC0415 - as above

    if path is None:
        return {}
    if path != "-" and not path.lower().endswith(_DATA):
        fail(f"{path}: an input ends in {', '.join(_DATA)}")
    source = load(path)
    yaml = not source.text.lstrip().startswith(("{", "[")) if path == "-" else not path.lower().endswith(".json")
    value, findings = read_text(source.text, yaml=yaml)
    if findings or isinstance(value, Unreadable):
        show(findings, replace(source, name="input.yaml" if yaml else "input.json"), path)
        sys.exit(FINDINGS)
    return value


def _input_of(path: str) -> ObjectType:
    """Return the type of a pipeline's input; show what is wrong with it and stop if its text cannot be read."""
    from saltern_compiler.frontend import read  # noqa: PLC0415 - as above

    source = load(path)
    pipeline, findings = read(source.text, source.name)
    if pipeline is None:
        show(findings, source, path)
        sys.exit(FINDINGS)
    return pipeline.input


def _run(result: Result, value: Json) -> int:
    """Run what was compiled in a process of its own, which ends when its time is over."""
    from saltern_compiler.driver.tree import write_tree  # noqa: PLC0415 - as above

    with tempfile.TemporaryDirectory(prefix="saltern-") as folder:
        tree = Path(folder) / "tree"
        write_tree(result.artifacts, tree)
        command = [sys.executable, "-m", "saltern_runtime.dev", str(tree), "--value", "--input", "-"]
        try:
            return subprocess.run(command, input=json.dumps(value), text=True, timeout=_SECONDS, check=False).returncode  # noqa: S603 - our own module in our own interpreter
        except subprocess.TimeoutExpired:
            click.echo(f"saltern: the expression took over {_SECONDS} seconds", err=True)
            return FINDINGS
