"""The table of functions: its examples are expressions that are true."""

import pytest

from saltern_compiler.diagnostics.model import NOWHERE
from saltern_compiler.expr.functions import LIBRARY, MACROS
from saltern_compiler.expr.parse import parse
from saltern_compiler.expr.typing import Env, check
from saltern_targets.python.expr import print_expression
from tests.support.expressions import evaluate

ROWS = [*LIBRARY, *MACROS.values()]


def run(text: str) -> object:
    """Parse, type, print and evaluate an expression that reads no names and has no findings."""
    expr, problems = parse(text, NOWHERE)
    assert expr is not None
    typed, found = check(expr, Env({}))
    assert (problems, found) == ([], [])
    return evaluate(print_expression(typed, {}))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_examples_are_true(row):
    """Each row shows itself in an example, which is true."""
    assert row.name in row.example
    assert run(row.example) is True


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_rows_say_what_they_are(row):
    """Each row has a sentence."""
    assert row.doc.endswith(".")


def test_a_name_has_one_row():
    """Functions and methods have a row for each name."""
    names = [(row.name, row.method) for row in LIBRARY]
    assert len(set(names)) == len(names)
