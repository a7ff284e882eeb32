"""Writes the LALR tables of both grammars, and that of a parser which keeps every token: `python -m saltern_compiler.frontend.language.tables`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from saltern_compiler.expr import grammar as expr
from saltern_compiler.expr import tables
from saltern_compiler.frontend.language import grammar, tokens


def texts() -> Mapping[Path, str]:
    """Return path → content of each table."""
    return {
        expr.TABLE: tables.write(expr.GRAMMAR, expr.START),
        grammar.TABLE: tables.write(grammar.GRAMMAR, grammar.START),
        tokens.TABLE: tables.write(grammar.GRAMMAR, grammar.START, tables.EVERY_TOKEN),
    }


def main() -> None:
    """Write those that are not as they should be."""
    for path, text in texts().items():
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")
            sys.stdout.write(f"{path} written\n")


if __name__ == "__main__":
    main()
