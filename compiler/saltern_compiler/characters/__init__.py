"""What a character is, by Unicode 14: the database of the oldest Python that is supported.

Each Python brings a database of its own, in which more characters are printable, and some are wider. What is written with an escape,
replaced or measured must not depend on that, so the ranges stand in `ranges.json`; `python -m saltern_compiler.characters` writes it.
"""

from __future__ import annotations

import json
import unicodedata
from bisect import bisect_right
from collections.abc import Mapping
from functools import cache
from pathlib import Path


def is_printable(text: str) -> bool:
    """Tell whether all characters of a text can be seen as they are: letters, marks, digits, signs and the plain space."""
    return text.isprintable() if text.isascii() else all(_is_in("printable", char) for char in text)


def columns(char: str) -> int:
    """Return how many columns of a terminal a printable character takes: 0 for marks, 2 for wide ones, else 1."""
    if char.isascii():
        return 1
    return 0 if _is_in("zero", char) else 2 if _is_in("wide", char) else 1


def decompose(text: str) -> str:
    """Take a text apart (NFKD), letters from their accents; what Unicode 14 does not know is replaced."""
    if text.isascii():
        return text
    known = (char if _is_in("assigned", char) else "\N{REPLACEMENT CHARACTER}" for char in text)
    return unicodedata.normalize("NFKD", "".join(known))


def _is_in(name: str, char: str) -> bool:
    return bisect_right(_ranges()[name], ord(char)) % 2 == 1


@cache
def _ranges() -> Mapping[str, list[int]]:
    """Return the ranges of each property, as first code, code after the last one, and so on."""
    ranges: Mapping[str, list[int]] = json.loads(Path(__file__).with_name("ranges.json").read_text("utf-8"))
    return ranges
