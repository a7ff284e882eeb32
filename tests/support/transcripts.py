"""Commands that a page shows, and what they print."""

from __future__ import annotations

import re
from collections.abc import Iterator

from docs.making.blocks import Block


def commands(block: Block) -> Iterator[tuple[str, str]]:
    """Yield each command of a block with what it is to print."""
    _, *parts = re.split(r"^\$ ", block.text, flags=re.MULTILINE)
    for part in parts:
        command, _, output = part.partition("\n")
        yield command, output.strip("\n")


def fits(shown: str, printed: str) -> bool:
    """Tell whether what was printed is what is shown, in which `…` stands for anything."""
    pattern = ".*".join(map(re.escape, shown.split("…")))
    return re.fullmatch(pattern, printed, re.DOTALL) is not None
