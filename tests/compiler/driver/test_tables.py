"""The LALR tables that are package data: those of the grammars as they are, and nothing but plain JSON."""

import json
import os
import subprocess
import sys

import pytest

from saltern_compiler.expr import grammar as expr
from saltern_compiler.expr import tables
from saltern_compiler.expr.refused import DepthGuard
from saltern_compiler.frontend.language import grammar as language
from saltern_compiler.frontend.language import tokens
from saltern_compiler.frontend.language.tables import texts

PARSERS = {
    "expr": (expr.GRAMMAR, expr.START, expr.TABLE, {}),
    "language": (language.GRAMMAR, language.START, language.TABLE, {}),
    "tokens": (language.GRAMMAR, language.START, tokens.TABLE, tables.EVERY_TOKEN),
}


def test_the_tables_are_those_of_the_grammars():
    """Whoever changes a grammar writes its table again: python -m saltern_compiler.frontend.language.tables."""
    made = texts()
    assert set(made) == {table for _, _, table, _ in PARSERS.values()}
    stale = [table.name for table, text in made.items() if table.read_text() != text]
    assert not stale, "python -m saltern_compiler.frontend.language.tables"


def test_the_tables_are_the_same_everywhere():
    """No order of a set gets into them."""
    script = (
        "import hashlib; from saltern_compiler.frontend.language.tables import texts\n"
        "print(*(hashlib.sha256(text.encode()).hexdigest() for text in texts().values()))"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-c", script], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(seen) == 1


@pytest.mark.parametrize("name", PARSERS)
def test_a_parser_out_of_its_table_is_that_of_the_grammar(name, tmp_path):
    """Both make the same tree; a table that is missing, broken or of another grammar is left aside."""
    grammar, start, table, options = PARSERS[name]
    text = "a.b + [1, {'k': x ? 2 : 3}].size()"
    fast = tables.parser(grammar, start, table, DepthGuard(), options)
    for other in (None, "{", json.dumps({"key": "other"})):
        path = tmp_path / "table.json"
        if other is not None:
            path.write_text(other)
        slow = tables.parser(grammar, start, path, DepthGuard(), options)
        assert slow.source_path != "<deserialized>"
        assert slow.parse(text, start="expr") == fast.parse(text, start="expr")
    assert fast.source_path == "<deserialized>"
