"""Writes `ranges.json` from the database of the Python that runs this, which has to be the one of Unicode 14."""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Final

FILE: Final = Path(__file__).with_name("ranges.json")
UNICODE: Final = "14.0.0"


def ranges_here() -> dict[str, list[int]]:
    """Return the ranges of each property, as this Python knows them."""
    return {
        "assigned": _ranges(lambda char: unicodedata.category(char) != "Cn"),
        "printable": _ranges(str.isprintable),
        "zero": _ranges(lambda char: unicodedata.combining(char) != 0 or unicodedata.category(char) == "Me"),
        "wide": _ranges(lambda char: char.isprintable() and unicodedata.east_asian_width(char) in "WF"),
    }


def _ranges(holds: Callable[[str], bool]) -> list[int]:
    codes = range(sys.maxunicode + 1)
    inside = [False, *(holds(chr(code)) for code in codes), False]
    return [code for code in (*codes, sys.maxunicode + 1) if inside[code] != inside[code + 1]]


def main() -> None:
    """Write the file anew."""
    if unicodedata.unidata_version != UNICODE:
        sys.exit(
            f"this Python has Unicode {unicodedata.unidata_version}; {FILE.name} is of {UNICODE}, which Python 3.11 has"
        )
    lines = ",\n".join(f' "{name}": {json.dumps(ranges)}' for name, ranges in ranges_here().items())
    FILE.write_text(f"{{\n{lines}\n}}\n", "utf-8")


if __name__ == "__main__":
    main()
