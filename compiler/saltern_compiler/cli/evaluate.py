"""What `saltern eval` does: an expression is compiled as what a pipeline returns, and run in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Final

import click

from saltern_compiler.cli.common import FINDINGS, fail, load, show
from saltern_compiler.driver import Result, write_tree
from saltern_compiler.driver.compile import EXPRESSION, compile_expression
from saltern_compiler.driver.shapes import shape_of
from saltern_compiler.driver.source import Source
from saltern_compiler.frontend import read
from saltern_compiler.frontend.document.jsontext import Unreadable
from saltern_compiler.frontend.document.texts import read_text
from saltern_runtime.spec import Json, ObjectType
from saltern_runtime.spec import show as type_text

_DATA: Final = (".json", ".yaml", ".yml")
_SECONDS: Final = 30
"""How long an expression may take."""


def evaluate(expression: str, input_: str | None, pipeline: str | None, *, with_type: bool) -> int:
    """Print the value of an expression; return the exit code."""
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
        return FINDINGS
    if with_type:
        click.echo(type_text(result.types["return"]), err=True)
    return _run(result, value)


def _value(path: str | None) -> Json:
    """Read what the expression reads, or show why it cannot be and stop."""
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
    source = load(path)
    pipeline, findings = read(source.text, source.name)
    if pipeline is None:
        show(findings, source, path)
        sys.exit(FINDINGS)
    return pipeline.input


def _run(result: Result, value: Json) -> int:
    """Run what was compiled in a process of its own, which ends when its time is over."""
    with tempfile.TemporaryDirectory(prefix="saltern-") as folder:
        tree = Path(folder) / "tree"
        write_tree(result.artifacts, tree)
        command = [sys.executable, "-m", "saltern_runtime.dev", str(tree), "--value", "--input", "-"]
        try:
            return subprocess.run(command, input=json.dumps(value), text=True, timeout=_SECONDS, check=False).returncode  # noqa: S603 - our own module in our own interpreter
        except subprocess.TimeoutExpired:
            click.echo(f"saltern: the expression took over {_SECONDS} seconds", err=True)
            return FINDINGS
