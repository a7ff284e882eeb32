"""The grammar of the language and its table."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from saltern_compiler.expr import grammar

GRAMMAR: Final = grammar.GRAMMAR + Path(__file__).with_name("grammar.lark").read_text("utf-8")
START: Final = ("source", "expr", "type")
TABLE: Final = Path(__file__).with_name("grammar.jsonl")
